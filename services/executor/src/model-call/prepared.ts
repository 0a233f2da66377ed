// What an attempt is going to send, made before it is announced: the announcement of a call says its digest.
import { type CallSettings, type Prompt, promptOf, type Settings, summaryRequest } from '@reins/context'
import type { ModelFailed, ModelProvider } from '@reins/contracts'
import type { Models, Resolved } from '@reins/models'
import { contextOf, type Effect, type Session } from '@reins/session'
import type { SummaryCall } from './summary-caller.ts'

export type Prepared =
  | { readonly kind: 'ready'; readonly provider: ModelProvider; readonly model: string; readonly prompt: Prompt }
  | ({ readonly kind: 'summary' } & SummaryCall)
  /** Nothing can be sent: the outcome of the attempt. */
  | { readonly kind: 'impossible'; readonly failure: ModelFailed }

/** Of what `session` has begun. */
export function prepare(
  models: Pick<Models, 'resolve'>,
  known: Settings,
  session: Session,
  { kind }: Pick<Effect, 'kind'>,
): Prepared {
  if (kind === 'compact') return summaryOf(models, session)
  if (known.kind === 'unusable') return impossible('bad-request', known.why)
  return to(models.resolve(session.born?.model ?? ''), known.settings, session)
}

function to(resolved: Resolved, settings: CallSettings, session: Session): Prepared {
  if (resolved.kind !== 'ok') return unresolved(resolved)
  const { provider, model } = resolved
  return { kind: 'ready', provider, model, prompt: promptOf(session, settings, provider.contextWindow(model)) }
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
