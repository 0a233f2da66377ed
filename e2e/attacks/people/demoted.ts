// People whom an identity provider knows: what they made, and what they have open, after the provider says less of them. The provider is a
// server of this attack, and signs as it likes.
//   DE1. `got through` is what a webhook tells, a stream goes on to show or a request is answered that the latest token does not let be read.
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'
import { type Ask, askingAt, askingWith } from './history.ts'
import { Receiver } from './taken-away.ts'

const audience = 'urn:reins:attack'
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Whoever starts it closes it. */
export class Provider {
  readonly url: string
  readonly #close: () => void
  readonly #key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  #issued = 0

  private constructor(url: string, close: () => void) {
    this.url = url
    this.#close = close
  }

  static async start(): Promise<Provider> {
    const holder: { one?: Provider } = {}
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(holder.one?.answer(request.url)))
    })
    await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    holder.one = new Provider(url, () => {
      server.closeAllConnections()
      server.close()
    })
    return holder.one
  }

  get settings(): Readonly<Record<string, string>> {
    return {
      REINS_OIDC_ISSUER: this.url,
      REINS_OIDC_AUDIENCE: audience,
      REINS_OIDC_CLIENT_ID: 'attack',
      REINS_OIDC_ROLES: 'all=hears-all,some=hears-mine,none=reads-all',
    }
  }

  answer(path: string | undefined): object {
    if (path !== '/jwks') return { issuer: this.url, jwks_uri: `${this.url}/jwks` }
    return { keys: [{ ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] }
  }

  /** Each is issued a second after the one before it: seconds are what a token tells. */
  token(sub: string, ...groups: readonly string[]): string {
    const iat = Math.floor(Date.now() / 1000) - 600 + this.#issued++
    const claims = { iss: this.url, aud: audience, sub, iat, exp: Math.floor(Date.now() / 1000) + 900, groups }
    const said = `${encoded({ alg: 'RS256', kid: 'k1', typ: 'JWT' })}.${encoded(claims)}`
    return `${said}.${sign('sha256', Buffer.from(said), this.#key.privateKey).toString('base64url')}`
  }

  close(): void {
    this.#close()
  }
}

/** `mine` and `theirs` are agents; `url` is a gateway that knows the provider. Webhooks may go to this machine. */
export async function tryDemoted(world: World, url: string, provider: Provider, tally: Tally): Promise<void> {
  const who = 'whom a provider says less of'
  const note = (what: string, through: boolean) => tally.note(who, what, through ? 'got through' : 'refused')
  const ask = (token: string, ...asked: Parameters<Ask>) => askingAt(() => url, token)(...asked)
  const admin = async (method: string, path: string, body?: unknown): Promise<string> => {
    const { status, text } = await askingWith(world, world.token)(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${text}`)
    return text
  }
  const receiver = await Receiver.open()
  try {
    const hooks = 'webhook:*:manage'
    await admin('POST', '/v1/roles/hears-all', { permissions: [hooks, 'session:mine:read', 'session:theirs:read'] })
    await admin('POST', '/v1/roles/hears-mine', { permissions: [hooks, 'session:mine:read'] })
    await admin('POST', '/v1/roles/reads-all', { permissions: ['session:mine:read', 'session:theirs:read'] })
    const mine = (await world.api.create('mine')).session.id
    const theirs = (await world.api.create('theirs')).session.id
    await admin('POST', '/v1/webhooks', { url: receiver.url('/all'), on: ['*'] })
    let said = 0
    const saidIn = async (session: string): Promise<string> => {
      const word = `news-${said++}-of-it`
      for (const text of [word, `behind-${word}`]) {
        await world.api.turn(session, `say ${text}`)
        await eventually(() => receiver.at('/all').includes(text), { withinMs: 90_000 })
      }
      return word
    }
    const tells = async (session: string): Promise<boolean> => {
      const word = await saidIn(session)
      return receiver.at('/ann').includes(word)
    }
    const hears = (session: string, when: string) =>
      eventually(() => tells(session), { withinMs: 60_000, describe: () => `the webhook tells ${when}` })
    const quiet = (session: string) =>
      // What the gateway has seen is told in the background: the first word may come before that.
      eventually(async () => !(await tells(session)), { withinMs: 60_000 }).then(
        () => false,
        () => true,
      )

    const wide = provider.token('ann', 'all')
    const made = await ask(wide, 'POST', '/v1/webhooks', { url: receiver.url('/ann'), on: ['*'] })
    if (made.status !== 201) throw new Error(made.text)
    await hears(mine, 'of its own agent')
    await hears(theirs, 'of the other agent')
    const stream = await fetch(`${url}/v1/sessions/${theirs}/events`, {
      headers: { authorization: `Bearer ${wide}`, accept: 'text/event-stream' },
    })
    const over = stream.text().catch(String)

    const narrow = provider.token('ann', 'some')
    if ((await ask(narrow, 'GET', '/v1/access/me')).status !== 200) throw new Error('the narrow token is not taken')
    note('be told of what the latest token does not let read', await quiet(theirs))
    await hears(mine, 'of its own agent')
    const late = new Promise<string>((go) => setTimeout(() => go('it goes on'), 30_000).unref())
    note('go on with a stream of an older token', !(await Promise.race([over, late])).includes('"unauthorized"'))
    note('read with an older token', (await ask(wide, 'GET', `/v1/sessions/${theirs}/events`)).status === 200)
    const list = await ask(wide, 'GET', '/v1/sessions?limit=500')
    note('see in a list of an older token what the latest one does not show', list.text.includes(theirs))
    note('be told of more by an older token that comes again', await quiet(theirs))

    await admin('PUT', '/v1/roles/hears-mine', { permissions: [hooks, 'session:none:read'] })
    note('be told after a role that the provider gives was lowered', await quiet(mine))
    await admin('PUT', '/v1/roles/hears-mine', { permissions: [hooks, 'session:mine:read'] })
    await hears(mine, 'of its own agent')

    await ask(provider.token('ann', 'none'), 'GET', '/v1/access/me')
    note('be told after the provider gives no webhooks any more', await quiet(mine))
    await ask(provider.token('ann'), 'GET', '/v1/access/me')
    note('be told after the provider gives nothing any more', await quiet(mine))
    // Of whom it says more again, the webhook tells again.
    await ask(provider.token('ann', 'all'), 'GET', '/v1/access/me')
    await hears(theirs, 'of the other agent')
    const { webhooks } = JSON.parse(await admin('GET', '/v1/webhooks')) as { webhooks: { id: string }[] }
    for (const { id } of webhooks) await admin('DELETE', `/v1/webhooks/${id}`)
  } finally {
    receiver.close()
  }
}
