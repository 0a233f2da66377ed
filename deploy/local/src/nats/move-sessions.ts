// Moves the sessions from their one stream to several: those of a data folder at its start, before any service runs (decision 029), and
// those of a cluster while services work (decision 046).
//   MS1. Wherever it is killed, the next run goes on: what the broker has says how far it is.
//   MS2. Every frame keeps its sequence: the new streams begin as mirrors of parts of the old one. So heads, cursors, floors, snapshots
//        and checkpoints stay true.
//   MS3. A mark is the last message of the old stream, and of each of the new ones. So no sequence that anybody has seen lies behind the
//        end of a stream, and what is appended later lies behind all of them.
//   MS4. The mirrors copy while the old stream takes appends. Once they are nearly as far as it, it is closed: from then on it takes the
//        mark alone. So nothing can be appended that a mirror does not get, and nobody waits for longer than the rest of the copy takes.
//   MS5. Durables are made anew on each stream, from what was acknowledged. What is delivered twice is recognised, as ever.
//   MS6. What the server cannot do is found out on scratch streams, and what was not copied whole is not promoted.
//   MS7. Frames of sessions that are archived or erased may leave the old stream while it is copied, and stay in the copy. So what orders
//        to take them out is handed out again from where it stood when the copy began.
//   MS9. When the mirrors are whole, and compared, the old stream is deleted: then everybody reads in the new ones, and only then these take
//        appends. So nobody can miss in the old stream what was said in a new one. From there on there is no way back.
//   MS10. A mirror answers direct gets for the stream that it mirrors, also of what it has no part of, where that stream had direct gets when the
//        mirror was made or updated. So for that moment the old stream has none. Readers ask its leader then (stored-messages.ts of broker).
//   MS8. Where services work, they are given the time to notice the mirrors before the old stream is closed.
import { setTimeout as pause } from 'node:timers/promises'
import {
  type ConsumerInfo,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { type Msg, type NatsConnection, NoRespondersError, RequestError } from '@nats-io/transport-node'
import { isClosed, streamInfo } from '@reins/broker'
import {
  allSessionsFilter,
  fieldsOf,
  jsonValue,
  movedFrom,
  movedMark,
  republishSource,
  republishTarget,
  scratchOfMove,
  sessionStreamsOf,
  streamUpdateSubject,
  subjectsOfStream,
  takenOutBefore,
  takingOut,
} from '@reins/contracts'

export type MoveOutcome =
  | { readonly kind: 'nothing-to-move' }
  /** `closedMs`: for so long no stream took appends. */
  | { readonly kind: 'moved'; readonly frames: number; readonly closedMs: number }
  /** They stay in their one stream, which works as ever. */
  | { readonly kind: 'stays'; readonly why: string }

export interface MoveOptions {
  /** Bytes that the disk has room for. */
  readonly room: number
  /** Whether frames may be taken out of the streams that the sessions are moved to. Default: as it was. */
  readonly archived?: boolean
  /** Whether services work meanwhile (MS8). Default: none does. */
  readonly online?: boolean
  /** Called between two steps: tests end the process here. */
  readonly step?: (name: MoveStep) => Promise<void>
  /** How far the copy is, in messages. */
  readonly progress?: (copied: number, of: number) => void
  /** ms without progress after which it gives up; the next run goes on. Default 60 000. */
  readonly stuckMs?: number
}

export const moveSteps = [
  ...['mirrored', 'copied-nearly', 'closed', 'marked', 'copied', 'durables', 'deleted', 'promoted-one', 'promoted'],
] as const
export type MoveStep = (typeof moveSteps)[number]

const [single = ''] = sessionStreamsOf(1).names
const target = sessionStreamsOf(4)
const lookMs = 100
const storeMs = 15_000
/** Of the last steps, while nobody can append. */
const lookSoonMs = 20
/** The copy, and what is written meanwhile. */
const roomShare = 1.25
/** MS4: so many messages are copied in a moment. */
const nearly = 500
/** MS8: a process looks every two seconds whether a split has begun, and often once it has. */
const noticedMs = 5000

/** `nc`: of the user that may do it. Rejects where something is in its way; the next run goes on. */
export async function moveSessions(nc: NatsConnection, options: MoveOptions): Promise<MoveOutcome> {
  const manager = await jetstreamManager(nc, { checkAPI: false, timeout: 15_000 })
  const { step = async () => undefined, stuckMs = 60_000, online = false, progress = () => undefined } = options
  const found = await streamInfo(manager, single)
  if (!found) return (await areMirrors(manager)) ? promoteAll() : { kind: 'nothing-to-move' }
  const begun = await streamInfo(manager, target.names[0] ?? '')
  if (!isClosed(found) && !begun) {
    if (found.state.bytes * roomShare > options.room)
      return { kind: 'stays', why: `the disk has no room for a copy of ${found.state.bytes} bytes` }
    const obstacle = await tryOut(nc, manager) // MS6
    if (obstacle !== undefined) return { kind: 'stays', why: obstacle }
  }
  const mirroredAt = performance.now()
  const takenOut = await takenOutNow(manager)
  const config = { ...found.config, allow_direct: true }
  await makeMirrors(nc, manager, config, (name, index) =>
    mirrorOf(found, name, { index, takenOut, archived: options.archived ?? false }),
  )
  await step('mirrored')
  const closedAlready = isClosed(found)
  if (!closedAlready) {
    await copiedNearly(manager, { stuckMs, progress })
    // What is there now need not be made while nobody can append.
    await makeAllDurables(manager)
    if (online) await pause(Math.max(0, mirroredAt + noticedMs - performance.now())) // MS8
    await step('copied-nearly')
    await update(nc, { ...config, subjects: [movedMark] }) // MS4
    await step('closed')
  }
  const closedAt = performance.now()
  const old = await whileClosed(async () => {
    await mark(nc, manager)
    await step('marked')
    const marked = await manager.streams.info(single, { subjects_filter: movedMark })
    await copied(manager, marked, stuckMs)
    await step('copied')
    await makeAllDurables(manager)
    await step('durables')
    await stillClosed(manager, marked)
    return marked
  })
  await manager.streams.delete(single) // MS9
  await step('deleted')
  const { messages, subjects = {} } = old.state
  return promoteAll({ frames: messages - (subjects[movedMark] ?? 0), closedAt })

  async function promoteAll(whole?: { readonly frames: number; readonly closedAt: number }): Promise<MoveOutcome> {
    const begunAt = whole?.closedAt ?? performance.now()
    const frames = whole?.frames ?? (await framesIn(manager))
    const [first, ...others] = target.names.map((name, index) => () => promote(nc, manager, name, index))
    await first?.()
    await step('promoted-one')
    await Promise.all(others.map((one) => one()))
    await step('promoted')
    return { kind: 'moved', frames, closedMs: Math.round(performance.now() - begunAt) }
  }

  /** What fails before there is no way back (MS9) leaves the old stream open. */
  async function whileClosed<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      const old = await streamInfo(manager, single).catch(() => undefined)
      if (online && old) await update(nc, { ...old.config, subjects: [allSessionsFilter] }).catch(() => undefined)
      throw error
    }
  }
}

