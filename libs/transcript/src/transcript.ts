// What a person sees of a session: stream items in, pieces to show out. Pure; knows nothing of terminals.
//   T1. A character of an answer is given out once: deltas by their offset, and a completed call gives only what is missing.
//   T2. What belongs to an older attempt of a call is dropped; a newer attempt after shown text gives one `restarted`.
//   T3. Items may come again or with gaps (a reconnect): nothing repeats, and the completed event fills what was missed.
//   T4. `follow` is total: an event of an unknown type is one line, and changes nothing.
import type { AnswerRestarted, ApiDelta, SessionQueuedHint, StreamItem, ToolSlowHint } from '@reins/contracts'
import { knownEvent } from '#decode'
import { followEvent } from './transcript-events.ts'
import { hasShown, type Piece, type Transcript, type TranscriptChange } from './transcript-state.ts'

export function follow(transcript: Transcript, item: StreamItem): TranscriptChange {
  if (isDelta(item)) return onDelta(transcript, item.data)
  if (isRestart(item)) return onRestart(transcript, item.data.call, item.data.attempt)
  if (isQueued(item)) {
    const { ahead, throttled } = item.data
    return { transcript, pieces: [{ kind: 'queued', ahead, ...(throttled === undefined ? {} : { throttled }) }] }
  }
  if (isSlow(item)) return { transcript, pieces: [{ kind: 'slow', name: item.data.name }] }
  if (item.n < transcript.n || (item.n === transcript.n && item.i <= transcript.i)) return { transcript, pieces: [] }
  const seen = { ...transcript, n: item.n, i: item.i }
  const event = knownEvent(item)
  const change = event && followEvent(seen, event, item.at)
  if (change) return change
  const text = `${item.type} (this version of reins does not know what it means)`
  return { transcript: seen, pieces: [{ kind: 'notice', level: 'info', text }] }
}

export const isDelta = (item: StreamItem): item is ApiDelta => item.type === 'delta'
const isQueued = (item: StreamItem): item is SessionQueuedHint => item.type === 'session.queued'
const isSlow = (item: StreamItem): item is ToolSlowHint => item.type === 'tool.slow'
const isRestart = (item: StreamItem): item is AnswerRestarted => item.type === 'answer.restarted'

function onDelta(transcript: Transcript, delta: ApiDelta['data']): TranscriptChange {
  if (delta.kind === 'output') return { transcript: withOutput(transcript, delta), pieces: [] }
  const pieces: Piece[] = []
  let answer = transcript.answer
  if (!answer || answer.call !== delta.call) {
    // Without its model-call.started this is a delta from before the place where reading began, or of a call that is over.
    if (answer || !transcript.turn || transcript.done === delta.call) return { transcript, pieces }
    answer = { call: delta.call, attempt: delta.attempt, blocks: new Map() }
  }
  if (delta.attempt < answer.attempt) return { transcript, pieces }
  if (delta.attempt > answer.attempt) {
    if (hasShown(answer)) pieces.push({ kind: 'restarted' })
    answer = { call: delta.call, attempt: delta.attempt, blocks: new Map() }
  }
  const known = answer.blocks.get(delta.block)?.text ?? ''
  // A gap: the completed event brings the rest (T3).
  if (delta.offset > known.length) return { transcript: { ...transcript, answer }, pieces }
  const fresh = delta.text.slice(known.length - delta.offset)
  if (fresh !== '') {
    const block = { kind: delta.kind, text: known + fresh, ...(delta.tool === undefined ? {} : { tool: delta.tool }) }
    answer = { ...answer, blocks: new Map(answer.blocks).set(delta.block, block) }
    if (delta.kind !== 'arguments') pieces.push({ kind: delta.kind, text: fresh })
  }
  const { throttledUntil: _, ...rest } = transcript
  return { transcript: { ...rest, answer }, pieces }
}

function withOutput(transcript: Transcript, delta: ApiDelta['data']): Transcript {
  const tools = transcript.tools.map((tool) => {
    if (tool.call !== delta.call || delta.attempt < tool.attempt) return tool
    const { tail, seen } = delta.attempt > tool.attempt ? { tail: '', seen: 0 } : tool
    // What has come already is cut off (T3); a gap does not matter in a tail.
    const fresh = delta.text.slice(Math.max(0, seen - delta.offset))
    const end = Math.max(seen, delta.offset + delta.text.length)
    return { ...tool, attempt: delta.attempt, tail: (tail + fresh).slice(-2000), seen: end }
  })
  return { ...transcript, tools }
}

function onRestart(transcript: Transcript, call: string, attempt: number): TranscriptChange {
  const { answer } = transcript
  if (!answer || answer.call !== call || attempt < answer.attempt) return { transcript, pieces: [] }
  const pieces: Piece[] = hasShown(answer) ? [{ kind: 'restarted' }] : []
  return { transcript: { ...transcript, answer: { call, attempt, blocks: new Map() } }, pieces }
}
