// One attempt of a model call: the request from the transcript, its deltas to LIVE, its outcome as an event. It decides nothing.
//   M1. It always ends in exactly one outcome, or in `aborted` (somebody else has closed the call).
//   M2. Offsets count UTF-16 units of a block, from 0 for each attempt.
//   M3. Nothing that a server says leaves here with a secret in it: deltas, answers, and the words of its errors.
import type { AssistantBlock, Delta, EventOf, ModelCompleted, ModelEvent, ModelFailed, Usage } from '@reins/contracts'
import { type LoadMedia, withMedia } from '@reins/models'
import type { Redactor } from '@reins/secrets'
import type { ReplayOutcome } from '../run/replay-run.ts'
import type { Prepared } from './prepared.ts'
import { callForSummary } from './summary-caller.ts'

export interface Attempt {
  readonly session: string
  readonly call: string
  readonly attempt: number
  readonly prepared: Prepared
  /** The bytes that results of tools refer to. */
  readonly load: LoadMedia
}

export type CallOutcome =
  | {
      readonly kind: 'completed'
      readonly event: EventOf<'model-call.completed'>
      /** Names of what the model sent and no schema knows. */
      readonly ignored: readonly string[]
    }
  /** Of a call for a summary. */
  | { readonly kind: 'summarised'; readonly text: string; readonly usage: Usage }
  | { readonly kind: 'failed'; readonly failure: ModelFailed; readonly partial: string }
  | { readonly kind: 'aborted'; readonly partial: string }
  | ReplayOutcome

/** Characters of an answer that broke off which its event keeps: a frame of all of it might be larger than the broker takes. */
export const maxPartial = 100_000

export async function callModel(
  attempt: Attempt,
  onDelta: (delta: Delta) => void,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<CallOutcome> {
  const { prepared } = attempt
  if (prepared.kind === 'impossible') return { kind: 'failed', failure: prepared.failure, partial: '' }
  const outcome =
    prepared.kind === 'summary'
      ? await callForSummary(prepared, attempt.session, signal, redactor)
      : await stream(
          prepared,
          attempt,
          await withMedia(prepared.prompt.messages, attempt.load),
          onDelta,
          signal,
          redactor,
        )
  return outcome.kind === 'failed' ? { ...outcome, failure: redactor.json(outcome.failure) } : outcome // M3
}

/** What was shown of one block, and what is held back because a secret could begin there. */
interface Streamed {
  readonly block: number
  readonly kind: Delta['kind']
  readonly tool: string | undefined
  readonly toolCall: string | undefined
  offset: number
  readonly safe: ReturnType<Redactor['stream']>
}

async function stream(
  { provider, model, prompt, traceparent }: Extract<Prepared, { kind: 'ready' }>,
  attempt: Attempt,
  { messages, media }: Awaited<ReturnType<typeof withMedia>>,
  onDelta: (delta: Delta) => void,
  signal: AbortSignal,
  redactor: Redactor,
): Promise<CallOutcome> {
  const { settings, system, tools, notices, final } = prompt
  const blocks = new Map<string, Streamed>()
  let last: Streamed | undefined
  let partial = ''
  const show = (block: Streamed, text: string): void => {
    if (text === '') return
    if (block.kind === 'text') partial += text.slice(0, maxPartial - partial.length)
    onDelta({
      call: attempt.call,
      attempt: attempt.attempt,
      block: block.block,
      kind: block.kind,
      offset: block.offset,
      text,
      ...(block.tool === undefined ? {} : { tool: block.tool }),
      ...(block.toolCall === undefined ? {} : { toolCall: block.toolCall }),
    })
    block.offset += text.length
  }
  // What might have been the beginning of a secret, and was none.
  const showRest = (): void => {
    for (const block of blocks.values()) show(block, block.safe.end())
  }
  const events = provider.stream(
    {
      model,
      system,
      messages,
      ...(notices.length > 0 ? { notices } : {}),
      ...(media.size > 0 ? { media } : {}),
      tools,
      maxTokens: settings.maxTokens,
      stream: settings.stream,
      cacheKey: attempt.session,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(settings.reasoningEffort === undefined ? {} : { reasoningEffort: settings.reasoningEffort }),
      ...(final ? { toolChoice: 'none' as const } : {}),
      ...(prompt.output ? { output: prompt.output } : {}),
    },
    signal,
  )
  // undefined: it goes on.
  const take = (event: ModelEvent): CallOutcome | undefined => {
    switch (event.type) {
      case 'delta': {
        if (last?.block !== event.block || last.kind !== event.kind) {
          const key = `${event.block}/${event.kind}`
          last = blocks.get(key) ?? {
            block: event.block,
            kind: event.kind,
            tool: event.name && redactor.text(event.name),
            toolCall: event.call && redactor.text(event.call),
            offset: 0,
            safe: redactor.stream(),
          }
          blocks.set(key, last)
        }
        // Redacted before offsets are counted (PROTOCOL 11).
        show(last, last.safe.push(event.text))
        return undefined
      }
      case 'completed':
        showRest()
        if (final && !saysAnything(event)) return { kind: 'failed', failure: calledAllTheSame(event), partial }
        return {
          kind: 'completed',
          event: redactor.json(completedEvent(attempt, event)),
          ignored: event.ignored ?? [],
        }
      case 'failed':
        showRest()
        return { kind: 'failed', failure: event, partial }
      default:
        return event satisfies never
    }
  }
  let outcome: CallOutcome | undefined
  if (events.each)
    await events.each((event) => {
      if (!signal.aborted) outcome ??= take(event)
    })
  else
    for await (const event of events) {
      if (signal.aborted) break
      outcome = take(event)
      if (outcome) break
    }
  if (outcome) return outcome
  if (signal.aborted) return { kind: 'aborted', partial }
  showRest()
  return {
    kind: 'failed',
    failure: { type: 'failed', code: 'network', message: 'The model ended its stream without an outcome.' },
    partial,
  }
}

const saysAnything = ({ content }: ModelCompleted): boolean =>
  content.some((block) => block.type === 'text' && block.text.trim() !== '')

/** Calls of a final answer are not carried out: without a text, the turn would end without a word. */
function calledAllTheSame({ content }: ModelCompleted): ModelFailed {
  const names = new Set(content.flatMap((block) => (block.type === 'tool-call' ? [block.name] : [])))
  return {
    type: 'failed',
    code: 'bad-request',
    message: `The turn has used all its tool calls, and the model called ${[...names].join(', ')} instead of answering. Raise max_tool_calls of the agent, or send a message to let it go on.`,
    retries: 1,
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
