// What an attempt to summarise has come to, as events: a compaction, another attempt when a timer fires, or its failure.
import type { ModelFailed, SessionEvent, Usage } from '@reins/contracts'
import { failureEvents, type RetryPolicy } from '../model-call/retries.ts'
import type { Session } from '../session.ts'
import { pinRules } from '../slices.ts'
import { keepingOf } from './compaction-due.ts'
import { contextOf } from './context.ts'
import { pinned } from './pinned.ts'

export type SummaryOutcome =
  | { readonly kind: 'completed'; readonly text: string; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly failure: ModelFailed }

/** A summary that is late helps nobody: what cannot be had soon is done without. */
const mostThrottles = 2
const mostChars = 60_000

export function compactionEvents(
  session: Session,
  { call, attempt }: { readonly call: string; readonly attempt: number },
  outcome: SummaryOutcome,
  at: { readonly now: number; readonly random: number },
  policy: RetryPolicy,
): readonly SessionEvent[] {
  const { open } = contextOf(session)
  if (!open) return []
  const { throttles, from, to } = open
  const of = { compaction: call, attempt }
  if (outcome.kind === 'completed' && outcome.text.trim() !== '') {
    const { text, usage } = outcome
    const pins = pinned(session, pinRules)
    const kept = { ...(pins.length > 0 ? { pins: [...pins] } : {}), ...keepingOf(session, to) }
    const summary = text.trim().slice(0, mostChars).toWellFormed()
    return [{ type: 'context.compacted', data: { ...of, from, to, how: 'summary', summary, ...kept, usage } }]
  }
  const failure: ModelFailed =
    outcome.kind === 'failed'
      ? outcome.failure
      : { type: 'failed', code: 'bad-request', message: 'The model gave no summary.' }
  const maxThrottles = Math.min(policy.maxThrottles, mostThrottles)
  return failureEvents({ call, attempt, throttles }, failure, '', at, { ...policy, maxThrottles }).map(
    (event): SessionEvent => {
      if (event.type === 'model-call.failed')
        return { type: 'context.compaction-failed', data: { ...of, error: event.data.error, ...usageIn(event.data) } }
      if (event.type !== 'model-call.throttled') return event
      const { error, timer, until } = event.data
      return { type: 'context.compaction-throttled', data: { ...of, error, timer, until, ...usageIn(event.data) } }
    },
  )
}

const usageIn = ({ usage }: { readonly usage?: Usage }) => (usage === undefined ? {} : { usage })
