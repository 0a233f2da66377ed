// What the index keeps of what was used: a row for each turn that has asked a model for something, and one for each session's summaries
// between its turns. Pure.
//   UR1. A row is a sum, so each frame is counted once: the checkpoint of the index sees to it.
import { addUsd, everyEvent, type Frame, maySay, type Reserved, type SessionEvent, type Usage } from '@reins/contracts'
import type { Owner } from '../session-row.ts'

export interface UsageCounts {
  readonly model_calls: number
  readonly tool_calls: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
  readonly usd: number
  readonly unpriced_tokens: number
  readonly charged_tokens: number
  readonly charged_usd: number
}

export interface UsageRow extends UsageCounts {
  /** session/turn */
  readonly id: string
  readonly session: string
  readonly root: string
  readonly turn: string
  readonly agent: string
  readonly principal: string
  readonly model: string
  /** epoch ms: when it began to use something */
  readonly at: number
  readonly last_seq: number
}

/** Of the session, as its row has it. */
export interface UsedBy {
  readonly agent: string
  readonly principal: string
  readonly model: string
}

const none: UsageCounts = {
  ...{ model_calls: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 },
  ...{ reasoning_tokens: 0, usd: 0, unpriced_tokens: 0, charged_tokens: 0, charged_usd: 0 },
}

export interface FrameUsage {
  /** What it adds, by the turn. */
  readonly used: ReadonlyMap<string, UsageCounts>
  /** Turns that begin in it. */
  readonly begun: readonly string[]
  /** The turn that is open behind it; '': none. */
  readonly turn: string
}

/** Of one frame. `turn`: the one that is open before it. */
export function usageIn(frame: Frame, turn: string): FrameUsage {
  const used = new Map<string, UsageCounts>()
  const begun: string[] = []
  let open = turn
  for (const event of everyEvent(frame)) {
    if (event.type === '?' || !maySay(frame.role, event.type)) continue
    if (event.type === 'turn.started') {
      open = event.data.turn
      begun.push(open)
    }
    const counts = countsOf(event)
    if (counts) used.set(open, sum(used.get(open) ?? none, counts))
    if (ends.has(event.type)) open = ''
  }
  return { used, begun, turn: open }
}

const ends: ReadonlySet<string> = new Set(['turn.completed', 'turn.failed', 'turn.cancelled', 'session.ended'])

export const usageId = ({ session }: Owner, turn: string): string => `${session}/${turn}`

export function addTo(
  row: UsageRow | undefined,
  owner: Owner,
  turn: string,
  by: UsedBy,
  counts: UsageCounts,
  frame: Frame,
): UsageRow {
  const { session, root } = owner
  const base = row ?? {
    ...{ id: usageId(owner, turn), session, root, turn, ...by, ...none },
    ...{ at: Number.isSafeInteger(frame.at) && frame.at > 0 ? frame.at : 0, last_seq: 0 },
  }
  return { ...base, ...sum(base, counts), last_seq: frame.seq }
}

function countsOf(event: SessionEvent): UsageCounts | null {
  switch (event.type) {
    case 'model-call.completed': {
      const { usage, usd, content } = event.data
      return { ...answer(usage, usd), tool_calls: content.filter(({ type }) => type === 'tool-call').length }
    }
    case 'context.compacted':
      return event.data.usage ? answer(event.data.usage, event.data.usd) : null
    case 'model-call.failed':
    case 'model-call.throttled':
    case 'context.compaction-failed':
    case 'context.compaction-throttled':
      return event.data.charged ? charged(event.data.charged) : null
    default:
      return null
  }
}

const answer = (usage: Usage, usd: number | undefined): UsageCounts => ({
  ...none,
  model_calls: 1,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  cache_read_tokens: usage.cacheReadTokens,
  cache_write_tokens: usage.cacheWriteTokens,
  reasoning_tokens: usage.reasoningTokens,
  usd: usd ?? 0,
  unpriced_tokens: usd === undefined ? usage.inputTokens + usage.outputTokens : 0,
})

const charged = ({ tokens, usd = 0 }: Reserved): UsageCounts => ({ ...none, charged_tokens: tokens, charged_usd: usd })

/** Postgres takes 64 bits. */
const plus = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

const sum = (a: UsageCounts, b: UsageCounts): UsageCounts => ({
  model_calls: plus(a.model_calls, b.model_calls),
  tool_calls: plus(a.tool_calls, b.tool_calls),
  input_tokens: plus(a.input_tokens, b.input_tokens),
  output_tokens: plus(a.output_tokens, b.output_tokens),
  cache_read_tokens: plus(a.cache_read_tokens, b.cache_read_tokens),
  cache_write_tokens: plus(a.cache_write_tokens, b.cache_write_tokens),
  reasoning_tokens: plus(a.reasoning_tokens, b.reasoning_tokens),
  usd: addUsd(a.usd, b.usd),
  unpriced_tokens: plus(a.unpriced_tokens, b.unpriced_tokens),
  charged_tokens: plus(a.charged_tokens, b.charged_tokens),
  charged_usd: addUsd(a.charged_usd, b.charged_usd),
})
