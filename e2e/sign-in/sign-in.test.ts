// People sign in at a real identity provider (oidc-provider), with the real command, at the real product.
import { execFile } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { clientProgram, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { Product } from '../bad-input/product.ts'
import { compileCache, searchPath } from '../harness/config.ts'
import { eventually, pause } from '../harness/eventually.ts'
import { filesWith } from '../harness/files-with.ts'
import { audience, browse, clientId, IdentityProvider } from './identity-provider.ts'

const longest = { timeout: 180_000 }
const ann = { id: 'ann-1', email: 'ann@example.com', groups: ['platform'] }
const bob = { id: 'bob-2', email: 'bob@example.com', groups: ['guests'] }

let provider: IdentityProvider
let product: Product
const homes: string[] = []

beforeAll(async () => {
  provider = await IdentityProvider.start([ann, bob])
  product = await Product.start({
    REINS_OIDC_ISSUER: provider.issuer,
    REINS_OIDC_AUDIENCE: audience,
    REINS_OIDC_CLIENT_ID: clientId,
    REINS_OIDC_ROLES: 'platform=admin,guests=viewer',
    REINS_OIDC_LOGIN_PARAMETERS: `resource=${audience}`,
  })
  await product.agent('helper', product.workspace)
}, 180_000)
afterAll(async () => {
  await product?.close()
  await provider?.close()
  for (const home of homes) rmSync(home, { recursive: true, force: true })
})

/** A person's machine: their home folder, and the command as they run it: in this process, or in one of its own. */
class Machine {
  readonly home = mkdtempSync(path.join(os.tmpdir(), 'reins-sign-in-'))
  constructor() {
    homes.push(this.home)
  }

  run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
    return new Command(words, this.#environment(env))
  }

  /** Its output, where it ends well. */
  async ok(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, out, err } = await this.run(words, env).done
    expect(`${code} ${err}`).toBe('0 ')
    return out
  }

  /** As `ok`, in a process of its own. */
  async elsewhere(words: readonly string[]): Promise<string> {
    const program = await bundledBinary()
    const env = { ...compileCache, PATH: searchPath, ...this.#environment() }
    return new Promise((resolve, reject) =>
      execFile(process.execPath, [program, ...words], { env, cwd: this.home, timeout: 120_000 }, (error, out, err) =>
        error ? reject(new Error(err)) : resolve(out),
      ),
    )
  }

  #environment = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
    ...{ HOME: this.home, REINS_URL: product.url, NO_COLOR: '1' },
    ...more,
  })

  status = async () => JSON.parse((await this.run(['auth', 'status', '--json']).done).out)

  get file(): string {
    const folder = path.join(this.home, '.local', 'state', 'reins', 'credentials')
    const [name = 'none'] = readdirSync(folder).filter((one) => one.endsWith('.json'))
    return path.join(folder, name)
  }

  get kept() {
    return JSON.parse(readFileSync(this.file, 'utf8'))
  }

  keep(change: object): void {
    writeFileSync(this.file, JSON.stringify({ ...this.kept, ...change }), { mode: 0o600 })
  }

  /** With a browser on this machine. */
  async login(): Promise<string> {
    const command = this.run(['auth', 'login', '--no-browser'])
    await browse(await command.says(pageToOpen))
    const { code, out, err } = await command.done
    if (code !== 0) throw new Error(err)
    return out
  }
}

const pageToOpen = /^(http\S+)$/m

class Stream extends EventEmitter {
  text = ''
  write(text: string): boolean {
    this.text += text
    return true
  }
}

