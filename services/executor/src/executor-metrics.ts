// What operators watch of an executor.
import type { ModelCallError, SessionEvent, Usage } from '@reins/contracts'
import { bounded, type Metrics } from '@reins/telemetry'
import type { QuotaMetrics, QuotaState } from './quota/model-quotas.ts'

export interface ExecutorMetrics {
  readonly conflicts: { inc(): void }
  readonly takeovers: { inc(): void }
  readonly earlyDropped: { inc(): void }
  readonly forgotten: { inc(by?: number): void }
  readonly given: { inc(): void }
  readonly failures: { inc(): void }
  readonly uncovered: { inc(): void }
  readonly busy: { set(value: number): void }
  readonly calls: { set(value: number): void }
  readonly queued: { set(value: number): void }
  readonly queuedOldest: { set(value: number): void }
  readonly quotas: QuotaMetrics & { states(states: readonly QuotaState[]): void }
  slots(work: number, calls: number): void
  modelCall(model: string, outcome: 'completed' | 'failed', ms: number): void
  /** A trigger was given to this executor when it was so old. */
  delivered(ageMs: number): void
  /** What a trigger asked for is in the log, so long after the trigger was. */
  answered(ms: number): void
  /** What this executor has appended. `model`: of the session. */
  appended(session: string, model: string, events: readonly SessionEvent[], at: number): void
}

/** MT1 of the catalogue. */
const modelsKept = 100
const turnsKept = 10_000

export function executorMetrics(metrics: Metrics): ExecutorMetrics {
  const named = bounded(modelsKept)
  const calls = metrics.histogram('reins_model_call_seconds')
  const failed = metrics.counter('reins_model_call_failures_total')
  const throttled = metrics.counter('reins_model_calls_throttled_total')
  const tokens = metrics.counter('reins_tokens_total')
  const cost = metrics.counter('reins_model_cost_usd_total')
  const turns = metrics.histogram('reins_turn_seconds')
  const queue = metrics.histogram('reins_queue_seconds')
  const steps = metrics.histogram('reins_step_seconds')
  const workSlots = metrics.gauge('reins_executor_slots')
  const callSlots = metrics.gauge('reins_model_call_slots')
  const quotaWaits = metrics.histogram('reins_model_quota_wait_seconds')
  const quotaWaiting = metrics.gauge('reins_model_quota_waiting')
  const quotaClosed = metrics.gauge('reins_model_quota_closed_seconds')
  const quotaAlone = metrics.counter('reins_model_quota_own_share_total')
  /** Quotas that a gauge has shown: what is over is shown as 0 from then on. */
  const quotasShown = new Set<string>()
  /** Turns that this executor has begun: by session. */
  const begun = new Map<string, number>()

  const used = (model: string, usage: Usage | undefined, usd: number | undefined): void => {
    if (usage)
      for (const [kind, count] of kindsOf(usage)) if (count > 0) tokens.inc({ model: named(model), kind }, count)
    if (usd !== undefined) cost.inc({ model: named(model) }, usd)
  }
  const error = (model: string, { code }: ModelCallError): void => failed.inc({ model: named(model), code })
  const ended = (session: string, outcome: string, at: number): void => {
    const since = begun.get(session)
    if (since === undefined) return
    begun.delete(session)
    turns.observe({ outcome }, Math.max(0, at - since) / 1000)
  }

  return {
    conflicts: metrics.counter('reins_append_conflicts_total'),
    takeovers: metrics.counter('reins_takeovers_total'),
    earlyDropped: metrics.counter('reins_model_calls_dropped_total'),
    forgotten: metrics.counter('reins_triggers_forgotten_total'),
    given: metrics.counter('reins_triggers_given_total'),
    failures: metrics.counter('reins_executor_failures_total'),
    uncovered: metrics.counter('reins_sessions_uncovered_total'),
    busy: metrics.gauge('reins_executor_busy'),
    calls: metrics.gauge('reins_model_calls_in_flight'),
    queued: metrics.gauge('reins_sessions_queued'),
    queuedOldest: metrics.gauge('reins_sessions_queued_oldest_seconds'),
    quotas: {
      waited: (quota, ms) => quotaWaits.observe({ quota: named(quota) }, ms / 1000),
      ownShare: (quota) => quotaAlone.inc({ quota: named(quota) }),
      states(states) {
        const gone = new Set(quotasShown)
        for (const { quota, waiting, closedMs } of states) {
          const label = named(quota)
          quotasShown.add(label)
          gone.delete(label)
          quotaWaiting.set({ quota: label }, waiting)
          quotaClosed.set({ quota: label }, closedMs / 1000)
        }
        for (const label of gone) {
          quotaWaiting.set({ quota: label }, 0)
          quotaClosed.set({ quota: label }, 0)
        }
      },
    },
    slots(work, most) {
      workSlots.set(work)
      callSlots.set(most)
    },
    modelCall: (model, outcome, ms) => calls.observe({ model: named(model), outcome }, ms / 1000),
    delivered: (ageMs) => queue.observe(Math.max(0, ageMs) / 1000),
    answered: (ms) => steps.observe(Math.max(0, ms) / 1000),
    appended(session, model, events, at) {
      for (const event of events)
        switch (event.type) {
          case 'turn.started':
            if (begun.size < turnsKept) begun.set(session, at)
            break
          case 'turn.completed':
            ended(session, 'completed', at)
            break
          case 'turn.failed':
            ended(session, 'failed', at)
            break
          case 'turn.cancelled':
            ended(session, 'cancelled', at)
            break
          case 'model-call.completed':
          case 'context.compacted':
            used(model, event.data.usage, event.data.usd)
            break
          case 'model-call.failed':
          case 'context.compaction-failed':
            error(model, event.data.error)
            used(model, event.data.usage, undefined)
            break
          case 'model-call.throttled':
          case 'context.compaction-throttled':
            error(model, event.data.error)
            throttled.inc({ model: named(model) })
            break
        }
    },
  }
}

/** Each token is counted once: what was read from the provider's cache is no `input`. */
const kindsOf = (usage: Usage): readonly (readonly [kind: string, count: number])[] => [
  ['input', Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens)],
  ['cache_read', usage.cacheReadTokens],
  ['cache_write', usage.cacheWriteTokens],
  ['output', usage.outputTokens],
]
