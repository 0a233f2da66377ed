// Attacks on a whole product whose services are processes of their own: values that are none, and what each service's own password lets do.
import { mkdirSync } from 'node:fs'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connectBroker, makeHeaders } from '@reins/broker'
import { sessionFilter, sessionSubject, streams, toExec, toLog, toTool } from '@reins/contracts'
import { detectSandbox } from '@reins/tools'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { note, smallToken, until } from './people/small-tokens.ts'
import { type Stage, tryPasswords } from './services/stolen-passwords.ts'
import { Tally } from './tally.ts'
import { tryCommands } from './calls/commands.ts'
import { strangerAt } from './people/strangers.ts'
import { nonsense, sayNonsense, spoilKeys } from './services/poison.ts'
import path from 'node:path'
import { AttackedProduct, deadline } from './attacked-product.ts'

/** What the broker cannot keep apart (docs/security.md). */
const known: readonly string[] = [
  ...['executor', 'memory', 'session-gateway', 'tool-runner'].flatMap((service) => [
    `${service}: change the durable of a pool`,
    `${service}: have a consumer deliver to the subject of a token`,
    `${service}: have a message read to the subject of a token`,
  ]),
  ...['executor', 'memory', 'registry', 'session-gateway', 'tool-runner'].map(
    (service) => `${service}: read the hash of a token`,
  ),
  ...['executor', 'memory'].map((service) => `${service}: take triggers that are for tool-runners`),
  ...['memory', 'tool-runner'].map((service) => `${service}: take triggers that are for executors`),
].toSorted()
type Headers = ReturnType<typeof makeHeaders>
/** The client's own. */
const ClientHeaders: new (code: number, text: string) => Headers = Object.getPrototypeOf(makeHeaders([]).constructor)
/** As the broker itself says that there is nobody, or nothing. */
const withStatus = (code: number): Headers => new ClientHeaders(code, 'No Responders')

let product: AttackedProduct
beforeAll(async () => {
  product = await AttackedProduct.open()
}, deadline)
afterAll(() => product?.close(), deadline)

test(
  'what is said on core subjects and is nothing is as good as unsaid',
  async () => {
    const { session } = await product.world.api.create('helper')
    const instances = product.services.flatMap((service) => service.instance() ?? [])
    await sayNonsense(product.world.broker, [...instances, 'executor', 'somebody'], session.id)
    expect(await product.answers(session.id)).toBe('completed')
    for (const service of product.services) expect(service.alive()).toBe(true)
  },
  deadline,
)

test(
  'a key of a request whose entry was written over refuses the request, and nothing else',
  async () => {
    const { session } = await product.world.api.create('helper')
    const say = (content: string, key: string) =>
      product.world.api.once<{ error?: { code: string } }>(
        'POST',
        `/v1/sessions/${session.id}/messages`,
        { content },
        { key },
      )
    expect((await say('say one', 'mine')).status).toBe(202)
    for (const said of nonsense) {
      expect(await spoilKeys(product.world.broker, said)).toBeGreaterThan(0)
      const again = await say('say one', 'mine')
      expect([said.slice(0, 20), again.status >= 500 && again.status !== 503]).toEqual([said.slice(0, 20), false])
    }
    expect((await say('say two', 'another')).status).toBe(202)
  },
  deadline,
)