class Command {
  readonly #out = new Stream()
  readonly #err = new Stream()
  readonly done: Promise<{ readonly code: number; readonly out: string; readonly err: string }>
  constructor(words: readonly string[], env: Readonly<Record<string, string>>) {
    const options = { now: Date.now, readAdminToken: async () => undefined, env: loadCliEnvironment(env) }
    const context = { ...processContext(options), stdout: this.#out, stderr: this.#err, onInterrupt: () => () => {} }
    this.done = runProgram(clientProgram(context), words, context).then((code) => ({
      ...{ code, out: this.#out.text, err: this.#err.text },
    }))
  }

  /** What the pattern's group holds, as soon as it is said. */
  says(pattern: RegExp): Promise<string> {
    const said = () => this.#out.text + this.#err.text
    return eventually(() => pattern.exec(said())?.[1], { describe: () => `${pattern} in ${said()}` })
  }
}

const asked = async (token: string, method = 'GET', target = '/v1/sessions', body?: unknown) =>
  product.ask(method, target, body, { authorization: `Bearer ${token}` })

describe('signing in', () => {
  test('by a code on another device: the group of the person is their role', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = ann.id
    const command = machine.run(['auth', 'login', '--device'])
    await browse(await command.says(/Or open (\S+)/))
    const { code, out } = await command.done
    expect([code, out]).toEqual([0, `Signed in at ${product.url} as ann@example.com.\n`])
    expect(statSync(machine.file).mode & 0o777).toBe(0o600)
    expect(statSync(path.dirname(machine.file)).mode & 0o777).toBe(0o700)
    const status = await machine.status()
    expect(status).toMatchObject({
      ...{ server: product.url, accepted: true, name: 'ann@example.com', roles: ['admin'], permissions: ['*'] },
      principal: expect.stringMatching(/^127\.0\.0\.1-[0-9a-f]{12}:ann-1$/),
      ...{ source: `your sign-in at ${provider.issuer} (reins auth login)`, refreshed: true },
    })
    expect(Date.parse(status.expiresAt)).toBeGreaterThan(Date.now())
    expect(await machine.ok(['agent', 'list'])).toContain('helper')
    expect(await machine.ok(['auth', 'logout'])).toContain(`Signed out at ${product.url}.`)
    const after = await machine.run(['auth', 'status']).done
    expect(after.code).toBe(1)
    expect(after.err).toContain('reins auth login')
  })

  test('in a browser of this machine, whose page says what happened', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = bob.id
    const command = machine.run(['auth', 'login', '--no-browser'])
    const page = await command.says(pageToOpen)
    const parameters = new URL(page).searchParams
    expect(parameters.get('code_challenge_method')).toBe('S256')
    expect(parameters.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    expect(await browse(page)).toContain('You are signed in. You can close this page')
    const { code, out } = await command.done
    expect([code, out]).toEqual([0, `Signed in at ${product.url} as bob@example.com.\n`])
    // A viewer looks at agents, and makes none.
    expect(await machine.ok(['agent', 'list'])).toContain('helper')
    const refused = await machine.run(['agent', 'delete', 'helper']).done
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('permission')
  })

  test('is refused by the person: page, terminal and exit code say so', longest, async () => {
    const machine = new Machine()
    const command = machine.run(['auth', 'login', '--no-browser'])
    const page = await command.says(pageToOpen)
    provider.refuses = true
    expect(await browse(page)).toContain('You are not signed in. The terminal says why.')
    const { code, err } = await command.done
    expect(code).toBe(1)
    expect(err).toContain(`The sign-in was refused at ${provider.issuer}`)
  })

  test('an answer that another page sends is not taken for the person, and does not end it', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = bob.id
    const command = machine.run(['auth', 'login', '--no-browser'])
    const page = await command.says(pageToOpen)
    const back = new URL(page).searchParams.get('redirect_uri')
    const answer = await fetch(`${back}?code=stolen&state=guessed`)
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('This is not an answer')])
    expect(await browse(page)).toContain('You are signed in.')
    expect((await command.done).code).toBe(0)
  })
})

describe('a sign-in', () => {
  test('is refreshed when a command needs it, by one process at a time', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = ann.id
    await machine.login()
    const before = machine.kept
    // As it is when the token is about to end.
    machine.keep({ issuedAt: Date.now() - 600_000, expiresAt: Date.now() + 1000 })
    const list = ['agent', 'list']
    const lists = await Promise.all([
      machine.elsewhere(list),
      machine.elsewhere(list),
      machine.ok(list),
      machine.ok(list),
    ])
    for (const shown of lists) expect(shown).toContain('helper')
    expect(machine.kept.refreshToken).not.toBe(before.refreshToken)
    expect(machine.kept.accessToken).not.toBe(before.accessToken)
    // The provider ends a sign-in in which one refresh token was used twice: it is as good as before.
    machine.keep({ issuedAt: Date.now() - 600_000, expiresAt: Date.now() + 1000 })
    expect(await machine.ok(['agent', 'list'])).toContain('helper')
  })

  test('that the provider has ended says what to do, and is forgotten', longest, async () => {
    const machine = new Machine()
    await machine.login()
    machine.keep({ refreshToken: 'x', expiresAt: Date.now() - 1000 })
    const { code, err } = await machine.run(['agent', 'list']).done
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`Your sign-in at ${product.url} has ended. The identity provider does not prolong it.`),
    ])
    expect(err).toContain('reins auth login')
  })

  test('that others may read is not used', longest, async () => {
    const machine = new Machine()
    await machine.login()
    chmodSync(machine.file, 0o644)
    const { code, err } = await machine.run(['agent', 'list']).done
    expect([code, err]).toEqual([1, expect.stringContaining('is not yours alone')])
  })

  test('comes after the variables, of which REINS_TOKEN comes first', longest, async () => {
    const machine = new Machine()
    await machine.login()
    const source = async (env: Record<string, string>) =>
      JSON.parse((await machine.run(['auth', 'status', '--json'], env).done).out).source
    expect(await source({ REINS_TOKEN: product.token, FLUX_AUTH_TOKEN: 'x' })).toBe('the environment (REINS_TOKEN)')
    expect(await source({ FLUX_AUTH_TOKEN: product.token })).toBe('the environment (FLUX_AUTH_TOKEN)')
    expect(await source({})).toContain('your sign-in')
  })
})

