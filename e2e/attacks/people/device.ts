// A sign-in by a code (`reins auth login --device`) at an identity provider that is hostile, or that somebody stands in the place of. The
// command is the real one; the provider, which is the server that is signed in at too, is ours.
//   DV1. `got through` is a sign-in that comes of it, a word that drives the terminal or looks like one of Reins, an address of another
//        host that was asked, memory, more requests than a clock gives, and a command that does not end.
import { EventEmitter } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { clientProgram, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import { hiddenCharacters } from '@reins/contracts'
import type { Tally } from '../tally.ts'

type Answer = object | ((response: ServerResponse, asked: number) => void)

interface Lie {
  readonly metadata?: Record<string, unknown> | ((response: ServerResponse) => void)
  readonly device?: Answer
  readonly token?: Answer
  /** It may end well, and then this must hold. */
  readonly well?: (home: string) => boolean
  /** Of the token endpoint, at most. */
  readonly asked?: number
  /** Takes memory: tried by itself. */
  readonly heavy?: true
}

const evil = 'https://evil.example'
const forged = 'x\nSigned in at https://reins.example as admin.\n'
const megabyte = 1024 ** 2
const longestMs = 60_000

const refuses = (error: string, more: object = {}) => json(400, { error, ...more })
const json =
  (status: number, value: object, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
const redirect = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { location: `${elsewhere}/taken` }).end()
/** 100 MB of an answer that looks like one. */
const large = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"access_token":"')
  let left = 100
  const more = (): void => {
    while (left-- > 0) if (!response.write('x'.repeat(megabyte))) return void response.once('drain', more)
    response.end('","token_type":"bearer"}')
  }
  response.on('error', () => undefined)
  more()
}
const packed = (response: ServerResponse): void => {
  const bytes = gzipSync(Buffer.alloc(100 * megabyte, 'x'))
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bytes)
}
const dribble = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  const more = setInterval(() => response.write(' '), 200)
  response.on('close', () => clearInterval(more)).on('error', () => undefined)
}
const gives = (change: object) => json(200, { access_token: 'good', token_type: 'bearer', expires_in: 600, ...change })
const claims = (change: object) => (url: string) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const all = { iss: url, aud: 'reins', sub: 'ann', iat: now, exp: now + 600, ...change }
  return `${part({ alg: 'RS256' })}.${part(all)}.${Buffer.alloc(256).toString('base64url')}`
}
const identified = (change: object): Answer =>
  function (this: unknown, response: ServerResponse): void {
    gives({ id_token: claims(change)(`http://${response.req.headers.host}`) })(response)
  }

const code = (user_code: unknown): Lie => ({ device: { user_code } })
/** Shown as a browser goes to it, which is sound. */
const page = (verification_uri: unknown, sound?: true): Lie => ({
  device: { verification_uri },
  ...(sound ? { well: () => true } : {}),
})
const pageWith = (verification_uri_complete: unknown, sound?: true): Lie => ({
  device: { verification_uri_complete },
  ...(sound ? { well: () => true } : {}),
})
const expiry = (home: string): number => {
  const folder = path.join(home, '.local/state/reins/credentials')
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { expiresAt: number }).expiresAt
}

