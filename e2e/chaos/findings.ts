// What a run has come to, from the whole log, what clients were told, and the lines that tools left. Pure.
import { checkLog, restProblems } from '@reins/session'
import { bySession, type StoredFrame } from '../harness/stored-log.ts'
import type { Hit } from './faults.ts'
import type { Accepted } from './load.ts'

export interface Findings {
  readonly sessions: number
  readonly frames: number
  readonly turns: number
  readonly toolRuns: number
  readonly unknown: number
  /** Attempts that were taken over. */
  readonly takeovers: number
  /** Accepted and not in the log, or without an end. */
  readonly lost: readonly string[]
  /** Done twice though it may be done once only. */
  readonly repeated: readonly string[]
  readonly stuck: readonly string[]
  readonly violations: readonly string[]
  /** ms from a death to the next frame of each session in whose work it was, ascending. */
  readonly recoveries: readonly number[]
  /** Those of them that had one fault to get over: nothing else of its kind was hit meanwhile, nor the broker. */
  readonly undisturbed: readonly number[]
}

export interface Evidence {
  readonly frames: readonly StoredFrame[]
  readonly accepted: readonly Accepted[]
  /** `<session>/<call>` for each time that a tool ran. */
  readonly witnessed: readonly string[]
  readonly hits: readonly Hit[]
}

export function examine({ frames, accepted, witnessed, hits }: Evidence): Findings {
  const sessions = bySession(frames)
  const violations: string[] = []
  const stuck: string[] = []
  const lost: string[] = []
  const repeated = duplicates(witnessed).map((key) => `the tool call ${key} ran ${countIn(witnessed, key)} times`)
  const messages = new Map<string, ReadonlyMap<string, number>>()
  const counts = { turns: 0, unknown: 0, takeovers: 0 }
  const claimed = new Set<string>()
  const done = new Set<string>()
  for (const [id, stored] of sessions) {
    const checked = checkLog(id, stored)
    violations.push(...checked.problems)
    messages.set(id, checked.messages)
    stuck.push(...restProblems(id, stored))
    const received = stored.flatMap(({ frame }) =>
      frame.events.flatMap((event) => (event.type === 'message.received' ? [event.data.message] : [])),
    )
    for (const message of duplicates(received)) repeated.push(`${id}: message ${message} was taken in more than once`)
    for (const { frame } of stored)
      for (const event of frame.events) {
        if (event.type === 'turn.started') counts.turns++
        if (event.type === 'tool-call.outcome-unknown') counts.unknown++
        if (event.type === 'model-call.failed' && event.data.error.code === 'lost') counts.takeovers++
        if (event.type === 'tool-call.started') claimed.add(`${id}/${event.data.call}`)
        if (event.type === 'tool-call.completed' && event.data.status === 'ok') done.add(`${id}/${event.data.call}`)
      }
  }
  for (const { session, message } of accepted) {
    const ends = messages.get(session)?.get(message)
    if (ends === undefined) lost.push(`${session}: message ${message} was accepted, and is not in the log`)
  }
  for (const key of new Set(witnessed))
    if (!claimed.has(key)) violations.push(`the tool call ${key} ran without a claim in the log`)
  for (const key of oncesOf(frames))
    if (done.has(key) && !witnessed.includes(key))
      violations.push(`the tool call ${key} is told as done, and never ran`)
  return {
    sessions: sessions.size,
    frames: frames.length,
    turns: counts.turns,
    toolRuns: witnessed.length,
    unknown: counts.unknown,
    takeovers: counts.takeovers,
    lost,
    repeated,
    stuck,
    violations,
    ...recoveries(sessions, hits),
  }
}

const countIn = (all: readonly string[], one: string): number => all.filter((other) => other === one).length

function duplicates(all: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const one of all) {
    if (seen.has(one)) twice.add(one)
    seen.add(one)
  }
  return [...twice]
}

/** The calls that leave a line. */
function oncesOf(frames: readonly StoredFrame[]): readonly string[] {
  return frames.flatMap(({ session, frame }) =>
    frame.events.flatMap((event) =>
      event.type === 'tool-calls.requested'
        ? event.data.calls.flatMap(({ call, name }) => (name === 'shell' ? [`${session}/${call}`] : []))
        : [],
    ),
  )
}

/** What was hit shortly before may still be on its way back. */
const aftermathMs = 5000

/** For each process that died: the sessions in which it had something open, and how long until somebody went on. */
function recoveries(
  sessions: ReadonlyMap<string, readonly StoredFrame[]>,
  hits: readonly Hit[],
): Pick<Findings, 'recoveries' | 'undisturbed'> {
  const all: number[] = []
  const undisturbed: number[] = []
  for (const hit of hits) {
    const { kind, at, instance } = hit
    if (instance === undefined || (kind !== 'kill' && kind !== 'terminate')) continue
    for (const stored of sessions.values()) {
      const before = stored.filter(({ frame }) => frame.at <= at)
      const last = before.at(-1)?.frame
      if (!last || last.status === 'paused' || !hasOpen(before, instance)) continue
      const next = stored.find(({ frame }) => frame.at > at && frame.role !== 'g' && frame.by !== instance)
      if (!next) continue
      const ms = next.frame.at - at
      all.push(ms)
      if (!hits.some((other) => other !== hit && disturbs(other, instance, at - aftermathMs, at + ms)))
        undisturbed.push(ms)
    }
  }
  const ascending = (a: number, b: number): number => a - b
  return { recoveries: all.sort(ascending), undisturbed: undisturbed.sort(ascending) }
}

const broker: readonly Hit['kind'][] = ['nats-server kill', 'leader kill', 'node freeze', 'node replaced']
const serviceOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('-'))

/** Whether another fault, of a process of the same service or of the broker, falls into that time. */
const disturbs = (other: Hit, instance: string, from: number, to: number): boolean =>
  other.at >= from &&
  other.at <= to &&
  (broker.includes(other.kind) || (other.instance !== undefined && serviceOf(other.instance) === serviceOf(instance)))

/** Whether an attempt that this instance announced has no outcome yet. */
function hasOpen(stored: readonly StoredFrame[], instance: string): boolean {
  const open = new Set<string>()
  for (const { frame } of stored)
    for (const event of frame.events)
      switch (event.type) {
        case 'model-call.started':
        case 'tool-call.started':
          if (frame.by === instance) open.add(event.data.call)
          else open.delete(event.data.call)
          break
        case 'model-call.completed':
        case 'model-call.failed':
        case 'model-call.throttled':
        case 'tool-call.completed':
        case 'tool-call.outcome-unknown':
        case 'tool-call.cancelled':
          open.delete(event.data.call)
          break
        case 'turn.cancelled':
        case 'turn.failed':
          open.clear()
          break
        default:
          break
      }
  return open.size > 0
}
