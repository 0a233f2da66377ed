// What the calls of a session count against at their provider, and what a provider says of that in its outcomes.
import { contextOf, type Effect, type Session } from '@reins/session'
import type { ModelQuota, Models } from '@reins/models'
import type { ModelQuotas } from '../quota/model-quotas.ts'
import type { CallOutcome } from './model-caller.ts'

/** undefined: it asks no provider outside this process. */
export function quotaOfEffect(
  models: Pick<Models, 'quotaOf'>,
  session: Session,
  { kind }: Pick<Effect, 'kind'>,
): ModelQuota | undefined {
  switch (kind) {
    case 'call-model':
      return models.quotaOf(session.born?.model ?? '')
    case 'compact':
      return models.quotaOf(contextOf(session).open?.model ?? '')
    case 'replay-run':
      return undefined
    default:
      return kind satisfies never
  }
}

/** Tells all executors of a refusal, and of what was used. */
export function noteOutcome(
  {
    models,
    quotas,
  }: { readonly models: Pick<Models, 'quotaOf'>; readonly quotas: Pick<ModelQuotas, 'refused' | 'spent'> },
  session: Session,
  effect: Pick<Effect, 'kind'>,
  outcome: CallOutcome,
): void {
  const quota = quotaOfEffect(models, session, effect)
  if (!quota) return
  if (outcome.kind === 'failed') {
    const { code, retryAfterMs, retries } = outcome.failure
    // What no wait makes better (no credit is left) says nothing about others' next calls.
    const waits = code === 'rate-limited' || (code === 'overloaded' && retryAfterMs !== undefined)
    if (waits && retries !== 0) quotas.refused(quota, retryAfterMs ?? 0)
    return
  }
  const usage =
    outcome.kind === 'completed' ? outcome.event.data.usage : outcome.kind === 'summarised' ? outcome.usage : undefined
  if (usage) quotas.spent(quota, Math.max(0, usage.inputTokens - usage.cacheReadTokens) + usage.outputTokens)
}
