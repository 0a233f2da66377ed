// What operators watch of an executor.
import type { Metrics } from '@reins/telemetry'

export interface ExecutorMetrics {
  readonly conflicts: { inc(): void }
  readonly takeovers: { inc(): void }
  readonly forgotten: { inc(by?: number): void }
  readonly given: { inc(): void }
  readonly failures: { inc(): void }
  readonly uncovered: { inc(): void }
  readonly busy: { set(value: number): void }
  readonly calls: { set(value: number): void }
  readonly queued: { set(value: number): void }
  readonly queuedOldest: { set(value: number): void }
  modelCall(outcome: 'completed' | 'failed', ms: number): void
  tokens(kind: 'input' | 'output', count: number): void
}

export function executorMetrics(metrics: Metrics): ExecutorMetrics {
  const calls = metrics.histogram('reins_model_call_seconds', 'Model calls by outcome', ['outcome'])
  const tokens = metrics.counter('reins_tokens_total', 'Tokens by kind', ['kind'])
  return {
    conflicts: metrics.counter(
      'reins_append_conflicts_total',
      'Appends that were refused because another writer was first',
    ),
    takeovers: metrics.counter('reins_takeovers_total', 'Model calls taken over from a process that is gone'),
    forgotten: metrics.counter(
      'reins_triggers_forgotten_total',
      'Triggers forgotten because another executor took the step over',
    ),
    given: metrics.counter(
      'reins_triggers_given_total',
      'Triggers given to another executor, which knows their session already',
    ),
    failures: metrics.counter(
      'reins_executor_failures_total',
      'Operations on a session that failed inside the executor',
    ),
    uncovered: metrics.counter(
      'reins_sessions_uncovered_total',
      'States that are neither at rest nor covered: always 0',
    ),
    busy: metrics.gauge('reins_executor_busy', 'Sessions that this executor holds or works on'),
    calls: metrics.gauge('reins_model_calls_in_flight', 'Model calls that this executor runs'),
    queued: metrics.gauge('reins_sessions_queued', 'Sessions that wait here for a slot for their model call'),
    queuedOldest: metrics.gauge('reins_sessions_queued_oldest_seconds', 'How long the first of them has waited'),
    modelCall: (outcome, ms) => calls.observe({ outcome }, ms / 1000),
    tokens: (kind, count) => tokens.inc({ kind }, count),
  }
}
