// What a failed attempt becomes: another attempt when a timer fires, or the failure of the call. Pure.
import type { ModelFailed, SessionEvent } from '@reins/contracts'

export interface RetryPolicy {
  /** Attempts that may be put off by errors before the call fails. */
  readonly maxThrottles: number
  readonly baseMs: number
  readonly maxMs: number
}

export const defaultRetryPolicy: RetryPolicy = { maxThrottles: 6, baseMs: 500, maxMs: 60_000 }

const retryable = new Set<ModelFailed['code']>(['rate-limited', 'overloaded', 'network'])

export function failureEvents(
  attempt: { readonly call: string; readonly attempt: number; readonly throttles: number },
  failure: ModelFailed,
  partial: string,
  at: { readonly now: number; readonly random: number },
  policy: RetryPolicy,
): readonly SessionEvent[] {
  const error = { code: failure.code, message: failure.message }
  const { call } = attempt
  const usage = failure.usage === undefined ? {} : { usage: failure.usage }
  // The provider's adapter may know better than the code says how often another attempt can help.
  const retries = failure.retries ?? (retryable.has(failure.code) ? policy.maxThrottles : 0)
  if (attempt.throttles >= Math.min(retries, policy.maxThrottles))
    return [
      {
        type: 'model-call.failed',
        data: { call, attempt: attempt.attempt, error, ...usage, ...(partial ? { partial } : {}) },
      },
    ]
  const backoff = Math.min(policy.baseMs * 2 ** attempt.throttles, policy.maxMs)
  // What the provider asked for is waited for in full; jitter only ever adds.
  const wait = Math.max(failure.retryAfterMs ?? 0, backoff) * (1 + at.random * 0.2)
  const until = Math.ceil(at.now + wait)
  const timer = `${call}-${attempt.attempt}`
  return [
    { type: 'model-call.throttled', data: { call, attempt: attempt.attempt, error, timer, until, ...usage } },
    { type: 'timer.armed', data: { timer, at: until } },
  ]
}

/** An answer that no frame can hold is a failure of its call, like any other. */
export const tooLarge = (
  { call, attempt }: { readonly call: string; readonly attempt: number },
  error: RangeError,
): SessionEvent => ({
  type: 'model-call.failed',
  data: {
    call,
    attempt,
    error: { code: 'bad-request', message: `The answer is too large to be recorded: ${error.message}.` },
  },
})

/** Whether that is what has been said already: it fits into any frame, so there is nothing left to say. */
export const isTooLarge = ([first]: readonly SessionEvent[]): boolean =>
  first?.type === 'model-call.failed' || (first?.type === 'run.ended' && first.data.status === 'failed')
