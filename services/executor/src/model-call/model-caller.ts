// One attempt of a model call: the request from the transcript, its deltas to LIVE, its outcome as an event. It decides nothing.
//   M1. It always ends in exactly one outcome, or in `aborted` (somebody else has closed the call).
//   M2. Offsets count UTF-16 units of a block, from 0 for each attempt.
//   M3. Nothing that a server says leaves here with a secret in it: deltas, answers, and the words of its errors.
import type {
  AssistantBlock,
  Delta,
  EventOf,
  ModelCompleted,
  ModelDelta,
  ModelEvent,
  ModelEvents,
  ModelFailed,
  ModelRequest,
  Usage,
} from '@reins/contracts'
import { type LoadMedia, withMedia } from '@reins/models'
import type { Redactor } from '@reins/secrets'
import type { ReplayOutcome } from '../run/run-outcome.ts'
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
  if (prepared.kind === 'impossible') return failure(prepared.failure, '', redactor)
  if (prepared.kind === 'summary') {
    const outcome = await callForSummary(prepared, attempt.session, signal, redactor)
    return outcome.kind === 'failed' ? { ...outcome, failure: redactor.json(outcome.failure) } : outcome // M3
  }
  const shown = await withMedia(prepared.prompt.messages, attempt.load)
  const events = prepared.provider.stream(requestOf(prepared, attempt.session, shown), signal)
  return new Answering(attempt, prepared.prompt.final, onDelta, signal, redactor).over(events)
}

/** M3. */
const failure = (failed: ModelFailed, partial: string, redactor: Redactor): CallOutcome => ({
  ...{ kind: 'failed', failure: redactor.json(failed), partial },
})

type Ready = Extract<Prepared, { kind: 'ready' }>

function requestOf(
  { model, prompt, traceparent }: Ready,
  session: string,
  { messages, media }: Awaited<ReturnType<typeof withMedia>>,
): ModelRequest {
  const { settings, system, tools, notices, final } = prompt
  return {
    model,
    system,
    messages,
    ...(notices.length > 0 ? { notices } : {}),
    ...(media.size > 0 ? { media } : {}),
    tools,
    maxTokens: settings.maxTokens,
    stream: settings.stream,
    cacheKey: session,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(settings.reasoningEffort === undefined ? {} : { reasoningEffort: settings.reasoningEffort }),
    ...(final ? { toolChoice: 'none' as const } : {}),
    ...(prompt.output ? { output: prompt.output } : {}),
  }
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

/** One answer while it comes. */
class Answering {
  readonly #call: string
  readonly #attempt: number
  readonly #final: boolean
  readonly #onDelta: (delta: Delta) => void
  readonly #signal: AbortSignal
  readonly #redactor: Redactor
  #blocks: Map<string, Streamed> | undefined
  #last: Streamed | undefined
  #partial = ''
  #outcome: CallOutcome | undefined

  constructor(
    { call, attempt }: Pick<Attempt, 'call' | 'attempt'>,
    final: boolean,
    onDelta: (delta: Delta) => void,
    signal: AbortSignal,
    redactor: Redactor,
  ) {
    this.#call = call
    this.#attempt = attempt
    this.#final = final
    this.#onDelta = onDelta
    this.#signal = signal
    this.#redactor = redactor
  }

  over(events: ModelEvents): Promise<CallOutcome> {
    const each = events.each?.((event) => {
      if (!this.#signal.aborted) this.#outcome ??= this.#take(event)
    })
    return (each ?? this.#askEach(events)).then(() => this.#end())
  }

  async #askEach(events: ModelEvents): Promise<void> {
    for await (const event of events) {
      if (this.#signal.aborted) break
      this.#outcome = this.#take(event)
      if (this.#outcome) break
    }
  }

  #end(): CallOutcome {
    if (this.#outcome) return this.#outcome
    if (this.#signal.aborted) return { kind: 'aborted', partial: this.#partial }
    const message = 'The model ended its stream without an outcome.'
    return this.#failed({ type: 'failed', code: 'network', message })
  }

  /** undefined: it goes on. */
  #take(event: ModelEvent): CallOutcome | undefined {
    switch (event.type) {
      case 'delta': {
        const block = this.#blockOf(event)
        // Redacted before offsets are counted (PROTOCOL 11).
        this.#show(block, block.safe.push(event.text))
        return undefined
      }
      case 'completed':
        if (this.#final && !saysAnything(event)) return this.#failed(calledAllTheSame(event))
        this.#showRest()
        return {
          kind: 'completed',
          event: this.#redactor.json(completedEvent(this.#call, this.#attempt, event)),
          ignored: event.ignored ?? [],
        }
      case 'failed':
        return this.#failed(event)
      default:
        return event satisfies never
    }
  }

  #failed(failed: ModelFailed): CallOutcome {
    this.#showRest()
    return failure(failed, this.#partial, this.#redactor)
  }

  #blockOf(event: ModelDelta): Streamed {
    const { block, kind } = event
    if (this.#last?.block === block && this.#last.kind === kind) return this.#last
    this.#blocks ??= new Map()
    const key = `${block}/${kind}`
    this.#last = this.#blocks.get(key) ?? {
      ...{ block, kind, offset: 0, safe: this.#redactor.stream() },
      tool: event.name && this.#redactor.text(event.name),
      toolCall: event.call && this.#redactor.text(event.call),
    }
    this.#blocks.set(key, this.#last)
    return this.#last
  }

  #show(block: Streamed, text: string): void {
    if (text === '') return
    if (block.kind === 'text') this.#partial += text.slice(0, maxPartial - this.#partial.length)
    this.#onDelta({
      call: this.#call,
      attempt: this.#attempt,
      block: block.block,
      kind: block.kind,
      offset: block.offset,
      text,
      ...(block.tool === undefined ? {} : { tool: block.tool }),
      ...(block.toolCall === undefined ? {} : { toolCall: block.toolCall }),
    })
    block.offset += text.length
  }

  /** What might have been the beginning of a secret, and was none. */
  #showRest(): void {
    for (const block of this.#blocks?.values() ?? []) this.#show(block, block.safe.end())
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

function completedEvent(call: string, attempt: number, completed: ModelCompleted): EventOf<'model-call.completed'> {
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