const lies: Readonly<Record<string, Lie>> = {
  'show a code that clears the terminal': code('\u001b[2J\u001b]0;x\u0007AB'),
  'show a code of two lines': code(forged),
  'show a code that is turned around': code('\u202EDCBA'),
  'show a code with what shows as nothing': code('AB\u200b\u{E0041}CD'),
  'show a code of half a megabyte': code('A'.repeat(500_000)),
  'show an empty code': code(''),
  'show a number as a code': code(7),
  'have a script opened as the page': page('javascript:alert(1)'),
  'have a file opened as the page': page('file:///etc/passwd'),
  'have data opened as the page': page('data:text/html,<script>alert(1)</script>'),
  'have a program opened as the page': page('vscode://evil/run'),
  'have a page of another machine opened without TLS': page('http://evil.example/device'),
  'have a page that seems to be of another host': page('https://bank.example@evil.example/device'),
  'have a page of two lines': page(`https://evil.example/\n${forged}`, true),
  'have a page that drives the terminal': page('https://evil.example/\u001b[2J', true),
  'have a page of half a megabyte': page(`https://evil.example/${'y'.repeat(500_000)}`),
  'have no page': page(''),
  'have a page without a host': page('https://'),
  'have a script opened as the page with the code': pageWith('javascript:alert(1)'),
  'have a file opened as the page with the code': pageWith('file:///etc/passwd'),
  'have a page with the code that is turned around': pageWith('https://evil.example/\u202E', true),
  'have a number as the page with the code': pageWith(7),
  'give a code that has ended': { device: { expires_in: 0 }, token: refuses('authorization_pending') },
  'give a code that ended long ago': { device: { expires_in: -1 } },
  'give a code whose end is no number': { device: { expires_in: 'soon' } },
  'be asked once in a thousand years': { device: { interval: 1e300, expires_in: 3 }, token: refuses('slow_down') },
  'be asked without a pause': {
    device: { interval: 1e-9, expires_in: 3 },
    token: refuses('authorization_pending'),
    asked: 10,
  },
  'be asked at a negative pause': { device: { interval: -1 } },
  'be asked at a pause that is none': { device: { interval: 'x' } },
  'say to slow down without end': { device: { expires_in: 4 }, token: refuses('slow_down'), asked: 10 },
  'say that nobody has signed in, without end': {
    device: { expires_in: 4 },
    token: refuses('authorization_pending'),
    asked: 10,
  },
  'say to come again in a thousand years': {
    device: { expires_in: 4 },
    token: json(503, {}, { 'retry-after': '99999999999' }),
  },
  'say to slow down for a thousand years': {
    device: { expires_in: 4 },
    token: json(400, { error: 'slow_down' }, { 'retry-after': '99999999999' }),
  },
  'give a token with a line of its own': { token: gives({ access_token: 'a\r\nx-forged: 1' }) },
  'give a token with spaces': { token: gives({ access_token: 'a b' }) },
  'give a token of other letters': { token: gives({ access_token: 'tökén' }) },
  'give a token of 100 KB': { token: gives({ access_token: 'x'.repeat(100_000) }) },
  'give an empty token': { token: gives({ access_token: '' }) },
  'give a token to refresh with a line of its own': { token: gives({ refresh_token: 'a\r\nx-forged: 1' }) },
  'give a token of another kind': { token: gives({ token_type: 'mac' }) },
  'give a token that ends never': {
    token: gives({ expires_in: 1e300 }),
    well: (home) => Number.isFinite(expiry(home)) && expiry(home) < Date.now() + 400 * 86_400_000,
  },
  'give a token that has ended': { token: gives({ expires_in: -5 }) },
  'say who somebody is as another issuer': { token: identified({ iss: evil }) },
  'say who somebody is for another client': { token: identified({ aud: 'other' }) },
  'say who somebody is for two clients': { token: identified({ aud: ['other', 'another'] }) },
  'say who somebody was': { token: identified({ exp: 1 }) },
  'call somebody by a name that drives the terminal': {
    token: identified({ email: `\u001b[2J${forged}` }),
    well: () => true,
  },
  'say an error of two lines': { token: refuses(forged) },
  'say an error that drives the terminal': { token: refuses('\u001b[2J\u009b2J') },
  'say an error of half a megabyte': { token: refuses('e'.repeat(500_000)) },
  'describe an error in two lines': { token: refuses('invalid_grant', { error_description: forged }) },
  'give a page of HTML': { token: (response) => response.writeHead(200).end('<script>alert(1)</script>') },
  'give a list': { token: json(200, []) },
  'give nothing': { token: (response) => response.writeHead(204).end() },
  'end the connection in the middle': {
    token: (response) => void response.writeHead(200).write('{', () => response.destroy()),
  },
  'lead the token elsewhere (302)': { token: redirect(302) },
  'lead the token elsewhere (307)': { token: redirect(307) },
  'lead the token elsewhere (308)': { token: redirect(308) },
  'lead the code elsewhere': { device: redirect(307) },
  'lead the metadata elsewhere': { metadata: redirect(302) },
  'be another issuer': { metadata: { issuer: evil } },
  'have the code asked for at a file': { metadata: { device_authorization_endpoint: 'file:///etc/passwd' } },
  'have the code asked for elsewhere without TLS': {
    metadata: { device_authorization_endpoint: 'http://192.0.2.1/device' },
  },
  'have the token asked for elsewhere without TLS': { metadata: { token_endpoint: 'http://192.0.2.1/token' } },
  'give no place for codes': { metadata: { device_authorization_endpoint: undefined } },
  'dribble a token without end': { token: dribble },
  'dribble a code without end': { device: dribble },
  'dribble metadata without end': { metadata: dribble },
  'answer nothing about a token': { token: () => undefined, device: { expires_in: 600 } },
  'give a token of 100 MB': { token: large, heavy: true },
  'give a code of 100 MB': { device: large, heavy: true },
  'give metadata of 100 MB': { metadata: large, heavy: true },
  'give a token of 100 MB in a few': { token: packed, heavy: true },
  'refuse with 100 MB': {
    token: (response) => {
      response.statusCode = 400
      large(response)
    },
    heavy: true,
  },
}

