// Sessions in the archive, and who would have them read as something else or not at all: by frames that say where they lie, with the password
// of each service. What becomes of the objects themselves is in archived-objects.ts.
//   AA1. Each attempt has a session of its own. What was said in it is read afterwards, and never what was said in another.
import { jetstream } from '@nats-io/jetstream'
import { type Broker, connectBroker, makeHeaders } from '@reins/broker'
import {
  archivedSubject,
  draftOn,
  type EventData,
  emptyHead,
  encodeFrame,
  type Frame,
  frameHeaders,
  headOf,
  makeShortId,
  makeUlid,
  type SessionEvent,
  sessionSubject,
  toLog,
} from '@reins/contracts'
import { untilArchived } from '../../harness/archive.ts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Ask } from '../people/history.ts'
import type { Tally } from '../tally.ts'
import { forge } from './foreign-frames.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
export const of = (session: string, rest = '') => `/v1/sessions/${session}${rest}`

export interface Kept {
  readonly session: string
  readonly word: string
  /** The frame that says where it lies. */
  readonly archived: Frame
  readonly at: EventData<'session.archived'>
}

export const archivedData = (frame: Frame | undefined): EventData<'session.archived'> | undefined => {
  const [event] = frame?.events ?? []
  return event?.type === 'session.archived' ? event.data : undefined
}

let words = 0

/** A session that says a word of its own, and lies in the archive. */
export async function keptSession(world: World, agent: string): Promise<Kept> {
  const word = `word-${words++}-of-the-archive`
  const { session } = await world.api.create(agent, `say ${word}`)
  // A second time: the object of the second names that of the first.
  await archivedNow(world, session.id, word)
  await world.api.turn(session.id, `say ${word}`)
  return archivedNow(world, session.id, word)
}

async function archivedNow(world: World, session: string, word: string): Promise<Kept> {
  await untilArchived(world, session)
  const archived = (await world.readLog(session)).map(({ frame }) => frame).findLast((frame) => archivedData(frame))
  const at = archivedData(archived)
  if (!archived || !at) throw new Error(`${session} names nothing in the archive`)
  return { session, word, archived, at }
}

/** What is read of it; the events and the state have the word, and the log chains. */
async function reads(admin: Ask, { session, word }: Pick<Kept, 'session' | 'word'>, others: readonly string[] = []) {
  const wrong: string[] = []
  for (const rest of ['/events', '/state', '/frames']) {
    const { status, text } = await admin('GET', of(session, rest))
    if (status !== 200 || text.split(word).length <= 2) wrong.push(`${rest}: ${status} ${text.slice(0, 200)}`)
    if (others.some((other) => text.includes(other))) wrong.push(`${rest}: somebody else's words`)
  }
  const verified = await verify(admin, session)
  return { wrong, verified }
}

/** That no frame lacks, by their numbers. */
async function verify(admin: Ask, session: string): Promise<string> {
  const { status, text } = await admin('GET', of(session, '/frames?limit=500'))
  if (status !== 200) return `${status} ${text.slice(0, 300)}`
  const { frames } = JSON.parse(text) as { frames: { n: number }[] }
  return frames.map(({ n }) => n).join()
}

interface Forgery {
  readonly what: string
  readonly put: (thief: Broker, kept: Kept, other: Kept, world: World) => Promise<unknown>
}

const raw = (thief: Broker, subject: string, body: string, headers: readonly (readonly [string, string])[] = []) =>
  jetstream(thief.nc).publish(subject, body, { headers: makeHeaders(headers), timeout: 3000, retries: 0 })

const chained =
  (events: (kept: Kept, other: Kept) => readonly SessionEvent[]): Forgery['put'] =>
  async (thief, kept, other, world) => {
    const last = (await world.readLog(kept.session)).at(-1)!.frame
    return forge(thief, headOf(last), { session: kept.session, role: 'm', to: toLog, events: events(kept, other) })
  }
const saysArchived = (data: (kept: Kept, other: Kept) => EventData<'session.archived'>) =>
  chained((kept, other) => [{ type: 'session.archived', data: data(kept, other) }])

/** The bytes and headers of the frame that says where it lies, with another body where one is given. */
async function stored(world: World, { archived, session }: Kept) {
  const message = await world.broker.request(
    '$JS.API.DIRECT.GET.SES',
    JSON.stringify({ last_by_subj: archivedSubject(session) }),
    { withinMs: 5000 },
  )
  if (message.kind !== 'reply') throw new Error('no answer')
  const headers = Object.values(frameHeaders).map(
    (name) => [name, message.msg.headers?.get(name) ?? ''] as [string, string],
  )
  return { headers, body: message.msg.string(), archived }
}

const nowhere = ({ session, at, archived }: Kept): EventData<'session.archived'> => ({
  ...at,
  object: `${session}/${archived.n}-nowhere`,
})

/** Words of memory that nobody has signed, and that stand on nothing. */
function putUnchained(thief: Broker, kept: Kept, n: number): Promise<unknown> {
  const draft = draftOn(
    { ...emptyHead(kept.session), n, pool: 'default' },
    { frame: makeShortId(Math.random), by: 'memory', role: 'm' },
    {
      events: [{ type: 'session.archived', data: nowhere(kept) }],
      to: toLog,
      status: 'idle',
      trace,
      at: Date.now(),
    },
  )
  const { body, headers } = encodeFrame(draft, 'x'.repeat(43))
  return raw(thief, archivedSubject(kept.session), body, headers)
}

