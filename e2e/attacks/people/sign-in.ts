// Somebody who would have a person's sign-in: pages that guess the port at which `reins auth login` waits, and an identity provider that
// does not keep to what it should. The command is the real one; the provider, which is the server that is signed in at too, is ours.
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer, request as ask, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { clientProgram, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import { eventually } from '../../harness/eventually.ts'
import type { Tally } from '../tally.ts'

interface Lies {
  /** Of the metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly scopes?: string
  /** What is answered at the token endpoint, of the verifier's digest and the challenge. */
  readonly token?: (answer: Record<string, unknown>, nonce: string | undefined) => Record<string, unknown>
}

/** Both the server and its provider; whoever starts it closes it. */
class Provider {
  readonly server: Server
  lies: Lies = {}
  nonce: string | undefined
  challenge = ''
  /** Codes that were brought here with the right verifier. */
  readonly redeemed: string[] = []

  private constructor(server: Server) {
    this.server = server
  }

  static async start(): Promise<Provider> {
    const server = createServer()
    const provider = new Provider(server)
    server.on('request', (request, response) => {
      let body = ''
      request.on('error', () => undefined)
      request.on('data', (part) => (body += part))
      request.on('end', () => {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(provider.#answer(request.url ?? '', new URLSearchParams(body))))
      })
    })
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return provider
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  #answer(target: string, form: URLSearchParams): object {
    const { url, lies } = this
    if (target === '/v1/auth/config')
      return { provider: { issuer: url, clientId: 'reins', scopes: lies.scopes ?? 'openid', parameters: {} } }
    if (target.startsWith('/.well-known/'))
      return {
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/keys`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        ...lies.metadata,
      }
    if (target === '/token') {
      const digest = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      if (digest === this.challenge) this.redeemed.push(form.get('code') ?? '')
      const now = Math.floor(Date.now() / 1000)
      const claims = { iss: url, aud: 'reins', sub: 'ann', iat: now, exp: now + 600, nonce: this.nonce }
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const answer = { access_token: 'token-of-ann', token_type: 'bearer', expires_in: 600 }
      const whole = {
        ...answer,
        id_token: `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.alloc(256).toString('base64url')}`,
      }
      return lies.token?.(whole, this.nonce) ?? whole
    }
    return { principal: 'ann', roles: ['viewer'], permissions: [] }
  }
}

class Output extends EventEmitter {
  text = ''
  write(text: string): boolean {
    this.text += text
    return true
  }
}

/** A sign-in that waits for the browser, or has failed before. */
async function begun(provider: Provider, home: string) {
  const [stdout, stderr] = [new Output(), new Output()]
  const env = loadCliEnvironment({ HOME: home, REINS_URL: provider.url, NO_COLOR: '1' })
  const context = {
    ...processContext({ now: Date.now, readAdminToken: async () => undefined, env }),
    ...{ stdout, stderr, onInterrupt: () => () => {} },
  }
  let code: number | undefined
  const done = runProgram(clientProgram(context), ['auth', 'login', '--no-browser'], context).then(
    (value) => (code = value),
  )
  const page = await eventually(() => code !== undefined || /^(http\S+authorize\S+)$/m.exec(stderr.text)?.[1])
  const parameters = new URL(page === true ? 'http://none' : page).searchParams
  provider.nonce = parameters.get('nonce') ?? undefined
  provider.challenge = parameters.get('code_challenge') ?? ''
  return {
    done,
    ended: () => code !== undefined,
    said: () => stdout.text + stderr.text,
    back: parameters.get('redirect_uri') ?? '',
    state: parameters.get('state') ?? '',
  }
}

interface Came {
  readonly status: number
  readonly text: string
}

/** As no browser would: with any method and host. */
const come = (address: string, { method = 'GET', host }: { method?: string; host?: string } = {}): Promise<Came> =>
  new Promise((resolve, reject) => {
    const sent = ask(
      address,
      { method, agent: false, ...(host === undefined ? {} : { headers: { host } }) },
      (response) => {
        let text = ''
        response.on('data', (part) => (text += part))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    sent.on('error', reject)
    sent.end()
  })

const who = 'a page that guesses the port'

/** All of it against one sign-in, which the person then brings to its end. */
export async function tryCallbacks(folder: string, tally: Tally): Promise<void> {
  const provider = await Provider.start()
  try {
    const other = await begun(provider, path.join(folder, 'other'))
    const mine = await begun(provider, path.join(folder, 'mine'))
    const iss = encodeURIComponent(provider.url)
    const { back, state } = mine
    const markup = encodeURIComponent('<script>alert(1)</script>')
    const answers: Readonly<Record<string, string>> = {
      'nothing at all': '',
      'a code without a state': `?code=stolen&iss=${iss}`,
      'a code with an empty state': `?code=stolen&state=&iss=${iss}`,
      'a code with a guessed state': `?code=stolen&state=guessed&iss=${iss}`,
      'the state of another sign-in': `?code=stolen&state=${other.state}&iss=${iss}`,
      'the state twice, the right one last': `?code=stolen&state=guessed&state=${state}&iss=${iss}`,
      'the state twice, the right one first': `?code=stolen&state=${state}&state=guessed&iss=${iss}`,
      'the beginning of the state': `?code=stolen&state=${state.slice(0, -1)}&iss=${iss}`,
      'the state in a fragment': `?code=stolen&iss=${iss}#state=${state}`,
      'an answer of another provider': `?code=stolen&state=${state}&iss=https%3A%2F%2Fevil.example`,
      'an answer that does not say of which provider': `?code=stolen&state=${state}`,
      'an answer of two providers': `?code=stolen&state=${state}&iss=${iss}&iss=https%3A%2F%2Fevil.example`,
      'two codes': `?code=stolen&code=other&state=${state}&iss=${iss}`,
      'a code and an error': `?code=stolen&error=access_denied&state=${state}&iss=${iss}`,
      'neither a code nor an error': `?state=${state}&iss=${iss}`,
      'a refusal without a state': `?error=access_denied&error_description=${markup}`,
      'a refusal with a guessed state': `?error=access_denied&error_description=${markup}&state=guessed&iss=${iss}`,
      'a very long answer': `?code=${'x'.repeat(15_000)}`,
    }
    for (const [what, query] of Object.entries(answers)) {
      const { status, text } = await come(`${back}${query}`)
      const outcome = status >= 400 && !mine.ended() && !/<script|stolen/.test(text) ? 'refused' : 'got through'
      tally.note(who, `${what}: ${status}`, outcome)
    }
    const asked = `${back}?code=stolen&state=${state}&iss=${iss}`
    const asks: readonly (readonly [string, Promise<Came>])[] = [
      ['by POST', come(asked, { method: 'POST' })],
      ['by HEAD', come(asked, { method: 'HEAD' })],
      ['under another name (DNS rebinding)', come(asked, { host: 'evil.example' })],
      ['as localhost', come(asked, { host: `localhost:${new URL(back).port}` })],
      ['at another path', come(asked.replace('/callback', '/callback/..//callback2'))],
    ]
    for (const [what, answer] of asks)
      tally.note(
        who,
        `the right answer ${what}`,
        (await answer).status >= 400 && !mine.ended() ? 'refused' : 'got through',
      )
    const many = await Promise.allSettled(Array.from({ length: 300 }, () => come(`${back}?code=stolen&state=guessed`)))
    const taken = many.some((one) => one.status === 'fulfilled' && one.value.status < 400)
    tally.note(who, 'three hundred answers at once', taken || mine.ended() ? 'got through' : 'refused')
    // The person, in the end; and somebody who brings the same answer again.
    const first = come(`${back}?code=mine&state=${state}&iss=${iss}`)
    const { status, text } = await first
    if (status !== 200 || (await mine.done) !== 0)
      throw new Error(`nobody could sign in: ${status} ${text} ${mine.said()}`)
    const again = await come(`${back}?code=stolen&state=${state}&iss=${iss}`).catch(() => ({ status: 0 }))
    tally.note(who, 'the same answer again', again.status === 200 ? 'got through' : 'refused')
    tally.note(
      who,
      'have a stolen code redeemed',
      provider.redeemed.some((code) => code !== 'mine') ? 'got through' : 'refused',
    )
    provider.nonce = undefined
    await come(
      `${other.back}?error=access_denied&error_description=${markup}%0Anext%1B%5B2J&state=${other.state}&iss=${iss}`,
    ).then(({ text: shown }) =>
      tally.note(
        'a provider',
        'markup and a terminal in what it says',
        shown.includes('<script') ? 'got through' : 'refused',
      ),
    )
    await other.done
    tally.note(
      'a provider',
      'drive the terminal',
      other.said().includes('\u001b') || /^next/m.test(other.said()) ? 'got through' : 'refused',
    )
  } finally {
    provider.server.closeAllConnections()
    provider.server.close()
  }
}

/** What a provider, or who stands in its place, would say wrong: each in a sign-in of its own, that ends without a token. */
export async function tryProviders(folder: string, tally: Tally): Promise<void> {
  const evil = 'https://evil.example'
  const tokens = (change: object) => (answer: Record<string, unknown>) => ({ ...answer, ...change })
  const idToken =
    (change: object) =>
    (answer: Record<string, unknown>): Record<string, unknown> => {
      const [head, body, end] = String(answer.id_token).split('.')
      const claims = { ...JSON.parse(Buffer.from(body ?? '', 'base64url').toString('utf8')), ...change }
      return { ...answer, id_token: `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${end}` }
    }
  const lies: Readonly<Record<string, Lies>> = {
    'be another issuer than it was asked as': { metadata: { issuer: evil } },
    'check no verifier, and take no nonce': { scopes: 'profile', metadata: { code_challenge_methods_supported: [] } },
    'check verifiers in plain text alone, and take no nonce': {
      scopes: 'profile',
      metadata: { code_challenge_methods_supported: ['plain'] },
    },
    'have the page be a file': { metadata: { authorization_endpoint: 'file:///etc/passwd' } },
    'have the page be a script': { metadata: { authorization_endpoint: 'javascript:alert(1)' } },
    'have codes brought elsewhere without TLS': { metadata: { token_endpoint: 'ftp://127.0.0.1/token' } },
    'give a token without who signed in': { token: ({ id_token: _, ...answer }) => answer },
    'give one of another nonce': { token: idToken({ nonce: 'other' }) },
    'give one without a nonce': { token: idToken({ nonce: undefined }) },
    'give one of another issuer': { token: idToken({ iss: evil }) },
    'give one for another client': { token: idToken({ aud: 'other' }) },
    'give one that has ended': { token: idToken({ exp: 1 }) },
    'give a token of another kind': { token: tokens({ token_type: 'mac' }) },
    'give no token': { token: tokens({ access_token: 7 }) },
    'give nothing': { token: () => ({}) },
  }
  const provider = await Provider.start()
  try {
    for (const [at, [what, lie]] of Object.entries(lies).entries()) {
      provider.lies = lie
      const one = await begun(provider, path.join(folder, `provider-${at}`))
      if (!one.ended() && one.back !== '')
        await come(`${one.back}?code=mine&state=${one.state}&iss=${encodeURIComponent(provider.url)}`).catch(
          () => undefined,
        )
      tally.note('a provider', what, (await one.done) === 0 ? 'got through' : 'refused')
    }
  } finally {
    provider.server.closeAllConnections()
    provider.server.close()
  }
}
