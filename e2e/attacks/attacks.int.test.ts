// Attacks on a whole product whose services are processes of their own: values that are none, and what each service's own password lets do.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connectBroker, makeHeaders, storeLimits } from '@reins/broker'
import { sessionFilter, sessionSubject, streams, toExec, toLog, toTool } from '@reins/contracts'
import { detectSandbox } from '@reins/tools'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { note, smallToken, until } from './small-tokens.ts'
import { type Stage, tryPasswords } from './stolen-passwords.ts'
import { Tally } from './tally.ts'
import { endAll, many, type Principal, principal } from './greedy.ts'
import { tryCommands } from './commands.ts'
import { strangerAt } from './strangers.ts'
import { tryInMemory } from './in-memory.ts'
import { tryForeignFrames } from './foreign-frames.ts'
import { nonsense, sayNonsense, spoilKeys, storeNonsense } from './poison.ts'

const deadline = 240_000
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
let world: World
let services: ServiceProcess[]

const start = async (): Promise<ServiceProcess[]> => {
  const registry = await world.start('registry')
  return [
    registry,
    ...(await Promise.all((['tool-runner', 'memory', 'executor'] as const).map((name) => world.start(name)))),
  ]
}

beforeAll(async () => {
  world = await World.open()
  services = await start()
  await world.start('session-gateway')
  await world.agent('helper')
}, deadline)

afterAll(() => world?.close(), deadline)

/** As the broker itself says that there is nobody, or nothing. */
const withStatus = (code: number): ReturnType<typeof makeHeaders> => {
  const made = makeHeaders([])
  return new (made.constructor as new (code: number, text: string) => typeof made)(code, 'No Responders')
}

const answers = async (session?: string): Promise<string> => {
  const id = session ?? (await world.api.create('helper')).session.id
  return (await world.api.turn(id, 'shell echo done')).turn.status
}
const shown = (session: string) =>
  world.api.once<{ status?: string; quarantine?: { reason: string } }>('GET', `/v1/sessions/${session}`)

test(
  'what is said on core subjects and is nothing is as good as unsaid',
  async () => {
    const { session } = await world.api.create('helper')
    const instances = services.flatMap((service) => service.instance() ?? [])
    await sayNonsense(world.broker, [...instances, 'executor', 'somebody'], session.id)
    expect(await answers(session.id)).toBe('completed')
    for (const service of services) expect(service.alive()).toBe(true)
  },
  deadline,
)

test(
  'what is stored and is nothing stops nobody, is named by /health, and does not keep a product from starting',
  async () => {
    const { session } = await world.api.create('helper')
    for (let turn = 0; turn < 6; turn++) expect(await answers(session.id)).toBe('completed')
    await storeNonsense(world.broker, session.id)
    expect(await answers(session.id)).toBe('completed')
    expect((await world.api.once('GET', '/v1/pools')).status).toBe(200)
    await Promise.all(services.map((service) => service.kill()))
    services = await start()
    // From a snapshot that is none, and a pool whose entry was written over.
    expect(await answers(session.id)).toBe('completed')
    expect(await answers()).toBe('completed')
    await world.agent('later')
    await eventually(async () => {
      const { body } = await world.api.once<{ agents?: readonly { name: string }[] }>('GET', '/v1/agents')
      return body.agents?.some(({ name }) => name === 'later')
    })
    const health = await world.api.once<{ status: string; parts: Record<string, string> }>('GET', '/health')
    expect(health.body.status).toBe('degraded')
    expect(health.body.parts.records).toContain('of the stream REG cannot be read')
  },
  deadline,
)

