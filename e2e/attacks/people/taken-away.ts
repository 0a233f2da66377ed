// What somebody set up while they might: a webhook goes on by itself. Each step says something, waits until the operator's own webhook has been
// told of it and of one thing more, and looks at what the other one was told.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import { type Ask, principalWith } from './history.ts'
import type { Tally } from '../tally.ts'

/** What came, by the path of the webhook. Whoever opens it closes it. */
export class Receiver {
  readonly #server: Server
  readonly #came = new Map<string, string[]>()
  /** Paths that are answered with 500. */
  readonly refuses = new Set<string>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request, response) => {
      const at = request.url ?? ''
      let body = ''
      request.on('error', () => undefined)
      request.on('data', (part) => (body += part))
      request.on('end', () => {
        receiver.#came.set(at, [...(receiver.#came.get(at) ?? []), body])
        response.writeHead(receiver.refuses.has(at) ? 500 : 204).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  url(at: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${at}`
  }

  at(where: string): string {
    return (this.#came.get(where) ?? []).join('\n')
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

interface Place {
  /** Of an agent that is not theirs, and the session that they may read; it delegated to the other, in `child`. */
  readonly theirs: string
  readonly mine: string
  readonly child: string
}

export async function tryTakenAway(
  world: World,
  asking: Ask,
  { theirs, mine, child }: Place,
  tally: Tally,
): Promise<void> {
  const who = 'who might make webhooks'
  const receiver = await Receiver.open()
  let said = 0
  const admin: Ask = async (...asked) => {
    const answer = await asking(...asked)
    if (answer.status >= 300) throw new Error(`${asked[0]} ${asked[1]}: ${answer.text}`)
    return answer
  }
  /** Says a word of its own in the session, and comes back when whoever may hear all has heard it. */
  const saidIn = async (session: string): Promise<string> => {
    const word = `word-${said++}-of-it`
    for (const text of [word, `behind-${word}`]) {
      await admin('POST', `/v1/sessions/${session}/messages?wait=turn`, { content: `say ${text}` })
      await eventually(() => receiver.at('/all').includes(text), { withinMs: 90_000 })
    }
    return word
  }
  const hook = async (ask: Ask, at: string): Promise<void> => {
    const { status, text } = await ask('POST', '/v1/webhooks', { url: receiver.url(at), on: ['*'] })
    if (status !== 201) throw new Error(text)
  }
  const note = async (what: string, at: string, session: string): Promise<void> => {
    const word = await saidIn(session)
    tally.note(who, what, receiver.at(at).includes(word) ? 'got through' : 'refused')
  }
  const hears = async (at: string, session: string): Promise<void> => {
    const word = await saidIn(session)
    await eventually(() => receiver.at(at).includes(word), { withinMs: 60_000, describe: () => `${at} is told` })
  }
  try {
    await hook(admin, '/all')
    const makes = ['webhook:*:manage', 'webhook:*:read']
    const reads = ['agent:mine:session:read', `execution:${mine}:read`]
    const small = await principalWith(world, 'of-one-execution', [...makes, ...reads])
    const none = await principalWith(world, 'of-no-session', makes)
    await admin('POST', '/v1/roles/listening', { permissions: [...makes, 'session:mine:read', 'session:theirs:read'] })
    const roled = await principalWith(world, 'of-a-role', [])
    await admin('POST', '/v1/principals/of-a-role/grant', { roles: ['listening'] })
    await eventually(async () => (await roled('GET', '/v1/webhooks')).status === 200)
    await hook(small, '/small')
    await hook(none, '/none')
    await hook(roled, '/role')
    await hears('/small', mine)
    await hears('/role', theirs)
    await note('be told of a session of another agent', '/small', theirs)
    await note('be told of the session below', '/small', child)
    await note('be told without reading any session', '/none', mine)
    const { text: listed } = await none('GET', '/v1/webhook-deliveries')
    tally.note(who, 'see in the deliveries of others what was said', /word-\d/.test(listed) ? 'got through' : 'refused')
    const named = [theirs, mine, child].some((session) => listed.includes(session))
    tally.note(who, 'see in the deliveries of others which sessions there are', named ? 'got through' : 'refused')

    const revoke = (name: string, body: object) => admin('POST', `/v1/principals/${name}/revoke`, body)
    await revoke('of-one-execution', { permissions: [`execution:${mine}:read`] })
    await note('be told after the session may not be read any more', '/small', mine)
    await admin('POST', '/v1/principals/of-one-execution/grant', { permissions: [`execution:${mine}:read`] })
    await hears('/small', mine)
    await revoke('of-one-execution', { permissions: ['webhook:*:manage'] })
    await note('be told after webhooks may not be made any more', '/small', mine)
    await admin('POST', '/v1/principals/of-one-execution/grant', { permissions: ['webhook:*:manage'] })
    await hears('/small', mine)
    await admin('PUT', '/v1/roles/listening', { permissions: [...makes, 'session:mine:read'] })
    await note('be told after a role lost what it let read', '/role', theirs)
    await hears('/role', mine)
    await revoke('of-a-role', { roles: ['listening'] })
    await note('be told after a role was taken away', '/role', mine)

    // What waits to be sent again when the ban comes.
    receiver.refuses.add('/small')
    await hears('/small', mine)
    await admin('POST', '/v1/principals/of-one-execution/ban', {})
    // What was on its way when the ban came.
    await saidIn(mine)
    const before = receiver.at('/small').length
    receiver.refuses.clear()
    await note('be told after a ban', '/small', mine)
    // The second attempts are due 1 s and 5 s after the first.
    await new Promise((go) => setTimeout(go, 8000))
    const again = receiver.at('/small').length > before
    tally.note(who, 'be sent again after a ban what was not taken before', again ? 'got through' : 'refused')
    await admin('POST', '/v1/principals/of-one-execution/unban', {})
    await hears('/small', mine)
  } finally {
    receiver.close()
    for (const { id } of (JSON.parse((await admin('GET', '/v1/webhooks')).text) as { webhooks: { id: string }[] })
      .webhooks)
      await admin('DELETE', `/v1/webhooks/${id}`)
  }
}