test(
  'on the subject of a session it quarantines that session, which says so and names the frame, and can be let go on',
  async () => {
    const { session } = await product.world.api.create('helper')
    for (const said of nonsense)
      for (const to of [toLog, toExec('default'), toTool('default')])
        product.world.broker.publish(sessionSubject(session.id, to.kind === 'tool' ? 'e' : 'g', to), said)
    await product.world.broker.nc.flush()
    await product.becomes(session.id, 'quarantined')
    expect((await product.shown(session.id)).body.quarantine?.reason).toMatch(/^frame 0 \(sequence \d+\) is malformed/)
    // What is sent now waits in the log until somebody has looked at the session.
    const sent = await product.world.api.once('POST', `/v1/sessions/${session.id}/messages`, { content: 'say hi' })
    expect(sent.status).toBe(202)
    for (const part of ['events', 'state', 'frames'])
      expect([part, (await product.world.api.once('GET', `/v1/sessions/${session.id}/${part}`)).status]).toEqual([
        part,
        200,
      ])
    await product.world.api.control(session.id, 'release')
    await product.becomes(session.id, 'idle')
    expect(await product.answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'a frame that only says that its session has ended ends nothing',
  async () => {
    const { session } = await product.world.api.create('helper')
    expect(await product.answers(session.id)).toBe('completed')
    const log = await product.world.readLog(session.id)
    const last = log.at(-1)!.frame
    const [n, id] = [last.n + 1, 'forged00000000']
    const head = makeHeaders([
      ['Reins-Frame', id],
      ['Reins-N', String(n)],
      ['Reins-Hash', 'forged'],
      ['Reins-Needs', '1'],
      ['Reins-Status', 'ended'],
      ['Reins-Pool', '* .>'],
      ['Nats-Expected-Last-Subject-Sequence', String(last.seq)],
      ['Nats-Expected-Last-Subject-Sequence-Subject', sessionFilter(session.id)],
    ])
    const body = JSON.stringify({ v: 1, id, n, prev: last.seq, at: last.at, by: 'forger', events: [] })
    await jetstream(product.world.broker.nc).publish(sessionSubject(session.id, 'g', toLog), body, { headers: head })
    expect(await product.answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'a message that says of itself where it stands, or that it is an answer of the broker, misleads nobody',
  async () => {
    const { session } = await product.world.api.create('helper')
    const { session: other } = await product.world.api.create('helper')
    expect(await product.answers(session.id)).toBe('completed')
    const subject = sessionSubject(session.id, 'g', toLog)
    const liar = makeHeaders([
      ['Nats-Sequence', '999999999'],
      ['Nats-Subject', sessionSubject(other.id, 'g', toLog)],
      ['Nats-Last-Sequence', '999999999'],
      ['Nats-Num-Pending', '999999999'],
      ['Reins-N', '1e400'],
      ['Reins-Needs', '-1'],
    ])
    const js = jetstream(product.world.broker.nc)
    await js.publish(subject, 'x', { headers: liar })
    for (const status of [404, 503, 100, 408]) await js.publish(subject, '', { headers: withStatus(status) })
    await product.becomes(session.id, 'quarantined')
    expect((await product.world.api.once('GET', `/v1/sessions/${session.id}/frames`)).status).toBe(200)
    await product.world.api.control(session.id, 'release')
    expect(await product.answers(session.id)).toBe('completed')
    expect(await product.answers(other.id)).toBe('completed')
    await eventually(async () => {
      const { body } = await product.world.api.once<{ sessions: readonly { id: string }[] }>(
        'GET',
        '/v1/sessions?limit=100',
      )
      return body.sessions.some(({ id }) => id === other.id)
    })
  },
  deadline,
)

test(
  'the password of a service lets do what the service does, and what docs/security.md says besides',
  async () => {
    const { session } = await product.world.api.create('helper')
    const tally = new Tally()
    const manager = await jetstreamManager(product.world.broker.nc)
    const stage: Stage = {
      session: session.id,
      connect: (service) => connectBroker({ url: product.world.servers.natsUrl(service), name: `thief of ${service}` }),
      // The broker delivers when it comes to it.
      landed: (...subjects) =>
        eventually(
          async () => {
            const found = subjects.map((last_by_subj) =>
              manager.streams.getMessage(streams.registry, { last_by_subj }).catch(() => null),
            )
            return (await Promise.all(found)).some((message) => message !== null)
          },
          { withinMs: 30_000 },
        ).catch(() => false),
    }
    await tryPasswords(stage, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual(known)
    expect(await product.answers()).toBe('completed')
  },
  deadline,
)

test(
  'at each door of the API a token gets what is its own, and nothing of another agent, another principal or the operator',
  async () => {
    await product.world.agent('mine')
    const { session: theirs } = await product.world.api.create('helper')
    const tally = new Tally()
    const permissions = [
      'session:mine:*',
      'agent:mine:start',
      'agent:mine:read',
      'workflow:agents:agent_chat:run',
      'approval:mine:*',
    ]
    await product.world.api.once('POST', '/v1/principals', { name: 'mallory', permissions })
    const { body: made } = await product.world.api.once<{ text: string; token?: { id: string }; id?: string }>(
      ...(['POST', '/v1/tokens', { principal: 'mallory' }] as const),
    )
    const own = await fetch(`${product.world.api.url()}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.text}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agent: 'mine', message: 'say hi' }),
    })
    const { session: mine } = (await own.json()) as { session: { id: string } }
    const place = { theirs: theirs.id, mine: mine.id, agent: 'helper' }
    await strangerAt(product.world, made.text, place, 'a token of one agent', tally)
    await product.world.api.once('POST', '/v1/principals/mallory/ban', {})
    await strangerAt(product.world, made.text, place, 'a banned principal', tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    expect(await product.answers(theirs.id)).toBe('completed')
  },
  deadline,
)

test(
  'a command leaves nothing behind that acts outside, and reaches nothing of the user but its workspace',
  async ({ skip }) => {
    const sandbox = await detectSandbox()
    if (!sandbox.filtered) skip(`no filter of system calls here: ${sandbox.detail}`)
    const { session } = await product.world.api.create('helper')
    const tally = new Tally()
    await tryCommands(product.world, session.id, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)

test(
  'a small token is refused what would cost others more than its share, and told when to come again',
  async () => {
    const gateway = product.world.gateways[0]!
    await gateway.kill()
    await product.world.replaceGateway(gateway, {
      environment: {
        REINS_WRITES_PER_MINUTE: '60',
        REINS_BYTES_PER_MINUTE: '30000000',
        REINS_SESSIONS_PER_MINUTE: '5',
      },
    })
    const ask = await smallToken(product.world)
    const tally = new Tally()
    note(tally, 'sessions without end', await until(() => ask('POST', '/v1/sessions', { agent: 'helper' }), 50))
    const { session } = await product.world.api.create('helper')
    await product.world.api.control(session.id, 'pause')
    const say = (content: string) => () => ask('POST', `/v1/sessions/${session.id}/messages`, { content })
    // What waits in one session: fewer bytes than the share of the token.
    const large = await until(say('x'.repeat(900_000)), 25)
    note(tally, 'large messages into a paused session', large)
    expect(large.taken).toBeLessThan(20)
    note(tally, 'messages without end', await until(say('hi'), 500))
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    // Others are served meanwhile, and the session goes on when it may.
    expect(await product.answers()).toBe('completed')
    expect((await product.shown(session.id)).status).toBe(200)
    await product.world.api.control(session.id, 'end')
  },
  deadline,
)

test(
  'a session that has grown too large to be loaded is put in quarantine, says so, and holds nobody up',
  async () => {
    const { session } = await product.world.api.create('helper')
    await product.world.api.control(session.id, 'pause')
    for (let at = 0; at < 140; at++) await product.world.api.send(session.id, `say ${'y'.repeat(20_000)}`)
    const small = await product.replace('executor', { REINS_MAX_SESSION_MB: '1' })
    await product.world.api.control(session.id, 'resume')
    await product.becomes(session.id, 'quarantined')
    expect((await product.shown(session.id)).body.quarantine?.reason).toContain('MB in memory')
    expect(small.alive()).toBe(true)
    expect(await product.answers()).toBe('completed')
  },
  deadline,
)

test(
  'an agent whose workspace holds that of another one runs nothing, and says whose; the other one works on',
  async () => {
    await product.world.agent('around')
    mkdirSync(path.join(product.world.workspace, 'within'), { recursive: true })
    await product.world.agent('within', { tools: [{ system_tools: { workspace: 'within' } }] })
    const run = async (agent: string): Promise<string> => {
      const { session } = await product.world.api.create(agent)
      await product.world.api.turn(session.id, '!shell pwd')
      const log = await product.world.readLog(session.id)
      return JSON.stringify(
        log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed'),
      )
    }
    expect(await run('within')).toContain('within')
    const refused = await run('around')
    for (const part of ['of agent \\"around\\"', 'of agent \\"within\\"', '--allow-nested-workspaces'])
      expect(refused).toContain(part.replaceAll('\\', '\\\\\\'))
    await product.world.api.once('DELETE', '/v1/agents/within')
    await eventually(async () => (await run('around')).includes('exit_code'))
  },
  deadline,
)
