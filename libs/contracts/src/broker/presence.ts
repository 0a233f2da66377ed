// What instances say to each other on core subjects: liveness, never facts (PROTOCOL 6). A lost message costs time, nothing else.
//   P1. What another process said is a value only once it fits its schema. Anything else is as good as unsaid; nothing here throws.
import { type Static, Type } from 'typebox'
import { decoder } from './stored-value.ts'

const text = Type.String({ maxLength: 1024 })
const count = Type.Integer({ minimum: 0 })

/** One running thing: a model call or tool call of a session, at an attempt. `frame`: a tool call's, the sequence that asked for it. */
export const Holding = Type.Object({
  session: text,
  call: text,
  attempt: count,
  frame: Type.Optional(count),
})
export type Holding = Readonly<Static<typeof Holding>>

/** A session that waits for a slot for its model call, or for its provider: `throttled` says why. `since`: epoch ms. */
export const QueuedSession = Type.Object({ session: text, since: Type.Number(), throttled: Type.Optional(text) })
export type QueuedSession = Readonly<Static<typeof QueuedSession>>

/** A tool call that has shown nothing for a while. `since`: epoch ms, of its last sign. */
export const SlowCall = Type.Object({ session: text, call: text, name: text, since: Type.Number() })
export type SlowCall = Readonly<Static<typeof SlowCall>>

/** Providers of models, by name. `keyless`: known, and without a key; `setting` is the variable that would hold it. */
export const ModelProviders = Type.Object({
  callable: Type.Array(text, { maxItems: 1000 }),
  keyless: Type.Array(Type.Object({ provider: text, setting: text }), { maxItems: 1000 }),
})
export type ModelProviders = Readonly<Static<typeof ModelProviders>>

/**
 * `hb.<service>.<instance>`, each 250 ms: what was begun and ended since the last one; every 2 s `whole` lists everything.
 * `pools`: the keys that the instance serves. `slots`, `busy`: calls that it can run, and runs. `waiting`: how many sessions wait for
 * a slot there, and since when the first does; `queued` names the first thousand, whenever that has changed, and with `whole`.
 * `throttled`: how many of these wait for their provider, which a slot elsewhere would not help. `shares`: it shares the quotas of
 * providers with the others (quota.ts).
 * `slow` names the first hundred slow calls, whenever they have changed, and with `whole`.
 * `models`: whose models an executor can call; with `whole`. `leaving`: it is shutting down and takes nothing new. `takes`: it takes triggers of sessions that it knows from other instances.
 */
export interface Heartbeat {
  readonly instance: string
  readonly pools: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly slots: number
  readonly busy: number
  readonly waiting?: { readonly count: number; readonly since: number }
  readonly queued?: readonly QueuedSession[]
  readonly throttled?: number
  readonly shares?: boolean
  readonly slow?: readonly SlowCall[]
  readonly models?: ModelProviders
  readonly begun?: readonly Holding[]
  readonly ended?: readonly Holding[]
  readonly whole?: readonly Holding[]
  readonly leaving?: boolean
  readonly takes?: boolean
}

const heartbeat = Type.Object({
  instance: Type.String({ minLength: 1, maxLength: 1024 }),
  pools: Type.Array(text),
  labels: Type.Record(Type.String(), text),
  slots: count,
  busy: count,
  waiting: Type.Optional(Type.Object({ count, since: Type.Number() })),
  queued: Type.Optional(Type.Array(QueuedSession)),
  throttled: Type.Optional(count),
  shares: Type.Optional(Type.Boolean()),
  slow: Type.Optional(Type.Array(SlowCall)),
  models: Type.Optional(ModelProviders),
  begun: Type.Optional(Type.Array(Holding)),
  ended: Type.Optional(Type.Array(Holding)),
  whole: Type.Optional(Type.Array(Holding)),
  leaving: Type.Optional(Type.Boolean()),
  takes: Type.Optional(Type.Boolean()),
})

/** A trigger that its holder gives to another instance of the pool: `handle` is what it is acked by. */
export const GivenTrigger = Type.Object({
  session: text,
  pool: text,
  seq: count,
  handle: text,
})
export type GivenTrigger = Readonly<Static<typeof GivenTrigger>>

/**
 * Requests on `ctl.<instance>`. `running`: still running this call at this attempt? `abort`: its outcome is in the log, stop it. `take`: is
 * this session known there, and does it go on with it?
 */
export type ControlRequest =
  | ({ readonly ask: 'running' } & Holding)
  | ({ readonly ask: 'abort' } & Holding)
  | ({ readonly ask: 'take' } & GivenTrigger)
export type ControlReply = { readonly running: boolean; readonly taken?: boolean }

/**
 * What all instances know of a pool. `floor`: up to this sequence everything was acknowledged when this was written; where several
 * streams hold the sessions, `floors` says it of each that something was acknowledged of.
 */
export const PoolEntry = Type.Object({
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{1,256}$' }),
  kind: Type.Enum(['exec', 'tool']),
  labels: Type.Record(Type.String(), text),
  floor: count,
  floors: Type.Optional(Type.Record(Type.String(), count)),
})
export type PoolEntry = Readonly<Static<typeof PoolEntry>>

/** P1: undefined where the text is not one. */
export const decodeHeartbeat: (text: string) => Heartbeat | undefined = decoder<Heartbeat>(heartbeat)
export const decodeControlRequest: (text: string) => ControlRequest | undefined = decoder<ControlRequest>(
  Type.Union([
    Type.Intersect([Type.Object({ ask: Type.Enum(['running', 'abort']) }), Holding]),
    Type.Intersect([Type.Object({ ask: Type.Literal('take') }), GivenTrigger]),
  ]),
)
export const decodeControlReply: (text: string) => ControlReply | undefined = decoder<ControlReply>(
  Type.Object({ running: Type.Boolean(), taken: Type.Optional(Type.Boolean()) }),
)
export const decodePoolEntry: (text: string) => PoolEntry | undefined = decoder<PoolEntry>(PoolEntry)
