// Moves the sessions of an older data folder from their one stream to several: once, at the start, before any service runs.
//   MS1. Wherever it is killed, the next start goes on: what the broker has says how far it is. The one stream is deleted last.
//   MS2. Every frame keeps its sequence: the new streams begin as mirrors of parts of the old one. So heads, cursors, floors, snapshots
//        and checkpoints stay true.
//   MS3. A mark is the last message of the old stream, and of each of the new ones. So no sequence that anybody has seen lies behind the
//        end of a stream, and what is appended later lies behind all of them.
//   MS4. First the old stream is closed: from then on it takes the mark alone. So nothing can be appended that a mirror does not get.
//   MS5. Durables are made anew on each stream, from what was acknowledged. What is delivered twice is recognised, as ever.
//   MS6. What the server cannot do is found out on scratch streams, and what was not copied whole is not promoted.
import { setTimeout as pause } from 'node:timers/promises'
import {
  type ConsumerInfo,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import {
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
} from '@reins/contracts'

export type MoveOutcome =
  | { readonly kind: 'nothing-to-move' }
  | { readonly kind: 'moved'; readonly frames: number }
  /** They stay in their one stream, which works as ever. */
  | { readonly kind: 'stays'; readonly why: string }

export interface MoveOptions {
  /** Bytes that the disk has room for. */
  readonly room: number
  /** Whether frames may be taken out of the streams that the sessions are moved to. Default: as it was. */
  readonly archived?: boolean
  /** Called between two steps: tests end the process here. */
  readonly step?: (name: MoveStep) => Promise<void>
  /** ms without progress after which it gives up; the next start goes on. Default 60 000. */
  readonly stuckMs?: number
}

export const moveSteps = ['closed', 'marked', 'mirrored', 'copied', 'durables', 'promoted-one', 'promoted'] as const
export type MoveStep = (typeof moveSteps)[number]

const [single = ''] = sessionStreamsOf(1).names
const target = sessionStreamsOf(4)
const lookMs = 100
/** The copy, and what is written meanwhile. */
const roomShare = 1.25

/** `nc`: of the user that may do it. Rejects where something is in its way; the next start goes on. */
export async function moveSessions(nc: NatsConnection, options: MoveOptions): Promise<MoveOutcome> {
  const manager = await jetstreamManager(nc, { checkAPI: false, timeout: 15_000 })
  const { step = async () => undefined, stuckMs = 60_000 } = options
  const found = await infoOf(manager, single)
  if (!found) return { kind: 'nothing-to-move' }
  if (!isClosed(found)) {
    if (found.state.bytes * roomShare > options.room)
      return { kind: 'stays', why: `the disk has no room for a copy of ${found.state.bytes} bytes` }
    const obstacle = await tryOut(nc, manager) // MS6
    if (obstacle !== undefined) return { kind: 'stays', why: obstacle }
    await update(nc, { ...found.config, subjects: [movedMark] }) // MS4
    await step('closed')
  }
  await mark(nc, manager)
  await step('marked')
  const old = await manager.streams.info(single, { subjects_filter: movedMark })
  for (const [index, name] of target.names.entries())
    if (!(await infoOf(manager, name))) await manager.streams.add(mirrorOf(old, name, index, options.archived ?? false))
  await step('mirrored')
  await copied(manager, old, stuckMs)
  await step('copied')
  const durables = await allConsumers(manager, single)
  for (const name of target.names) await makeDurables(manager, name, durables)
  await step('durables')
  for (const [index, name] of target.names.entries()) {
    await promote(nc, manager, name, index)
    if (index === 0) await step('promoted-one')
  }
  await step('promoted')
  await manager.streams.delete(single)
  const { messages, subjects = {} } = old.state
  return { kind: 'moved', frames: messages - (subjects[movedMark] ?? 0) }
}

const isClosed = ({ config }: StreamInfo): boolean => config.subjects.every((subject) => subject === movedMark)

async function infoOf(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === 10059) return undefined
    throw error
  }
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

