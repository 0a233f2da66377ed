// Of what is overwritten, every copy has to be there: the nodes that hold one, and the copies that a split has begun and not ended.
//   CP1. A node that comes back is told which messages are gone, and overwrites nothing where it is told so by a snapshot. So nothing is
//        overwritten while a node is away; and afterwards each node has to have heard of it.
//   CP2. A split's mirror does not hear of what leaves the stream that it copies. It is level with it before anything is looked for there, so
//        that what was under way is not stored behind the look.
import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, BrokerUnavailable, streamInfoSubject, streamNotFound } from '@reins/broker'
import { fieldsOf, jsonValue, type SessionStreams, sessionStreamsOf } from '@reins/contracts'

const levelWithinMs = 10_000
const lookMs = 100
const infoMs = 10_000
/** Whoever leads a stream hears each copy once a second. ns */
const heardLately = 4e9

/** Something is not overwritten as long as this is so. */
export class CopyAway extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'CopyAway'
  }
}

/** CP1. Rejects with CopyAway. */
export async function overwriteAll<T>(
  broker: Broker,
  streams: readonly string[],
  overwrite: () => Promise<T>,
  withinMs = levelWithinMs,
): Promise<T> {
  const before = await notLevel(broker, streams, withinMs)
  if (before.length > 0)
    throw new CopyAway(
      `${before.join(', ')}: away or behind. What is overwritten now would come back with it, so it is done when the node is back, or another has taken its place`,
    )
  const done = await overwrite()
  const after = await notLevel(broker, streams, withinMs)
  if (after.length > 0)
    throw new CopyAway(
      `${after.join(', ')}: has not heard in time of what was overwritten. If the node is away, empty its folder before it comes back`,
    )
  return done
}

/** Each copy that was not seen to have all that its stream has now. */
async function notLevel(broker: Broker, streams: readonly string[], withinMs: number): Promise<readonly string[]> {
  const found = await Promise.all(streams.map((stream) => copiesBehind(broker, stream, withinMs)))
  return found.flat()
}

async function copiesBehind(broker: Broker, stream: string, withinMs: number): Promise<readonly string[]> {
  const level = new Set<string>()
  let begunAt: number | undefined
  for (const deadline = performance.now() + withinMs; ; await pause(lookMs)) {
    const info = await infoOf(broker, stream)
    const end = Number(fieldsOf(info?.state).last_seq ?? 0)
    begunAt ??= end
    // A copy that lags by no more than was appended since has what was there then.
    const since = Math.max(0, end - begunAt)
    const { replicas } = fieldsOf(info?.cluster)
    const copies = (Array.isArray(replicas) ? replicas : []).map(fieldsOf)
    for (const copy of copies) if (isLevel(copy, since)) level.add(String(copy.name))
    const all = Number(fieldsOf(info?.config).num_replicas ?? 1) - 1
    if (info && copies.length >= all && copies.every(({ name }) => level.has(String(name)))) return []
    if (performance.now() < deadline) continue
    const behind = copies.map(({ name }) => String(name)).filter((name) => !level.has(name))
    return (behind.length > 0 ? behind : ['a copy']).map((node) => `${node} (${stream})`)
  }
}

const isLevel = ({ current, offline, lag = 0, active = 0 }: Readonly<Record<string, unknown>>, since: number) =>
  current === true && offline !== true && Number(lag) <= since && Number(active) < heardLately

/** The stream that a split has begun to copy a session into; undefined: no split has begun, or it has ended. Rejects with CopyAway (CP2). */
export async function copyOfSplit(
  broker: Broker,
  streams: SessionStreams,
  session: string,
): Promise<string | undefined> {
  const copy = sessionStreamsOf(4).of(session)
  if (streams.names.includes(copy)) return undefined
  for (const deadline = performance.now() + levelWithinMs; ; await pause(lookMs)) {
    const info = await infoOf(broker, copy)
    if (!info) return undefined
    const { mirror } = fieldsOf(info.config)
    if (mirror === undefined || fieldsOf(info.mirror).lag === 0) return copy
    if (performance.now() > deadline)
      throw new CopyAway(
        `${copy}, which a split has begun, has not copied all yet. If "reins streams split" does not run any more, run it again: it goes on where it was`,
      )
  }
}

/** undefined: there is no such stream. */
async function infoOf(broker: Broker, stream: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const outcome = await broker.request(streamInfoSubject(stream), '', { withinMs: infoMs })
  if (outcome.kind !== 'reply') throw new BrokerUnavailable(`asking for ${stream}`)
  const { error, ...info } = fieldsOf(jsonValue(outcome.msg.string()))
  if (error === undefined) return info
  const { err_code: code, description } = fieldsOf(error)
  if (code === streamNotFound) return undefined
  throw new Error(`the broker does not describe ${stream}: ${description}`)
}
