// Requests that a stranger, or a broken client, sends to the HTTP API of a running product. `{session}`: a session that is there.
import { kindOf, type Row } from '../../corpus.ts'

export interface Request {
  readonly method: string
  readonly target: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

const refused = /^4\d\d \{"error":\{"code":"\w+"/
const any = /^[24]\d\d /
const messages = '/v1/sessions/{session}/messages'
const post = (body: string | Buffer, target = messages, headers = {}): Request => ({
  method: 'POST',
  target,
  body,
  headers,
})
const put = (target: string, body: string, headers = {}): Request => ({ method: 'PUT', target, body, headers })
const content = (text: string) => `{"content":${text}}`
const get = (target: string): Request => ({ method: 'GET', target })
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const agent = (more: string) => `{"name":"hostile","model":"scripted/assistant","system_prompt":"x"${more}}`
const decide = (body: string, call = 'k1') => post(body, `/v1/sessions/{session}/approvals/${call}`)

const rows: readonly Row<Request>[] = [
  ['a key that stands twice', post('{"content":5,"content":6}'), refused],
  ['__proto__ in a body', post('{"content":"x","__proto__":{"polluted":true}}'), refused],
  ['constructor in a body', post('{"content":"x","constructor":{"prototype":{"polluted":true}}}'), refused],
  ['no body', post(''), refused],
  ['null', post('null'), refused],
  ['a list', post('[]'), refused],
  ['a text', post('"content"'), refused],
  ['a number', post('1e999'), refused],
  ['words that are no JSON', post('NaN'), refused],
  ['JSON with a comment', post('{"content":"x"/**/}'), refused],
  ['JSON with a comma too many', post('{"content":"x",}'), refused],
  ['JSON in single quotes', post("{'content':'x'}"), refused],
  ['two JSON texts', post('{"content":"x"}{"content":"y"}'), refused],
  ['JSON that is cut', post('{"content":"x'), refused],
  ['a mark before JSON', post('\ufeff{"content":5}'), refused],
  ['JSON in UTF-16', post(Buffer.from('{"content":"x"}', 'utf16le')), refused],
  ['bytes that are no UTF-8', post(Buffer.from('7b22636f6e74656e74223a22c328227d', 'hex')), refused],
  ['letters encoded longer than needed', post(Buffer.from('7b22636f6e74656e74223a22c0af227d', 'hex')), refused],
  ['a hundred thousand lists', post(content(nested(100_000))), refused],
  ['lists that are open', post('['.repeat(1_000_000)), refused],
  ['mappings that are open', post('{"a":'.repeat(200_000)), refused],
  ['half a character', post(content('"\\ud83d"')), any],
  ['halves in the wrong order', post(content('"\\udc00\\ud83d"')), any],
  ['NUL', post(content('"a\\u0000b"')), any],
  ['controls as they are', post(content('"a\u0001b"')), refused],
  ['nothing to say', post(content('""')), refused],
  ['blanks to say', post(content('"  "')), any],
  ['a content that is a number', post(content('9007199254740993')), refused],
  ['a content that is a mapping', post(content('{"text":"x"}')), refused],
  ['two million characters', post(content(`"${'x'.repeat(2_000_000)}"`)), refused],
  [
    'a hundred thousand fields',
    post(`{${Array.from({ length: 100_000 }, (_, at) => `"f${at}":1`).join(',')}}`),
    refused,
  ],
  [
    'fields that collide',
    post(`{${Array.from({ length: 5_000 }, (_, at) => `"${at * 4_294_967_296}":1`).join(',')}}`),
    refused,
  ],
  ['a form', post('content=x', messages, { 'content-type': 'application/x-www-form-urlencoded' }), refused],
  ['a form in parts', post('--x\r\n\r\n', messages, { 'content-type': 'multipart/form-data; boundary=x' }), refused],
  ['a page', post('<x/>', messages, { 'content-type': 'text/html' }), refused],
  ['a kind that is none', post('{}', messages, { 'content-type': 'a;b=;;;"' }), refused],
  ['another charset', post('{"content":5}', messages, { 'content-type': 'application/json; charset=utf-7' }), refused],
  ['an encoding', post('{"content":5}', messages, { 'content-encoding': 'br' }), refused],
  ['a session that is a path', post('{"content":"x"}', '/v1/sessions/..%2f..%2fadmin/messages'), refused],
  ['a session that is a wildcard', post('{"content":"x"}', '/v1/sessions/%3E/messages'), refused],
  ['a session with NUL', post('{"content":"x"}', '/v1/sessions/a%00b/messages'), refused],
  ['a session with a broken escape', get('/v1/sessions/%E0%A4%A'), refused],
  ['a session of a thousand characters', get(`/v1/sessions/${'A'.repeat(1_000)}`), refused],
  ['a parameter that stands twice', get('/v1/sessions?limit=1&limit=2'), refused],
  ['a parameter that is __proto__', get('/v1/sessions?__proto__[polluted]=1'), refused],
  [
    'a thousand parameters',
    get(`/v1/sessions?${Array.from({ length: 1_000 }, (_, at) => `p${at}=1`).join('&')}`),
    refused,
  ],
  [
    'a cursor that is a bomb',
    get(`/v1/sessions/{session}/events?after=${Buffer.from(nested(1_000)).toString('base64url')}`),
    refused,
  ],
  ['a limit in another script', get('/v1/sessions?limit=%D9%A1'), refused],
  ['a kept output that is a path', get('/v1/sessions/{session}/outputs/..%2f..%2fadmin.token'), refused],
  [
    'an agent as YAML with a bomb',
    put('/v1/agents/hostile', `a: &a [x,x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(500)}]\n`, {
      'content-type': 'application/yaml',
    }),
    refused,
  ],
  [
    'an agent as YAML with a tag',
    put('/v1/agents/hostile', 'name: hostile\nmodel: scripted/assistant\nsystem_prompt: !!js/function "f"\n', {
      'content-type': 'application/yaml',
    }),
    refused,
  ],
  ['an agent under another name', put('/v1/agents/other', agent('')), refused],
  ['an agent with a tool that is a path', put('/v1/agents/hostile', agent(',"tools":["../shell"]')), refused],
  [
    'an agent with a thousand servers',
    put(
      '/v1/agents/hostile',
      agent(
        `,"mcp_servers":[${Array.from({ length: 1_000 }, (_, at) => `{"name":"s${at}","url":"http://127.0.0.1/"}`).join(',')}]`,
      ),
    ),
    refused,
  ],
  [
    'an agent with a server that is a script',
    put('/v1/agents/hostile', agent(',"mcp_servers":[{"name":"a","url":"javascript:alert(1)"}]')),
    refused,
  ],
  ['an agent whose approval is no word', put('/v1/agents/hostile', agent(',"approval_mode":"yolo"')), refused],
  ['an agent that asks for no people', put('/v1/agents/hostile', agent(',"approvals":{"quorum":0}')), refused],
  [
    'an agent whose approvals never end',
    put('/v1/agents/hostile', agent(',"approvals":{"expires":"99999999999999d"}')),
    refused,
  ],
  [
    'an agent with a file that was not sent',
    put('/v1/agents/hostile', agent(',"tools_file":"../../etc/passwd"')),
    refused,
  ],
  ['a secret named as a path', put('/v1/secrets/..%2fkey', '{"value":"x"}'), refused],
  ['a secret named __proto__', put('/v1/secrets/__proto__', '{"value":5}'), refused],
  ['a secret without a value', put('/v1/secrets/HOSTILE', '{}'), refused],
  ['a secret that is a mapping', put('/v1/secrets/HOSTILE', '{"value":{"a":1}}'), refused],
  ['a secret of two megabytes', put('/v1/secrets/HOSTILE', `{"value":"${'x'.repeat(1_500_000)}"}`), refused],
  ['a secret that is read', get('/v1/secrets/HOSTILE'), refused],
  ['a config named as a path', put('/v1/configs/..%2f..', '{"value":1}'), refused],
  ['a config that is a bomb', put('/v1/configs/hostile', `{"value":${nested(50_000)}}`), refused],
  ['a verdict that is none', decide('{"verdict":"maybe"}'), refused],
  ['a verdict that is a list', decide('{"verdict":["approved"]}'), refused],
  ['a verdict with an approver', decide('{"verdict":"approved","approver":"user:root"}'), refused],
  ['a verdict with a signature', decide('{"verdict":"approved","signature":{"key":"k","value":"v"}}'), refused],
  ['a verdict with a digest that is none', decide('{"verdict":"approved","digest":"x"}'), refused],
  ['a verdict about __proto__', decide('{"verdict":"approved"}', '__proto__'), refused],
  ['a verdict about a wildcard', decide('{"verdict":"approved"}', '%3E'), refused],
  ['a verdict about what does not wait', decide('{"verdict":"approved"}'), refused],
  ['an edit that is a bomb', decide(`{"verdict":"edited","args":{"a":${nested(10_000)}}}`), refused],
  ['a reason of a megabyte', decide(`{"verdict":"denied","reason":"${'x'.repeat(1_000_000)}"}`), refused],
  ['a grant that is not there', { method: 'DELETE', target: '/v1/sessions/{session}/grants?grant=*' }, refused],
  ['a list of approvals in a state that is none', get('/v1/approvals?state=forged'), refused],
  ['a list of approvals after a forged page', get('/v1/approvals?after=W10'), refused],
  ['a method that is none', { method: 'PROPFIND', target: '/v1/sessions' }, refused],
  ['a path that climbs', get('/v1/../../../etc/passwd'), refused],
  ['a path in capitals', get('/V1/SESSIONS'), refused],
]

export const bodies = kindOf<Request>(
  'JSON and requests',
  'bodies, names and parameters that are bombs, forged or none, over the HTTP API of a running product',
  rows,
)