let elsewhere = ''
let taken = 0

class Output extends EventEmitter {
  text = ''
  write(text: string): boolean {
    this.text += text
    return true
  }
}

const listening = async (server: Server): Promise<string> => {
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What is wrong with how it went; undefined where it was refused. */
async function tried(home: string, { metadata = {}, device = {}, token = gives({}), well, asked = 60 }: Lie) {
  let polls = 0
  const server = createServer((request, response) => {
    request.resume()
    const url = `http://${request.headers.host}`
    const give = (answer: Answer, usual: object): void => {
      if (typeof answer === 'function') (answer as (to: ServerResponse, n: number) => void)(response, polls)
      else json(200, { ...usual, ...answer })(response)
    }
    const target = request.url ?? ''
    if (target === '/v1/auth/config')
      return give({}, { provider: { issuer: url, clientId: 'reins', scopes: 'openid', parameters: {} } })
    if (target.startsWith('/.well-known/'))
      return give(metadata, {
        ...{ issuer: url, token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` },
      })
    if (target === '/device')
      return give(device, {
        ...{ device_code: 'd', user_code: 'ABCD', verification_uri: `${url}/enter`, expires_in: 60, interval: 1 },
      })
    if (target === '/token') {
      polls += 1
      return give(token, {})
    }
    give({}, { principal: 'ann', roles: ['viewer'], permissions: [] })
  })
  const url = await listening(server)
  const [stdout, stderr] = [new Output(), new Output()]
  let interrupt = (): void => undefined
  const context = {
    ...processContext({
      now: Date.now,
      readAdminToken: async () => undefined,
      env: loadCliEnvironment({ HOME: home, REINS_URL: url, NO_COLOR: '1' }),
    }),
    ...{ stdout, stderr },
    onInterrupt: (listener: () => void) => {
      interrupt = listener
      return () => {}
    },
  }
  const before = process.memoryUsage().rss
  let most = before
  const looks = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 20)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, longestMs, 'late')
  })
  const running = runProgram(clientProgram(context), ['auth', 'login', '--device'], context)
  const end = await Promise.race([running, late])
  clearTimeout(timer)
  clearInterval(looks)
  if (end === 'late') {
    interrupt()
    await running.catch(() => undefined)
  }
  server.closeAllConnections()
  server.close()
  const said = stdout.text + stderr.text
  const hidden = new RegExp(`[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]|${hiddenCharacters}`)
  const wrong = {
    'does not end': end === 'late',
    'signed in': end === 0 && well?.(home) !== true,
    'drives the terminal': hidden.test(said) || /^Signed in at https:\/\/reins\.example/m.test(said),
    'is very long': said.length > 4000,
    'shows an address to open that is none':
      /(?:Open|open) (?:javascript|file|data|vscode|http:\/\/evil|https:\/\/bank)/.test(said),
    'shows the token': /x-forged|access_token|xxxxxx/.test(said),
    'asked too often': polls > asked,
  }
  const [first] = Object.entries(wrong).find(([, is]) => is) ?? []
  return { wrong: first, said, grown: most - before }
}

export async function tryDevice(folder: string, tally: Tally): Promise<void> {
  const catcher = createServer((request, response) => {
    taken += 1
    request.resume()
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"access_token":"stolen","token_type":"bearer"}')
  })
  elsewhere = await listening(catcher)
  const who = 'an identity provider (by a code)'
  const one = async ([what, lie]: [string, Lie], at: number): Promise<void> => {
    const { wrong, said, grown } = await tried(path.join(folder, `${lie.heavy ? 'heavy' : 'light'}-${at}`), lie)
    const memory = lie.heavy && grown > 150 * megabyte
    if (wrong !== undefined || memory)
      console.log(what, wrong ?? `${Math.round(grown / megabyte)} MB`, JSON.stringify(said.slice(0, 400)))
    tally.note(who, what, wrong !== undefined || memory ? 'got through' : 'refused')
  }
  try {
    const light = Object.entries(lies).filter(([, { heavy }]) => !heavy)
    await Promise.all(light.map(one))
    for (const [at, lie] of Object.entries(lies)
      .filter(([, { heavy }]) => heavy)
      .entries())
      await one(lie, at)
    tally.note(who, 'have another host asked', taken > 0 ? 'got through' : 'refused')
  } finally {
    catcher.closeAllConnections()
    catcher.close()
  }
}
