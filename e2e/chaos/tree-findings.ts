// What a run has come to for sessions that delegate and for contexts that fill, from the whole log. Pure.
//   TF1. A delegation that was told as completed or failed is what its child came to; a child that came to an end told it.
//   TF2. A child whose delegation was cancelled has ended before, or was told to end: nobody works on for a parent that does not wait.
//   TF3. A tree has no more sessions than its root may give away.
//   TF4. What a model is sent fits the window that its definition names. What people said since the newest answer is sent as they said
//        it: where that alone is too much, the outputs of tools are cut (`prompt.cut`), and the model may refuse it.
//   TF5. All sessions of a tree together use no more tokens than its root's budget has: as the answers say it, and what was charged where
//        nobody knows what was used.
import type { EventData, SessionEvent } from '@reins/contracts'
import { isChild, rootOf } from '@reins/contracts'
import { bySession, type StoredFrame } from '../harness/stored-log.ts'

export interface TreeFindings {
  readonly violations: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

const counted = [
  'delegation.requested',
  'delegation.settled',
  'delegation.cancel-requested',
  'context.pruned',
  'context.compaction-started',
  'context.compacted',
  'plan.updated',
  'budget.reached',
] as const satisfies readonly SessionEvent['type'][]

/** `most`: sessions of a tree, its root counted. */
export function examineTrees(frames: readonly StoredFrame[], most: number): TreeFindings {
  const logs = new Map(
    [...bySession(frames)].map(([id, stored]) => [id, stored.flatMap(({ frame }) => frame.events)] as const),
  )
  const violations = [...logs].flatMap(([id, events]) => [
    ...events.flatMap((event) => (event.type === 'delegation.settled' ? settledWrong(id, event.data, logs) : [])),
    ...windowWrong(id, events),
  ])
  const sizes = new Map<string, number>()
  for (const id of logs.keys()) sizes.set(rootOf(id), (sizes.get(rootOf(id)) ?? 0) + 1)
  for (const [root, size] of sizes)
    if (size > most) violations.push(`${root}: its tree has ${size} sessions, of ${most}`)
  violations.push(...overspent(logs))
  const types = [...logs.values()].flat().map(({ type }) => type)
  const deepest = Math.max(0, ...[...logs.keys()].filter(isChild).map((id) => depthOf(id, logs)))
  return {
    violations,
    counts: {
      ...{ 'largest tree': Math.max(0, ...sizes.values()), 'deepest level': deepest },
      ...Object.fromEntries(counted.map((type) => [type, types.filter((other) => other === type).length])),
    },
  }
}

type Logs = ReadonlyMap<string, readonly SessionEvent[]>

function depthOf(id: string, logs: Logs): number {
  const started = logs.get(id)?.find(({ type }) => type === 'session.started')
  const above = started?.type === 'session.started' ? started.data.parent?.session : undefined
  return above === undefined ? 0 : 1 + depthOf(above, logs)
}

const ends = { 'turn.completed': 'completed', 'turn.failed': 'failed', 'turn.cancelled': 'cancelled' } as const

function settledWrong(id: string, { child, status }: EventData<'delegation.settled'>, logs: Logs): readonly string[] {
  const below = logs.get(child) ?? []
  const came = below.flatMap(({ type }) => (type in ends ? [ends[type as keyof typeof ends]] : []))
  const told = below.some(({ type }) => type === 'cancel.requested')
  if (status !== 'cancelled') {
    if (came.includes(status) || (status === 'failed' && came.includes('cancelled'))) return []
    return [`${id}: ${child} is told as ${status}, and came to ${came.join(', ') || 'nothing'}`]
  }
  if (told || came.length > 0) return []
  return [`${id}: the delegation to ${child} was cancelled, and nobody told it to end`]
}

function windowWrong(id: string, events: readonly SessionEvent[]): readonly string[] {
  const declared = events.find(({ type }) => type === 'context.declared')
  const window = declared?.type === 'context.declared' ? declared.data.window : undefined
  if (window === undefined) return []
  return events.flatMap((event) =>
    event.type === 'model-call.started' && tooMuch(event.data.prompt, window)
      ? [`${id}: the call ${event.data.call} sends ${event.data.prompt?.tokens} tokens, and the window has ${window}`]
      : [],
  )
}

const tooMuch = (prompt: EventData<'model-call.started'>['prompt'], window: number): boolean =>
  prompt !== undefined && prompt.tokens > window && prompt.cut === undefined

/** TF5. */
function overspent(logs: Logs): readonly string[] {
  const used = new Map<string, number>()
  for (const [id, events] of logs) used.set(rootOf(id), (used.get(rootOf(id)) ?? 0) + tokensOf(events))
  return [...used].flatMap(([root, tokens]) => {
    const declared = logs.get(root)?.find(({ type }) => type === 'budget.declared')
    const limit = declared?.type === 'budget.declared' ? declared.data.tokens : undefined
    return limit !== undefined && tokens > limit ? [`${root}: its tree used ${tokens} tokens, of ${limit}`] : []
  })
}

/** By its own calls. */
const tokensOf = (events: readonly SessionEvent[]): number =>
  events.reduce((sum, { type, data }) => {
    switch (type) {
      case 'model-call.completed':
        return sum + data.usage.inputTokens + data.usage.outputTokens
      case 'context.compacted':
        return sum + (data.usage ? data.usage.inputTokens + data.usage.outputTokens : 0)
      case 'model-call.failed':
      case 'model-call.throttled':
      case 'context.compaction-failed':
      case 'context.compaction-throttled':
        return sum + (data.charged?.tokens ?? 0)
      default:
        return sum
    }
  }, 0)