/** MS3. Whoever opened the stream again meanwhile (an older version) may have appended behind an earlier mark. */
async function mark(nc: NatsConnection, manager: JetStreamManager): Promise<void> {
  const { state } = await manager.streams.info(single)
  const last = await manager.streams.getMessage(single, { last_by_subj: movedMark })
  if (last && last.seq === state.last_seq) return
  const reply = await nc.request(movedMark, '', { timeout: 15_000 })
  const problem = problemIn(reply)
  if (problem !== undefined) throw new Error(`nats-server did not take the mark of the move: ${problem}`)
}

function mirrorOf(
  old: StreamInfo,
  name: string,
  index: number,
  archived: boolean,
): Partial<StreamConfig> & { name: string } {
  const { num_replicas, allow_direct, deny_delete, deny_purge, max_consumers, storage } = old.config
  const parts = [...subjectsOfStream(4, index), movedMark]
  return {
    ...{ name, storage, num_replicas, allow_direct, max_consumers },
    deny_delete: deny_delete && !archived,
    deny_purge: deny_purge && !archived,
    mirror: { name: single, subject_transforms: parts.map((src) => ({ src, dest: '' })) },
    metadata: { [movedFrom]: old.created },
  }
}

/** Resolves when all mirrors have all: by the last sequence of each, and by the sum of their messages. */
async function copied(manager: JetStreamManager, old: StreamInfo, stuckMs: number): Promise<void> {
  const { last_seq: end, messages, subjects = {} } = old.state
  const marks = subjects[movedMark] ?? 0
  let before = -1
  let movedAt = performance.now()
  for (;;) {
    const infos = await Promise.all(target.names.map((name) => manager.streams.info(name)))
    const sum = infos.reduce((all, { state }) => all + state.messages, 0)
    // A stream that is promoted was whole then, and may take frames by now.
    const mirrors = infos.filter(({ config }) => config.mirror !== undefined)
    if (mirrors.every(({ state }) => state.last_seq === end)) {
      const wanted = messages + marks * (target.names.length - 1)
      if (mirrors.length === target.names.length && sum !== wanted)
        throw new Error(
          `The sessions were not copied whole: ${sum} messages of ${wanted}. They are where they were, in the stream ${single}.`,
        )
      return
    }
    if (sum !== before) movedAt = performance.now()
    before = sum
    if (performance.now() - movedAt > stuckMs)
      throw new Error(
        `Copying the sessions to several streams has made no progress for ${stuckMs / 1000} s (${sum} of ${messages} messages). Start Reins again: it goes on.`,
      )
    await pause(lookMs)
  }
}

async function allConsumers(manager: JetStreamManager, stream: string): Promise<readonly ConsumerInfo[]> {
  const all: ConsumerInfo[] = []
  for await (const one of manager.consumers.list(stream)) all.push(one)
  return all
}

/** MS5. */
async function makeDurables(manager: JetStreamManager, stream: string, durables: readonly ConsumerInfo[]) {
  const there = new Set((await allConsumers(manager, stream)).map(({ name }) => name))
  for (const { config, ack_floor } of durables) {
    if (config.durable_name === undefined || there.has(config.durable_name)) continue
    const { name: _name, opt_start_time: _time, ...same } = config
    const start = { deliver_policy: 'by_start_sequence' as const, opt_start_seq: ack_floor.stream_seq + 1 }
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
    for (const subject of [part, other, part]) await nc.request(subject, '', { timeout: 5000 })
    const mirror = { name: from, subject_transforms: [{ src: part, dest: '' }] }
    await manager.streams.add({ name: to, storage: 'memory', mirror })
    const deadline = performance.now() + 10_000
    while ((await manager.streams.info(to)).state.last_seq !== 3) {
      if (performance.now() > deadline) return 'this nats-server does not mirror a part of a stream'
      await pause(20)
    }
    await update(nc, { ...(await manager.streams.info(from)).config, subjects: [closed] })
    const { mirror: _gone, ...config } = (await manager.streams.info(to)).config
    await update(nc, { ...config, subjects: [part] })
    const { seq } = fieldsOf(jsonValue((await nc.request(part, '', { timeout: 5000 })).string()))
    return seq === 4 ? undefined : 'this nats-server gives other sequences to a mirror that becomes a stream'
  } catch (error) {
    return `this nats-server cannot do it: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await remove()
  }
}
