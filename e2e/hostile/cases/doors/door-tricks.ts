// Bytes that a stranger sends to the port of a running product, as they go over the connection.
//   {token}: a good token · {session}: a session that is there · {host}: the name and port of the product
import { kindOf, type Row } from '../../corpus.ts'

/** The status of each answer that came, one after the other, and then how the connection ended. */
const refused = /^(400|401|403|404|405|408|413|414|415|431)( (400|408))? closed$/
const auth = 'Authorization: Bearer {token}\r\n'
const body = '{"content":"x"}'
const request = (target: string, headers = auth, method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: {host}\r\n${headers}\r\n`
const post = (headers: string, content = body): string =>
  `POST /v1/sessions/{session}/messages HTTP/1.1\r\nHost: {host}\r\n${auth}Content-Type: application/json\r\n${headers}\r\n${content}`
const hidden = 'GET /v1/agents HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n'

const rows: readonly Row<string>[] = [
  ['two lengths', post('Content-Length: 15\r\nContent-Length: 0\r\n'), refused],
  ['two lengths in one header', post('Content-Length: 15, 0\r\n'), refused],
  ['a length and chunks', post(`Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden}`), refused],
  ['chunks and a length', post(`Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`, `0\r\n\r\n${hidden}`), refused],
  ['chunks by another name', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${hidden}`), refused],
  ['chunks twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', `0\r\n\r\n${hidden}`), refused],
  ['chunks, with a blank before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${hidden}`), refused],
  ['chunks, folded', post('Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`), refused],
  ['chunks with a tab', post('Transfer-Encoding:\tchunked, identity\r\n', `0\r\n\r\n${hidden}`), refused],
  ['a chunk of a negative size', post('Transfer-Encoding: chunked\r\n', `-1\r\n${body}\r\n0\r\n\r\n`), refused],
  ['a chunk of an endless size', post('Transfer-Encoding: chunked\r\n', `ffffffffffffffffff\r\n${body}`), refused],
  ['a length that is negative', post('Content-Length: -1\r\n'), refused],
  ['a length with a sign', post('Content-Length: +15\r\n'), refused],
  ['a length in hexadecimal', post('Content-Length: 0xf\r\n'), refused],
  ['two tokens', request('/v1/agents', `${auth}Authorization: Bearer x\r\n`), refused],
  ['two tokens, the wrong one first', request('/v1/agents', `Authorization: Bearer x\r\n${auth}`), refused],
  ['a token, folded', request('/v1/agents', 'Authorization: Bearer\r\n {token}\r\n'), refused],
  ['a token behind NUL', request('/v1/agents', 'Authorization: Bearer \0{token}\r\n'), refused],
  ['a token with a line in it', request('/v1/agents', 'Authorization: Bearer x\n{token}\r\n'), refused],
  ['a token in the address', request('/v1/agents?token={token}', ''), refused],
  ['a token as access_token', request('/v1/agents?access_token={token}', ''), refused],
  ['a token in a cookie', request('/v1/agents', 'Cookie: token={token}; Authorization=Bearer {token}\r\n'), refused],
  ['a token by another scheme', request('/v1/agents', 'Authorization: Basic {token}\r\n'), refused],
  ['a token behind a proxy', request('/v1/agents', 'Proxy-Authorization: Bearer {token}\r\n'), refused],
  [
    'another address by a header',
    request('/v1/agents', 'X-Original-URL: /health\r\nX-Rewrite-URL: /health\r\n'),
    refused,
  ],
  [
    'an address that is trusted',
    request('/v1/agents', 'X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n'),
    refused,
  ],
  ['a name of who asks', request('/v1/agents', 'X-Forwarded-User: admin\r\nX-Remote-User: admin\r\n'), refused],
  ['two hosts', `GET /health HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n`, refused],
  ['no host', 'GET /health HTTP/1.1\r\n\r\n', refused],
  ['a foreign host (rebinding)', `GET /v1/agents HTTP/1.1\r\nHost: evil.example\r\n${auth}\r\n`, refused],
  ['a host that ends like ours', `GET /v1/agents HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n${auth}\r\n`, refused],
  ['a host that begins like ours', `GET /v1/agents HTTP/1.1\r\nHost: localhost.evil.example\r\n${auth}\r\n`, refused],
  ['a host with a user', `GET /v1/agents HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n${auth}\r\n`, refused],
  ['an address of the network', `GET /v1/agents HTTP/1.1\r\nHost: 169.254.169.254\r\n${auth}\r\n`, refused],
  ['0.0.0.0 as the host', `GET /v1/agents HTTP/1.1\r\nHost: 0.0.0.0\r\n${auth}\r\n`, refused],
  [
    'a foreign host, where X-Forwarded-Host is ours',
    `GET /v1/agents HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {host}\r\n${auth}\r\n`,
    refused,
  ],
  ['a whole address as the target', request('http://evil.example/v1/agents'), refused],
  ['a target with our own host', request('http://{host}/v1/agents'), refused],
  ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n', /closed$/],
  ['a star', request('*', auth, 'OPTIONS'), refused],
  ['TRACE', request('/v1/agents', auth, 'TRACE'), refused],
  ['a method that nobody knows', request('/v1/agents', auth, 'STEAL'), refused],
  ['another method by a header', request('/v1/nothing', `${auth}X-HTTP-Method-Override: DELETE\r\n`, 'GET'), refused],
  ['a path with dots', request('/v1/../v1/agents/../../etc/passwd'), refused],
  ['a path with escaped dots', request('/v1/%2e%2e/%2e%2e/etc/passwd'), refused],
  ['a path with escaped slashes', request('/v1/agents/..%2f..%2fadmin.token'), refused],
  ['a path with slashes escaped twice', request('/v1/agents/..%252f..%252fadmin.token'), refused],
  ['a path with backslashes', request('/v1/agents/..\\..\\admin.token'), refused],
  ['a path with two slashes', request('//v1//agents'), refused],
  ['two slashes and a host', request('//evil.example/v1/agents'), refused],
  ['a path in capitals', request('/V1/AGENTS'), refused],
  ['a public path that goes on', request('/health/../v1/agents', ''), refused],
  ['a public path with a semicolon', request('/v1/agents;/health', ''), refused],
  ['a public path with an escaped end', request('/v1/agents%3f/health', ''), refused],
  ['a public path behind NUL', request('/v1/agents%00/health', ''), refused],
  ['a path that ends with a slash', request('/v1/agents/', ''), refused],
  ['a path with a fragment', request('/health#/v1/agents/..', '').replace('/health', '/v1/agents'), refused],
  ['a path of twenty thousand characters', request(`/v1/agents/${'a'.repeat(20_000)}`), refused],
  ['headers of forty thousand characters', request('/v1/agents', `X: ${'a'.repeat(40_000)}\r\n`), refused],
  ['ten thousand headers', request('/v1/agents', `${'X: a\r\n'.repeat(10_000)}`), refused],
  ['a foreign page', request('/v1/agents', `${auth}Origin: https://evil.example\r\n`), refused],
  ['a page without an origin', request('/v1/agents', `${auth}Origin: null\r\n`), refused],
  ['a page that looks like ours', request('/v1/agents', `${auth}Origin: http://{host}.evil.example\r\n`), refused],
  [
    'a preflight of a foreign page',
    request('/v1/agents', 'Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\n', 'OPTIONS'),
    refused,
  ],
  [
    'a form of a foreign page',
    `POST /v1/sessions HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`,
    refused,
  ],
  ['HTTP/0.9', 'GET /v1/agents\r\n\r\n', refused],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', refused],
  ['lines without their returns', 'GET /v1/agents HTTP/1.1\nHost: {host}\n\n', refused],
  ['a header without a name', request('/v1/agents', `: x\r\n`), refused],
]

export const doorTricks = kindOf(
  'requests by hand',
  'header smuggling, foreign hosts and origins, tricks with paths and tokens, byte for byte, at the port of a running product',
  rows,
)