test(
  'a key of a request whose entry was written over refuses the request, and nothing else',
  async () => {
    const { session } = await world.api.create('helper')
    const say = (content: string, key: string) =>
      world.api.once<{ error?: { code: string } }>('POST', `/v1/sessions/${session.id}/messages`, { content }, { key })
    expect((await say('say one', 'mine')).status).toBe(202)
    for (const said of nonsense) {
      expect(await spoilKeys(world.broker, said)).toBeGreaterThan(0)
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
    const { session } = await world.api.create('helper')
    for (const said of nonsense)
      for (const to of [toLog, toExec('default'), toTool('default')])
        world.broker.publish(sessionSubject(session.id, to.kind === 'tool' ? 'e' : 'g', to), said)
    await world.broker.nc.flush()
    await eventually(async () => (await shown(session.id)).body.status === 'quarantined')
    expect((await shown(session.id)).body.quarantine?.reason).toMatch(/^frame 0 \(sequence \d+\) is malformed/)
    // What is sent now waits in the log until somebody has looked at the session.
    const sent = await world.api.once('POST', `/v1/sessions/${session.id}/messages`, { content: 'say hi' })
    expect(sent.status).toBe(202)
    for (const part of ['events', 'state', 'frames'])
      expect([part, (await world.api.once('GET', `/v1/sessions/${session.id}/${part}`)).status]).toEqual([part, 200])
    await world.api.control(session.id, 'release')
    await eventually(async () => (await shown(session.id)).body.status === 'idle')
    expect(await answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'a frame that only says that its session has ended ends nothing',
  async () => {
    const { session } = await world.api.create('helper')
    expect(await answers(session.id)).toBe('completed')
    const log = await world.readLog(session.id)
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
    await jetstream(world.broker.nc).publish(sessionSubject(session.id, 'g', toLog), body, { headers: head })
    expect(await answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'a message that says of itself where it stands, or that it is an answer of the broker, misleads nobody',
  async () => {
    const { session } = await world.api.create('helper')
    const { session: other } = await world.api.create('helper')
    expect(await answers(session.id)).toBe('completed')
    const subject = sessionSubject(session.id, 'g', toLog)
    const liar = makeHeaders([
      ['Nats-Sequence', '999999999'],
      ['Nats-Subject', sessionSubject(other.id, 'g', toLog)],
      ['Nats-Last-Sequence', '999999999'],
      ['Nats-Num-Pending', '999999999'],
      ['Reins-N', '1e400'],
      ['Reins-Needs', '-1'],
    ])
    const js = jetstream(world.broker.nc)
    await js.publish(subject, 'x', { headers: liar })
    for (const status of [404, 503, 100, 408]) await js.publish(subject, '', { headers: withStatus(status) })
    await eventually(async () => (await shown(session.id)).body.status === 'quarantined')
    expect((await world.api.once('GET', `/v1/sessions/${session.id}/frames`)).status).toBe(200)
    await world.api.control(session.id, 'release')
    expect(await answers(session.id)).toBe('completed')
    expect(await answers(other.id)).toBe('completed')
    await eventually(async () => {
      const { body } = await world.api.once<{ sessions: readonly { id: string }[] }>('GET', '/v1/sessions?limit=100')
      return body.sessions.some(({ id }) => id === other.id)
    })
  },
  deadline,
)

test(
  'the password of a service lets do what the service does, and what docs/security.md says besides',
  async () => {
    const { session } = await world.api.create('helper')
    const tally = new Tally()
    const manager = await jetstreamManager(world.broker.nc)
    const stage: Stage = {
      session: session.id,
      connect: (service) => connectBroker({ url: world.servers.natsUrl(service), name: `thief of ${service}` }),
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
    expect(await answers()).toBe('completed')
  },
  deadline,
)

test(
  'no service is obeyed in what is not its to say, whatever it appends with its password',
  async () => {
    const { session } = await world.api.create('helper')
    await world.api.turn(session.id, '!shell true')
    const tally = new Tally()
    await tryForeignFrames(world, session.id, tally)
    for (const line of tally.lines()) console.log(line)
    // What an executor says as an executor is done (docs/security.md): so the attack itself is one.
    expect(tally.gotThrough()).toEqual(['executor: have a command run'])
    expect(await answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'at each door of the API a token gets what is its own, and nothing of another agent, another principal or the operator',
  async () => {
    await world.agent('mine')
    const { session: theirs } = await world.api.create('helper')
    const tally = new Tally()
    const permissions = [
      'session:mine:*',
      'agent:mine:start',
      'agent:mine:read',
      'workflow:agents:agent_chat:run',
      'approval:mine:*',
    ]
    await world.api.once('POST', '/v1/principals', { name: 'mallory', permissions })
    const { body: made } = await world.api.once<{ text: string; token?: { id: string }; id?: string }>(
      ...(['POST', '/v1/tokens', { principal: 'mallory' }] as const),
    )
    const own = await fetch(`${world.api.url()}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${made.text}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agent: 'mine', message: 'say hi' }),
    })
    const { session: mine } = (await own.json()) as { session: { id: string } }
    const place = { theirs: theirs.id, mine: mine.id, agent: 'helper' }
    await strangerAt(world, made.text, place, 'a token of one agent', tally)
    await world.api.once('POST', '/v1/principals/mallory/ban', {})
    await strangerAt(world, made.text, place, 'a banned principal', tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    expect(await answers(theirs.id)).toBe('completed')
  },
  deadline,
)

test(
  'a command in the sandbox in memory sees nothing of this machine, and uses up nothing but its own time',
  async () => {
    const word = 'sesame-of-this-machine'
    const file = path.join(world.workspace, 'of-the-machine.txt')
    writeFileSync(file, word)
    await world.agent('thinker', { tools: [{ virtual_sandbox: { timeout: 1 } }] })
    const tally = new Tally()
    await tryInMemory(world, 'thinker', { file, word }, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    for (const service of services) expect(service.alive()).toBe(true)
    expect(await answers()).toBe('completed')
  },
  deadline,
)

test(
  'a command leaves nothing behind that acts outside, and reaches nothing of the user but its workspace',
  async ({ skip }) => {
    const sandbox = await detectSandbox()
    if (!sandbox.filtered) skip(`no filter of system calls here: ${sandbox.detail}`)
    const { session } = await world.api.create('helper')
    const tally = new Tally()
    await tryCommands(world, session.id, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)

test(
  'a small token is refused what would cost others more than its share, and told when to come again',
  async () => {
    const gateway = world.gateways[0]!
    await gateway.kill()
    await world.replaceGateway(gateway, {
      environment: {
        REINS_WRITES_PER_MINUTE: '60',
        REINS_BYTES_PER_MINUTE: '30000000',
        REINS_SESSIONS_PER_MINUTE: '5',
      },
    })
    const ask = await smallToken(world)
    const tally = new Tally()
    note(tally, 'sessions without end', await until(() => ask('POST', '/v1/sessions', { agent: 'helper' }), 50))
    const { session } = await world.api.create('helper')
    await world.api.control(session.id, 'pause')
    const say = (content: string) => () => ask('POST', `/v1/sessions/${session.id}/messages`, { content })
    // What waits in one session: fewer bytes than the share of the token.
    const large = await until(say('x'.repeat(900_000)), 25)
    note(tally, 'large messages into a paused session', large)
    expect(large.taken).toBeLessThan(20)
    note(tally, 'messages without end', await until(say('hi'), 500))
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    // Others are served meanwhile, and the session goes on when it may.
    expect(await answers()).toBe('completed')
    expect((await shown(session.id)).status).toBe(200)
    await world.api.control(session.id, 'end')
  },
  deadline,
)

test(
  'stores that are filled to their limits are named, refuse what they say, and stop no session',
  async () => {
    const manager = await jetstreamManager(world.broker.nc)
    const limits = storeLimits.map(({ stream }) => stream)
    const set = (bytes: number | undefined) =>
      Promise.all(
        limits.map((stream, at) => manager.streams.update(stream, { max_bytes: bytes ?? storeLimits[at]!.bytes })),
      )
    await set(2000)
    try {
      const { session } = await world.api.create('helper')
      const say = (key?: string) =>
        world.api.once<{ error?: { code: string; next: string } }>(
          ...(['POST', `/v1/sessions/${session.id}/messages`, { content: 'say hi' }] as const),
          ...(key === undefined ? [] : [{ key }]),
        )
      const refused: { status: number; body: { error?: { code: string; next: string } } }[] = []
      for (let at = 0; at < 20 && refused.length === 0; at++) {
        const answer = await say(`fills-${at}`)
        if (answer.status !== 202) refused.push(answer)
      }
      expect(refused[0]).toMatchObject({ status: 507, body: { error: { code: 'storage_full' } } })
      expect(refused[0]?.body.error?.next).toContain('without an Idempotency-Key')
      expect((await say()).status).toBe(202)
      // An output that is too long to be told, of which nothing can be kept; snapshots; and a pool of its own.
      await world.agent('elsewhere', { affinity: { walls: 'full' } })
      const turn = await world.api.turn(session.id, '!shell head -c 400000 /dev/zero | tr "\\0" x')
      expect(turn.turn.status).toBe('completed')
      expect(await answers(session.id)).toBe('completed')
      expect((await world.api.create('elsewhere')).session.id).toBeTruthy()
      await eventually(async () => {
        const { body } = await world.api.once<{ parts: Record<string, string> }>('GET', '/health')
        return body.parts.stores?.includes('reins-idempotency') === true
      })
    } finally {
      await set(undefined)
    }
    expect(await answers()).toBe('completed')
  },
  deadline,
)

test(
  'a session that has grown too large to be loaded is put in quarantine, says so, and holds nobody up',
  async () => {
    const { session } = await world.api.create('helper')
    await world.api.control(session.id, 'pause')
    for (let at = 0; at < 140; at++) await world.api.send(session.id, `say ${'y'.repeat(20_000)}`)
    const executor = services.find(({ name }) => name === 'executor')!
    await executor.kill()
    const small = await world.start('executor', { environment: { REINS_MAX_SESSION_MB: '1' } })
    services = services.map((one) => (one === executor ? small : one))
    await world.api.control(session.id, 'resume')
    await eventually(async () => (await shown(session.id)).body.status === 'quarantined')
    expect((await shown(session.id)).body.quarantine?.reason).toContain('MB in memory')
    expect(small.alive()).toBe(true)
    expect(await answers()).toBe('completed')
  },
  deadline,
)

test(
  'of two principals that take all slots for ever, neither keeps a third from a model or from a tool',
  async () => {
    const few = { environment: { REINS_CONCURRENCY: '4', REINS_WAITING_CALLS: '3' } }
    for (const name of ['executor', 'tool-runner'] as const) {
      const old = services.find((service) => service.name === name)!
      await old.kill()
      const fresh = await world.start(name, few)
      services = services.map((service) => (service === old ? fresh : service))
    }
    const [ann, bob, cleo] = await Promise.all(['ann', 'bob', 'cleo'].map((name) => principal(world, name)))
    const has = async (who: Principal, session: string, type: string) =>
      eventually(async () => (await who.types(session)).includes(type))
    const tally = new Tally()
    // For tools: each call is a command that never ends; the session's model call is over by then.
    const slow = '!shell sleep 10000'
    const tools = [...(await many(ann!, 30, slow)), ...(await many(bob!, 30, slow))]
    await eventually(async () => {
      const began = await Promise.all(tools.map((session, at) => (at < 30 ? ann! : bob!).types(session)))
      const running = (from: number) =>
        began
          .slice(from, from + 30)
          .filter((all) => all.includes('tool-call.claimed') || all.includes('tool-call.started'))
      return running(0).length >= 4 && running(30).length >= 1
    })
    const small = await cleo!.begin('!shell echo mine')
    await has(cleo!, small, 'turn.completed')
    tally.note('two greedy principals', 'keep a third from a tool', 'refused')
    await endAll(ann!, tools.slice(0, 30))
    await endAll(bob!, tools.slice(30))
    // For models: answers that never end.
    const models = [...(await many(ann!, 30, 'hang')), ...(await many(bob!, 30, 'hang'))]
    await has(bob!, models[30]!, 'model-call.started')
    const said = await cleo!.begin('say mine')
    await has(cleo!, said, 'turn.completed')
    tally.note('two greedy principals', 'keep a third from a model', 'refused')
    await endAll(ann!, models.slice(0, 30))
    await endAll(bob!, models.slice(30))
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)

test(
  'an agent whose workspace holds that of another one runs nothing, and says whose; the other one works on',
  async () => {
    await world.agent('around')
    mkdirSync(path.join(world.workspace, 'within'), { recursive: true })
    await world.agent('within', { tools: [{ system_tools: { workspace: 'within' } }] })
    const run = async (agent: string): Promise<string> => {
      const { session } = await world.api.create(agent)
      await world.api.turn(session.id, '!shell pwd')
      const log = await world.readLog(session.id)
      return JSON.stringify(
        log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed'),
      )
    }
    expect(await run('within')).toContain('within')
    const refused = await run('around')
    for (const part of ['of agent \\"around\\"', 'of agent \\"within\\"', '--allow-nested-workspaces'])
      expect(refused).toContain(part.replaceAll('\\', '\\\\\\'))
    await world.api.once('DELETE', '/v1/agents/within')
    await eventually(async () => (await run('around')).includes('exit_code'))
  },
  deadline,
)