export const forgeries: readonly Forgery[] = [
  { what: 'that it lies in an object that is not there', put: saysArchived(nowhere) },
  { what: "that it lies in another session's object", put: saysArchived((_, other) => other.at) },
  { what: 'that it lies in its own object, as other bytes', put: saysArchived(({ at }) => ({ ...at, digest: 'x' })) },
  { what: 'that it lies in its own object, once more', put: saysArchived(({ at }) => at) },
  {
    what: 'that it lies in its own object, as more than there is',
    put: saysArchived(({ at, archived }) => ({ ...at, first: 1, frames: archived.n, bytes: 1 })),
  },
  {
    what: 'that erasing it is completed',
    put: chained(() => [{ type: 'session.erasure-completed', data: { sessions: 1, frames: 1, objects: 0 } }]),
  },
  {
    what: 'what is none, where that is said',
    put: (thief, { session }) => raw(thief, archivedSubject(session), 'garbage'),
  },
  {
    what: 'that it lies nowhere, without chaining',
    put: (thief, kept) => putUnchained(thief, kept, 1000),
  },
  {
    what: 'the same words of memory once more',
    put: async (thief, kept, _, world) => {
      const { body, headers } = await stored(world, kept)
      return raw(thief, archivedSubject(kept.session), body, headers)
    },
  },
  {
    what: "the same words with another object, under memory's signature",
    put: async (thief, kept, _, world) => {
      const { body, headers } = await stored(world, kept)
      return raw(thief, archivedSubject(kept.session), body.replace(kept.at.object, nowhere(kept).object), headers)
    },
  },
  {
    what: 'the words of memory about another session',
    put: async (thief, { session }, other, world) => {
      const { body, headers } = await stored(world, other)
      return raw(thief, archivedSubject(session), body, headers)
    },
  },
]

/** What the broker is made to say where memory speaks, with the password of another service. */
const placing = (role: 'g' | 'e' | 't'): Forgery => ({
  what: 'bytes that the broker is made to put there',
  put: async (thief, { session }) => {
    const { seq } = await raw(thief, sessionSubject(makeUlid(Date.now(), Math.random), role, toLog), '{}')
    thief.nc.publish('$JS.API.DIRECT.GET.SES', JSON.stringify({ seq }), { reply: archivedSubject(session) })
    await thief.nc.flush()
  },
})

export interface Tried extends Kept {
  readonly who: string
  readonly what: string
}

/** On sessions that lie in the archive. Gives them, for whoever looks at them again. */
export async function tryArchivedFrames(world: World, agent: string): Promise<readonly Tried[]> {
  const tried: Tried[] = []
  const other = await keptSession(world, agent)
  const tries = [
    ...forgeries.map((one) => ['memory', one] as const),
    ...(
      [
        ['session-gateway', 'g'],
        ['executor', 'e'],
        ['tool-runner', 't'],
      ] as const
    ).map(([service, role]) => [service, placing(role)] as const),
  ]
  const kepts = await Promise.all(tries.map(() => keptSession(world, agent)))
  for (const [at, [who, { what, put }]] of tries.entries()) {
    const thief = await connectBroker({ url: world.servers.natsUrl(who), name: `forger of the archive as ${who}` })
    try {
      await put(thief, kepts[at]!, other, world)
    } finally {
      await thief.close()
    }
    tried.push({ ...kepts[at]!, who, what })
  }
  return tried
}

/** On sessions that do not lie there: what says that they do has their frames taken out of the stream, where it is believed. */
export async function tryLiveFrames(world: World, agent: string): Promise<readonly Tried[]> {
  const tried: Tried[] = []
  const other = await keptSession(world, agent)
  const thief = await connectBroker({ url: world.servers.natsUrl('memory'), name: 'forger of the archive as memory' })
  try {
    for (const { what, put } of forgeries) {
      if (/same words|once more|other bytes|than there is/.test(what)) continue
      const word = `word-${words++}-of-a-live-session`
      const { session } = await world.api.create(agent, `say ${word}`)
      await world.settled(session.id)
      await world.api.control(session.id, 'pause')
      const last = await eventually(async () => {
        const frame = (await world.readLog(session.id)).at(-1)?.frame
        return frame?.status === 'paused' && frame
      })
      const kept: Kept = { session: session.id, word, archived: last, at: { ...other.at } }
      await put(thief, kept, other, world)
      tried.push({ ...kept, who: 'memory', what: `${what}, of a session that does not` })
    }
  } finally {
    await thief.close()
  }
  return tried
}

/** Looks at all of them. `when`: after what. */
export async function noteReads(admin: Ask, tried: readonly Tried[], when: string, tally: Tally): Promise<void> {
  for (const one of tried) {
    const others = tried.filter(({ word }) => word !== one.word).map(({ word }) => word)
    const { wrong, verified } = await reads(admin, one, others)
    const whole = verified
      .split(',')
      .slice(0, one.archived.n)
      .every((n, at) => Number(n) === at + 1)
    if (wrong.length > 0 || !whole) console.log(one.who, one.what, when, one.session, wrong, verified)
    tally.note(one.who, `${one.what}; read ${when}`, wrong.length === 0 && whole ? 'refused' : 'got through')
  }
}

/** More such orders than are handed out at once: others are carried out all the same. */
export async function tryManyOrders(world: World, agent: string, tally: Tally): Promise<void> {
  const thief = await connectBroker({ url: world.servers.natsUrl('memory'), name: 'forger of orders as memory' })
  try {
    const kept = await keptSession(world, agent)
    for (let at = 0; at < 80; at++) await putUnchained(thief, kept, 5000 + at)
    const well = await keptSession(world, agent).then(
      () => true,
      () => false,
    )
    tally.note(
      'memory',
      'have the archive stand still by orders that cannot be carried out',
      well ? 'refused' : 'got through',
    )
  } finally {
    await thief.close()
  }
}