/** MS10: those that are missing, and those that an older version has made. `old`: as the stream is to be. */
async function makeMirrors(
  nc: NatsConnection,
  manager: JetStreamManager,
  old: StreamConfig,
  mirror: (name: string, index: number) => Partial<StreamConfig> & { name: string },
): Promise<void> {
  const there = await Promise.all(target.names.map((name) => streamInfo(manager, name)))
  const isRight = (info: StreamInfo | undefined): boolean => info !== undefined && info.config.mirror_direct !== true
  if (!there.every(isRight)) {
    await update(nc, { ...old, allow_direct: false })
    for (const [index, name] of target.names.entries()) {
      const info = there[index]
      if (!info) await manager.streams.add(mirror(name, index))
      else if (!isRight(info)) await update(nc, info.config)
    }
  }
  // Also where an earlier run was killed in between.
  await update(nc, old)
}

async function areMirrors(manager: JetStreamManager): Promise<boolean> {
  const infos = await Promise.all(target.names.map((name) => streamInfo(manager, name)))
  return infos.some((info) => info?.config.mirror !== undefined)
}

/** MS3. A leader that was elected meanwhile, and had not heard of it, may have taken an append behind the mark: then it is begun again. */
async function stillClosed(manager: JetStreamManager, marked: StreamInfo): Promise<void> {
  const now = await manager.streams.info(single)
  if (!isClosed(now) || now.state.last_seq !== marked.state.last_seq)
    throw new Error(`The stream ${single} has taken an append while it was closed. Start it again: it goes on.`)
}

