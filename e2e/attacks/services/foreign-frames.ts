// With the password of each service: frames in that service's own role, which the broker lets it say, with events that are another role's to
// say. They chain and are conditional as any frame, and go wherever such an event would be acted on.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { type Broker, connectBroker, makeHeaders } from '@reins/broker'
import {
  type Address,
  draftOn,
  emptyHead,
  encodeFrame,
  type EventType,
  eventTypes,
  type Head,
  headOf,
  makeShortId,
  makeUlid,
  maySay,
  type Role,
  type SessionEvent,
  sessionFilter,
  sessionSubject,
  toExec,
  toLog,
  toTool,
} from '@reins/contracts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

const golden = path.join(import.meta.dirname, '..', '..', '..', 'libs', 'session', 'golden')
const services = { g: 'session-gateway', e: 'executor', t: 'tool-runner', m: 'memory' } as const

/** An event of each type, as a real session had it. */
function samples(): ReadonlyMap<EventType, SessionEvent> {
  const found = new Map<EventType, SessionEvent>()
  for (const file of readdirSync(golden).filter((name) => name.endsWith('.golden.json'))) {
    const { frames } = JSON.parse(readFileSync(path.join(golden, file), 'utf8')) as { frames: { body: string }[] }
    for (const { body } of frames)
      for (const event of (JSON.parse(body) as { events: (SessionEvent & { v?: number })[] }).events)
        if (event.v === undefined) found.set(event.type, found.get(event.type) ?? event)
  }
  return found
}

const addresses: readonly Address[] = [toLog, toExec('default'), toTool('default')]

/** `session`: at rest. What it is then is the same as before, and nothing ran. */
export async function tryForeignFrames(world: World, session: string, tally: Tally): Promise<void> {
  const shown = async () => {
    const { body } = await world.api.once<{ session?: object }>('GET', `/v1/sessions/${session}/state`)
    return JSON.stringify(body, (key, value) => (places.has(key) ? undefined : value))
  }
  const before = await shown()
  const all = samples()
  for (const role of ['g', 'e', 't', 'm'] as const) {
    const thief = await connectBroker({ url: world.servers.natsUrl(services[role]), name: `forger as ${role}` })
    try {
      let head = await headOfSession(world, session)
      const said: string[] = []
      for (const type of eventTypes) {
        const event = all.get(type)
        if (maySay(role, type) || !event) continue
        for (const to of addresses) {
          head = await forge(thief, head, { session, role, to, events: [event] })
          said.push(`say ${type} to ${to.kind}`)
        }
      }
      const changed = (await shown()) !== before
      for (const what of said) tally.note(services[role], what, changed ? 'got through' : 'refused')
      await tryToRun(thief, { world, session, role, tally })
    } finally {
      await thief.close()
    }
  }
}

/** Of the state: what every further frame changes. */
const places = new Set(['seq', 'n', 'hash', 'head', 'cursor', 'needs', 'status', 'updatedAt'])

/** The strongest: a tool-runner runs a request that has just come without a read of the log. */
async function tryToRun(
  thief: Broker,
  { world, session, role, tally }: { world: World; session: string; role: Role; tally: Tally },
): Promise<void> {
  const log = await world.readLog(session)
  const asked = log.flatMap(({ frame }) => frame.events).find((event) => event.type === 'tool-calls.requested')
  if (asked?.type !== 'tool-calls.requested') throw new Error('the session has called no tool')
  const mark = `forged-by-${role}`
  const [first] = asked.data.calls
  const calls = [{ ...first!, call: `forged${role}`, replay: 'safe' as const, arguments: { command: `touch ${mark}` } }]
  await forge(thief, await headOfSession(world, session), {
    ...{ session, role, to: toTool('default') },
    events: [{ type: 'tool-calls.requested', data: { ...asked.data, calls } }],
  })
  // The runner takes triggers in order: what it was given next is done when it has passed this one.
  const { session: other } = await world.api.create('helper')
  await world.api.turn(other.id, '!shell true')
  const ran = await eventually(
    async () => (readdirSync(world.workspace, { recursive: true }) as string[]).includes(mark),
    {
      withinMs: 1500,
    },
  ).catch(() => existsSync(path.join(world.workspace, mark)))
  tally.note(services[role], 'have a command run', ran ? 'got through' : 'refused')
}

/**
 * Not forged at all: a gateway may begin sessions. With its password somebody begins one of an agent whose commands wait for a person, and
 * leaves out that they do.
 */
export async function tryOwnSession(world: World, agent: string, tally: Tally): Promise<void> {
  const mark = 'nobody-was-asked'
  const { session: asked } = await world.api.create(agent, `!shell touch ${mark}`)
  const beginning = await eventually(async () => (await world.readLog(asked.id))[0])
  const thief = await connectBroker({ url: world.servers.natsUrl('session-gateway'), name: 'forger as a gateway' })
  try {
    const session = makeUlid(Date.now(), Math.random)
    const { frame } = beginning
    await forge(
      thief,
      { ...emptyHead(session), pool: frame.pool },
      {
        ...{ session, role: 'g', to: toExec('default') },
        events: frame.events.filter(({ type }) => type !== 'approvals.pinned'),
      },
    )
    const ran = await eventually(async () => existsSync(path.join(world.workspace, mark)), { withinMs: 60_000 }).catch(
      () => false,
    )
    tally.note('session-gateway', 'have a command run that nobody was asked about', ran ? 'got through' : 'refused')
  } finally {
    await thief.close()
  }
}

export async function headOfSession(world: World, session: string): Promise<Head> {
  const last = (await world.readLog(session)).at(-1)
  if (!last) throw new Error('there is no such session')
  return headOf(last.frame)
}

/** Gives the head that the session has then. */
export async function forge(
  thief: Broker,
  head: Head,
  { session, role, to, events }: { session: string; role: Role; to: Address; events: readonly SessionEvent[] },
): Promise<Head> {
  const draft = draftOn(
    head,
    { frame: makeShortId(Math.random), by: 'user:admin', role },
    { events, to, status: head.status, trace, at: Date.now() },
  )
  const { body, headers, hash } = encodeFrame(draft, head.hash)
  const all = makeHeaders([
    ...headers,
    ['Nats-Expected-Last-Subject-Sequence', String(head.seq)],
    ['Nats-Expected-Last-Subject-Sequence-Subject', sessionFilter(session)],
  ])
  const { seq } = await jetstream(thief.nc).publish(sessionSubject(session, role, to), body, { headers: all })
  return { ...head, seq, hash, n: draft.n, needs: draft.needs, status: draft.status, pool: draft.pool }
}

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
