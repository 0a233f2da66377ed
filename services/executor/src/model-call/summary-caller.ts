// One attempt to have a context summarised: a model call whose answer nobody watches. It decides nothing.
import type { ModelProvider } from '@reins/contracts'
import { type SummaryRequest, textIn } from '@reins/context'
import type { Redactor } from '@reins/secrets'
import type { CallOutcome } from './model-caller.ts'

export interface SummaryCall {
  readonly provider: ModelProvider
  readonly model: string
  readonly request: SummaryRequest
}

export async function callForSummary(
  { provider, model, request: { system, text, maxTokens } }: SummaryCall,
  session: string,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<CallOutcome> {
  const request = {
    ...{ model, system, maxTokens, tools: [], stream: true, cacheKey: `${session}-summary` },
    messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text }] }],
  }
  for await (const event of provider.stream(request, signal)) {
    if (signal.aborted) break
    if (event.type === 'failed') return { kind: 'failed', failure: event, partial: '' }
    if (event.type === 'completed')
      return { kind: 'summarised', text: redactor.json(textIn(event.content)), usage: event.usage }
  }
  if (signal.aborted) return { kind: 'aborted', partial: '' }
  const message = 'The model ended its stream without an outcome.'
  return { kind: 'failed', failure: { type: 'failed', code: 'network', message }, partial: '' }
}