/** Of streams that hold a mark each. */
async function framesIn(manager: JetStreamManager): Promise<number> {
  const infos = await Promise.all(target.names.map((name) => manager.streams.info(name)))
  return infos.reduce((sum, { state }) => sum + state.messages - 1, 0)
}

/** MS7. What does not follow the old stream yet may begin while it is copied. */
async function takenOutNow(manager: JetStreamManager): Promise<Readonly<Record<string, string>>> {
  const there = await allConsumers(manager, single)
  const floorOf = (durable: string): number => there.find(({ name }) => name === durable)?.ack_floor.stream_seq ?? 0
  return Object.fromEntries(takingOut.map((durable) => [takenOutBefore(durable), String(floorOf(durable))]))
}

/** undefined: it was done. */
function problemIn(reply: Msg): string | undefined {
  const { error } = fieldsOf(jsonValue(reply.string()))
  return error === undefined ? undefined : String(fieldsOf(error).description)
}

/** The client's own `update` keeps what is left out, and a mirror is promoted by leaving it out. */
async function update(nc: NatsConnection, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  const reply = await nc.request(streamUpdateSubject(config.name), JSON.stringify(config), { timeout: 15_000 })
  const problem = problemIn(reply)
  if (problem !== undefined) throw new Error(`nats-server did not change the stream ${config.name}: ${problem}`)
}

/** A node of a cluster may hear a moment later than the others that there is a stream for a subject. */
async function stored(nc: NatsConnection, subject: string): Promise<Msg> {
  const deadline = performance.now() + storeMs
  for (;;) {
    try {
      return await nc.request(subject, '', { timeout: storeMs })
    } catch (error) {
      const nobody = error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())
      if (!nobody || performance.now() > deadline) throw error
      await pause(lookSoonMs)
    }
  }
}

/** MS3. Whoever opened the stream again meanwhile (an older version) may have appended behind an earlier mark. */
async function mark(nc: NatsConnection, manager: JetStreamManager): Promise<void> {
  const { state } = await manager.streams.info(single)
  const last = await manager.streams.getMessage(single, { last_by_subj: movedMark })
  if (last && last.seq === state.last_seq) return
  const reply = await stored(nc, movedMark)
  const problem = problemIn(reply)
  if (problem !== undefined) throw new Error(`nats-server did not take the mark of the move: ${problem}`)
}

function mirrorOf(
  old: StreamInfo,
  name: string,
  of: { readonly index: number; readonly archived: boolean; readonly takenOut: Readonly<Record<string, string>> },
): Partial<StreamConfig> & { name: string } {
  const { num_replicas, deny_delete, deny_purge, max_consumers, storage } = old.config
  const parts = [...subjectsOfStream(4, of.index), movedMark]
  return {
    ...{ name, storage, num_replicas, allow_direct: true, max_consumers },
    deny_delete: deny_delete && !of.archived,
    deny_purge: deny_purge && !of.archived,
    mirror: { name: single, subject_transforms: parts.map((src) => ({ src, dest: '' })) },
    metadata: { [movedFrom]: old.created, ...of.takenOut },
  }
}

/** Resolves when the mirrors are nearly as far as the stream that goes on growing. */
async function copiedNearly(
  manager: JetStreamManager,
  { stuckMs, progress }: { readonly stuckMs: number; readonly progress: (copied: number, of: number) => void },
): Promise<void> {
  const watch = stuckWatch(stuckMs)
  for (;;) {
    const { state } = await manager.streams.info(single)
    const mirrors = await Promise.all(target.names.map((name) => manager.streams.info(name)))
    const sum = mirrors.reduce((all, { state }) => all + state.messages, 0)
    progress(Math.min(sum, state.messages), state.messages)
    if (sum + nearly >= state.messages) return
    watch(sum, state.messages)
    await pause(lookMs)
  }
}

/** Rejects where nothing has come for so long. */
function stuckWatch(stuckMs: number): (sum: number, of: number) => void {
  let before = -1
  let movedAt = performance.now()
  return (sum, of) => {
    if (sum !== before) movedAt = performance.now()
    before = sum
    if (performance.now() - movedAt > stuckMs)
      throw new Error(
        `Copying the sessions to several streams has made no progress for ${stuckMs / 1000} s (${sum} of ${of} messages). Start it again: it goes on.`,
      )
  }
}

