// One attempt of a model call: the request from the transcript, its deltas to LIVE, its outcome as an event. It decides nothing.
//   M1. It always ends in exactly one outcome, or in `aborted` (somebody else has closed the call).
//   M2. Offsets count UTF-16 units of a block, from 0 for each attempt.
import type {
  AssistantBlock,
  Delta,
  EventOf,
  ModelCompleted,
  ModelFailed,
  ModelMessage,
  ModelProvider,
} from '@reins/contracts'
import { fitToWindow, type Models } from '@reins/models'
import type { Redactor } from '@reins/telemetry'
import type { CallSettings } from './definitions.ts'

export interface Attempt {
  readonly session: string
  readonly call: string
  readonly attempt: number
  /** provider/model */
  readonly model: string
  /** The tools are withheld: the model must answer. */
  readonly final: boolean
  readonly messages: readonly ModelMessage[]
}

export type CallOutcome =
  | { readonly kind: 'completed'; readonly event: EventOf<'model-call.completed'> }
  | { readonly kind: 'failed'; readonly failure: ModelFailed; readonly partial: string }
  | { readonly kind: 'aborted'; readonly partial: string }

const finalNote =
  '\n\nYou have used all the tool calls of this turn. Answer now with what you have; call no more tools.'

export async function callModel(
  models: Models,
  settings: CallSettings | undefined,
  attempt: Attempt,
  onDelta: (delta: Delta) => void,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<CallOutcome> {
  const failed = (code: ModelFailed['code'], message: string): CallOutcome => ({
    kind: 'failed',
    failure: { type: 'failed', code, message },
    partial: '',
  })
  if (!settings) return failed('bad-request', "The session's definition is not in the registry.")
  const resolved = models.resolve(attempt.model)
  if (resolved.kind !== 'ok') return failed(resolved.kind === 'no-key' ? 'auth' : 'not-found', resolved.message)
  const { provider, model } = resolved
  const system = attempt.final ? settings.system + finalNote : settings.system
  const fitted = fitToWindow(attempt.messages, {
    window: provider.contextWindow(model),
    maxTokens: settings.maxTokens,
    system,
    tools: settings.tools,
  })
  return stream(provider, model, { ...settings, system }, attempt, fitted.messages, onDelta, signal, redactor)
}

async function stream(
  provider: ModelProvider,
  model: string,
  settings: CallSettings,
  attempt: Attempt,
  messages: readonly ModelMessage[],
  onDelta: (delta: Delta) => void,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<CallOutcome> {
  const blocks = new Map<string, { offset: number; readonly safe: ReturnType<Redactor['stream']> }>()
  let partial = ''
  const events = provider.stream(
    {
      model,
      system: settings.system,
      messages,
      tools: settings.tools,
      maxTokens: settings.maxTokens,
      stream: settings.stream,
      cacheKey: attempt.session,
      ...(settings.reasoningEffort === undefined ? {} : { reasoningEffort: settings.reasoningEffort }),
    },
    signal,
  )
  for await (const event of events) {
    if (signal.aborted) break
    switch (event.type) {
      case 'delta': {
        const key = `${event.block}/${event.kind}`
        const block = blocks.get(key) ?? { offset: 0, safe: redactor.stream() }
        blocks.set(key, block)
        // Redacted before offsets are counted (PROTOCOL 11).
        const text = block.safe.push(event.text)
        if (text === '') break
        if (event.kind === 'text') partial += text
        onDelta({
          call: attempt.call,
          attempt: attempt.attempt,
          block: event.block,
          kind: event.kind,
          offset: block.offset,
          text,
          ...(event.name === undefined ? {} : { tool: event.name }),
          ...(event.call === undefined ? {} : { toolCall: event.call }),
        })
        block.offset += text.length
        break
      }
      case 'completed':
        return { kind: 'completed', event: redactor.json(completedEvent(attempt, event)) }
      case 'failed':
        return { kind: 'failed', failure: event, partial }
      default:
        event satisfies never
    }
  }
  if (signal.aborted) return { kind: 'aborted', partial }
  return {
    kind: 'failed',
    failure: { type: 'failed', code: 'network', message: 'The model ended its stream without an outcome.' },
    partial,
  }
}

function completedEvent({ call, attempt }: Attempt, completed: ModelCompleted): EventOf<'model-call.completed'> {
  let index = 0
  const content = completed.content.map(
    (block): AssistantBlock => (block.type === 'tool-call' ? { ...block, call: `${call}-${index++}` } : block),
  )
  return {
    type: 'model-call.completed',
    data: {
      call,
      attempt,
      content,
      usage: completed.usage,
      finish: completed.finish,
      ...(completed.responseId === undefined ? {} : { responseId: completed.responseId }),
      ...(completed.responseModel === undefined ? {} : { responseModel: completed.responseModel }),
    },
  }
}
