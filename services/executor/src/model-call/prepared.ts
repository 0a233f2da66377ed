// What an attempt is going to send, made before it is announced: the announcement of a call says its digest.
import { type CallSettings, type Prompt, promptOf, type Settings, summaryRequest } from '@reins/context'
import type { ModelFailed, ModelProvider, PriceOf } from '@reins/contracts'
import type { Models, Resolved } from '@reins/models'
import { type Announcement, contextOf, type Effect, type Session, summarySize, traceTo } from '@reins/session'
import type { SummaryCall } from './summary-caller.ts'

export type Prepared =
  | {
      readonly kind: 'ready'
      readonly provider: ModelProvider
      readonly model: string
      readonly prompt: Prompt
      /** The attempt's span. */
      readonly traceparent?: string | undefined
    }
  | ({ readonly kind: 'summary' } & SummaryCall)
  /** Nothing can be sent: the outcome of the attempt. */
  | { readonly kind: 'impossible'; readonly failure: ModelFailed }

/** What its announcement says; null: nothing can be sent. `session`: with what has begun. */
export function announcementOf(prepared: Prepared, session: Session, priceOf: PriceOf): Announcement | null {
  switch (prepared.kind) {
    case 'ready': {
      const { recipe } = prepared.prompt
      const size = { tokens: recipe.tokens, answer: recipe.answer }
      return { recipe, size, price: priceOf(session.born?.model ?? '') }
    }
    case 'summary': {
      const { system, text, maxTokens } = prepared.request
      return { size: summarySize([system, text], maxTokens), price: priceOf(contextOf(session).open?.model ?? '') }
    }
    case 'impossible':
      return null
    default:
      return prepared satisfies never
  }
}

/** Of what `session` has begun. */
export function prepare(
  models: Pick<Models, 'resolve'>,
  known: Settings,
  session: Session,
  { kind, call, attempt }: Effect,
): Prepared {
  if (kind === 'compact') return summaryOf(models, session)
  if (known.kind === 'unusable') return impossible('bad-request', known.why)
  const traceparent = traceTo(session, 'chat', call, attempt)
  return to(models.resolve(session.born?.model ?? ''), known.settings, session, traceparent)
}

function to(resolved: Resolved, settings: CallSettings, session: Session, traceparent: string | undefined): Prepared {
  if (resolved.kind !== 'ok') return unresolved(resolved)
  const { provider, model } = resolved
  const prompt = promptOf(session, settings, provider.contextWindow(model))
  return { kind: 'ready', provider, model, prompt, traceparent }
}

function summaryOf(models: Pick<Models, 'resolve'>, session: Session): Prepared {
  const { open } = contextOf(session)
  if (!open) return impossible('bad-request', 'Nothing is to be summarised.')
  const resolved = models.resolve(open.model)
  if (resolved.kind !== 'ok') return unresolved(resolved)
  const { provider, model } = resolved
  // What the session's own model has refused as too long is too long for a summary of it too.
  const { refused } = contextOf(session)
  const window = provider.contextWindow(model)
  const narrow = open.reason === 'overflow' && open.model === session.born?.model ? 0.5 : 1
  return {
    ...{ kind: 'summary', provider, model },
    request: summaryRequest(session, open, Math.floor(Math.min(window, refused ?? window) * narrow)),
  }
}

const unresolved = (resolved: Exclude<Resolved, { kind: 'ok' }>): Prepared =>
  impossible(resolved.kind === 'no-key' ? 'auth' : 'not-found', resolved.message)

const impossible = (code: ModelFailed['code'], message: string): Prepared => ({
  kind: 'impossible',
  failure: { type: 'failed', code, message },
})