/** Resolves when all mirrors have all: by the last sequence of each, and by the sum of their messages. */
async function copied(manager: JetStreamManager, old: StreamInfo, stuckMs: number): Promise<void> {
  const { last_seq: end, messages, subjects = {} } = old.state
  const marks = subjects[movedMark] ?? 0
  const watch = stuckWatch(stuckMs)
  for (;;) {
    const infos = await Promise.all(target.names.map((name) => manager.streams.info(name)))
    const sum = infos.reduce((all, { state }) => all + state.messages, 0)
    // A stream that is promoted was whole then, and may take frames by now.
    const mirrors = infos.filter(({ config }) => config.mirror !== undefined)
    if (mirrors.every(({ state }) => state.last_seq === end)) {
      const wanted = messages + marks * (target.names.length - 1)
      const isWhole = old.config.deny_purge ? sum === wanted : sum >= wanted // MS7
      if (mirrors.length === target.names.length && !isWhole)
        throw new Error(
          `The sessions were not copied whole: ${sum} messages of ${wanted}. They are where they were, in the stream ${single}.`,
        )
      return
    }
    watch(sum, messages)
    await pause(lookSoonMs)
  }
}

async function allConsumers(manager: JetStreamManager, stream: string): Promise<readonly ConsumerInfo[]> {
  const all: ConsumerInfo[] = []
  for await (const one of manager.consumers.list(stream)) all.push(one)
  return all
}

/** MS5. Those that are there already may begin earlier: what is delivered twice is recognised. */
async function makeAllDurables(manager: JetStreamManager): Promise<void> {
  const durables = await allConsumers(manager, single)
  await Promise.all(target.names.map((name) => makeDurables(manager, name, durables)))
}

async function makeDurables(manager: JetStreamManager, stream: string, durables: readonly ConsumerInfo[]) {
  const there = new Set((await allConsumers(manager, stream)).map(({ name }) => name))
  const { config: of } = await manager.streams.info(stream)
  for (const { config, ack_floor } of durables) {
    if (config.durable_name === undefined || there.has(config.durable_name)) continue
    const { name: _name, opt_start_time: _time, ...same } = config
    const floor = ack_floor.stream_seq
    const takenOut = of.metadata?.[takenOutBefore(config.durable_name)]
    const from = takenOut === undefined ? floor : Math.min(floor, Number(takenOut)) // MS7
    const start = { deliver_policy: 'by_start_sequence' as const, opt_start_seq: from + 1 }
    await manager.consumers.add(stream, { ...same, ...start })
  }
}

async function promote(nc: NatsConnection, manager: JetStreamManager, name: string, index: number): Promise<void> {
  const { mirror, ...config } = (await manager.streams.info(name)).config
  if (mirror === undefined) return
  const republish = { src: republishSource, dest: republishTarget }
  await update(nc, { ...config, subjects: [...subjectsOfStream(4, index)], republish })
}

/** MS6: a mirror of a part that becomes a stream of its own, with the sequences that it had. undefined: the server can do it. */
async function tryOut(nc: NatsConnection, manager: JetStreamManager): Promise<string | undefined> {
  const { from, to, all, part, other, closed } = scratchOfMove
  const remove = async (): Promise<void> => {
    for (const name of [to, from]) await manager.streams.delete(name).catch(() => undefined)
  }
  await remove()
  try {
    await manager.streams.add({ name: from, subjects: [all], storage: 'memory' })
    for (const subject of [part, other, part]) await stored(nc, subject)
    const mirror = { name: from, subject_transforms: [{ src: part, dest: '' }] }
    await manager.streams.add({ name: to, storage: 'memory', mirror })
    const deadline = performance.now() + 10_000
    while ((await manager.streams.info(to)).state.last_seq !== 3) {
      if (performance.now() > deadline) return 'this nats-server does not mirror a part of a stream'
      await pause(20)
    }
    await update(nc, { ...(await manager.streams.info(from)).config, subjects: [closed] })
    await manager.streams.delete(from)
    const { mirror: _gone, ...config } = (await manager.streams.info(to)).config
    await update(nc, { ...config, subjects: [part] })
    const { seq } = fieldsOf(jsonValue((await stored(nc, part)).string()))
    return seq === 4 ? undefined : 'this nats-server gives other sequences to a mirror that becomes a stream'
  } catch (error) {
    return `this nats-server cannot do it: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await remove()
  }
}