describe('the gateway', () => {
  test('takes tokens of a new key of the provider, and soon none of the old one', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = ann.id
    await machine.login()
    const old = machine.kept.accessToken
    expect((await asked(old)).status).toBe(200)
    provider.rotateKeys()
    const other = new Machine()
    // A key that is not known is asked for at most once in ten seconds.
    const signedIn = await eventually(() => other.login().catch(() => pause(1500, undefined)), { withinMs: 120_000 })
    expect(signedIn).toContain('Signed in')
    expect((await asked(other.kept.accessToken)).status).toBe(200)
    expect(await asked(old)).toMatchObject({ status: 401, json: { error: { code: 'unauthorized' } } })
  })

  test('ends the stream of a token that expires', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = ann.id
    provider.accessTokenTtl = 6
    await machine.login()
    provider.accessTokenTtl = 600
    const session = await product.session('helper')
    const short = machine.kept.accessToken
    const ended = await streamEnd(session, short)
    expect(ended).toContain('event: error')
    expect(ended).toContain('"message":"The token has expired."')
    expect(await asked(short)).toMatchObject({ status: 401 })
  })

  test('ends streams and sockets of a principal that is banned, and lets nobody in by that name', longest, async () => {
    const machine = new Machine()
    provider.atBrowser = ann.id
    await machine.login()
    const { principal } = await machine.status()
    const token = machine.kept.accessToken
    const session = await product.session('helper')
    const stream = streamEnd(session, token)
    const closed = socketEnd(session, token)
    await closed.open
    expect((await product.ask('POST', `/v1/principals/${encodeURIComponent(principal)}/ban`, {})).status).toBe(200)
    expect(await stream).toContain(`The principal ${principal} is banned.`)
    expect(await closed.end).toEqual({ code: 1008, reason: 'unauthorized' })
    expect(await asked(token)).toMatchObject({ status: 401, json: { error: { code: 'unauthorized' } } })
    expect((await product.ask('POST', `/v1/principals/${encodeURIComponent(principal)}/unban`)).status).toBe(200)
    const again = async () => (await asked(token)).status === 200
    await eventually(again)
  })

  test('ends the stream of a token that is revoked', longest, async () => {
    const made = await product.ask('POST', '/v1/tokens', { principal: 'admin' })
    const session = await product.session('helper')
    const known = async () => (await asked(made.json.text)).status === 200
    await eventually(known)
    const stream = streamEnd(session, made.json.text)
    expect((await product.ask('DELETE', `/v1/tokens/${made.json.token.id}`)).status).toBe(200)
    expect(await stream).toContain('The bearer token is not known, or was revoked.')
  })

  test('tells whoever has no token where to get one', longest, async () => {
    const answer = await fetch(`${product.url}/v1/sessions`)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="reins", resource_metadata="${product.url}/.well-known/oauth-protected-resource"`,
    ])
    const about = await fetch(`${product.url}/.well-known/oauth-protected-resource`)
    expect(await about.json()).toMatchObject({ resource: product.url, authorization_servers: [provider.issuer] })
  })

  test('goes on with the keys that it knows while the provider is away', longest, async () => {
    const machine = new Machine()
    await machine.login()
    provider.hangs = true
    try {
      expect((await asked(machine.kept.accessToken)).status).toBe(200)
    } finally {
      provider.hangs = false
    }
  })
})

test('no text of a token lies in what the product keeps: logs, streams, tables', longest, async () => {
  const machine = new Machine()
  provider.atBrowser = ann.id
  await machine.login()
  const token: string = machine.kept.accessToken
  expect((await asked(token, 'POST', '/v1/sessions', { agent: 'helper', message: 'say hello' })).status).toBe(201)
  expect((await asked(`${token}x`)).status).toBe(401)
  // The signature is enough to know it by.
  const signature = token.split('.')[2] ?? token
  expect(filesWith(product.dataDir, signature.slice(0, 40))).toEqual([])
})

/** All that a stream of events shows, until it ends. */
async function streamEnd(session: string, token: string): Promise<string> {
  const response = await fetch(`${product.url}/v1/sessions/${session}/events`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: AbortSignal.timeout(120_000),
  })
  expect(response.status).toBe(200)
  return response.text()
}

/** A socket that is open, and how it is closed. */
function socketEnd(session: string, token: string) {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/v1/sessions/${session}/socket`, [
    'reins',
    `bearer.${token}`,
  ])
  const open = new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()))
  const end = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })),
  )
  return { open, end }
}
