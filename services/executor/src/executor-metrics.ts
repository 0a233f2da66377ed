// What operators watch of an executor.
import type { Metrics } from '@reins/telemetry'

export interface ExecutorMetrics {
  readonly conflicts: { inc(): void }
  readonly takeovers: { inc(): void }
  readonly forgotten: { inc(by?: number): void }
  readonly failures: { inc(): void }
  readonly uncovered: { inc(): void }
  readonly busy: { set(value: number): void }
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
    failures: metrics.counter(
      'reins_executor_failures_total',
      'Operations on a session that failed inside the executor',
    ),
    uncovered: metrics.counter(
      'reins_sessions_uncovered_total',
      'States that are neither at rest nor covered: always 0',
    ),
    busy: metrics.gauge('reins_executor_busy', 'Sessions that this executor holds or works on'),
    modelCall: (outcome, ms) => calls.observe({ outcome }, ms / 1000),
    tokens: (kind, count) => tokens.inc({ kind }, count),
  }
}
