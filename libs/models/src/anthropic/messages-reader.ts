// Reads an answer of the Messages API, streamed or whole. Its end: `message_stop`, or the stop reason, behind which nothing of an answer
// stands; gateways that speak this form leave the one or the other out.
import type { ModelCompleted, ModelDelta, ModelFailed, ModelRequest, Usage } from '@reins/contracts'
import { Answer, tokens } from '../answer/answer.ts'
import { answerLimits } from '../answer/answer-limits.ts'
import { writeArguments } from '../answer/arguments.ts'
import { callable, outcome } from '../answer/outcome.ts'
import { FaultError, type Subject } from '../failure/failure.ts'
import { saidIn } from '../failure/said.ts'
import { isRecord } from '../http/foreign.ts'
import type { AnswerReader, Progress } from '../requests/converse.ts'
import type { Manner } from '../requests/differences.ts'
import { redactedPrefix } from './messages-request.ts'
import { type Block, type Counts, type Delta, eventShape, messageShape } from './messages-schema.ts'

interface Open {
  readonly key: string
  readonly type: string
  /** What a call had been given when it began; pieces of its arguments take its place. */
  input: unknown
}

export class MessagesReader implements AnswerReader {
  progress: Progress = 'open'
  readonly #request: ModelRequest
  readonly #subject: Subject
  readonly #answer: Answer
  readonly #ignored = new Set<string>()
  readonly #note = (place: string): void => {
    if (this.#ignored.size < 12) this.#ignored.add(place.slice(0, 60))
  }
  readonly #open = new Map<number, Open>()
  #blocks = 0
  #last = 0
  #start: Counts = {}
  #end: Counts = {}
  #stop: string | undefined
  #refusal: string | undefined
  #id: string | undefined
  #model: string | undefined
  /** Some gateways put a whole answer into the beginning of a stream, and no block behind it. */
  #early: readonly Block[] = []

  constructor(request: ModelRequest, subject: Subject, manner: Manner) {
    this.#request = request
    this.#subject = subject
    this.#answer = new Answer(answerLimits(request.maxTokens, manner))
  }

  get ignored(): ReadonlySet<string> {
    return this.#ignored
  }

  get begun(): boolean {
    return this.#blocks > 0
  }

  read(value: Record<string, unknown>, name: string | undefined): readonly ModelDelta[] {
    const type = typeof value.type === 'string' ? value.type : name
    // `error` stands in no answer but one that failed.
    if (
      type === 'error' ||
      (isRecord(value.error) && (type !== 'message' || isBlank(value.content))) ||
      typeof value.error === 'string' ||
      (type === undefined && (value.detail !== undefined || typeof value.message === 'string'))
    )
      throw new FaultError(saidIn(value) ?? { message: 'the server ended the answer with an error' })
    if (type === 'message') return this.#whole(value)
    const event = eventShape(value, this.#note) ?? {}
    switch (type) {
      case 'message_start': {
        const message = messageShape(event.message, this.#note) ?? {}
        this.#start = message.usage ?? {}
        this.#id = message.id
        this.#model = message.model
        this.#early = message.content ?? []
        return []
      }
      case 'content_block_start':
        return event.content_block ? this.#begin(event.index ?? this.#blocks, event.content_block) : []
      case 'content_block_delta':
        return event.delta ? this.#grow(event.index ?? this.#last, event.delta) : []
      case 'content_block_stop':
        return this.#settle(event.index ?? this.#last)
      case 'message_delta':
        this.#stop = event.delta?.stop_reason ?? this.#stop
        this.#refusal = event.delta?.stop_details?.explanation ?? this.#refusal
        this.#end = event.usage ?? this.#end
        if (this.#stop !== undefined) this.progress = 'said'
        return []
      case 'message_stop':
        this.progress = 'over'
        return []
      default:
        if (type !== 'ping') this.#note(`event ${type ?? 'without a type'}`)
        return []
    }
  }

  /** Of another form, behind which some gateways end a stream: it ends nothing that is not of this one. */
  done(): void {
    if (this.begun || this.#stop !== undefined || this.#id !== undefined) this.progress = 'over'
  }

  end(): { readonly deltas: readonly ModelDelta[]; readonly outcome: ModelCompleted | ModelFailed } {
    const early = this.#blocks === 0 ? this.#early.flatMap((block, index) => this.#begin(index, block)) : []
    const deltas = [...early, ...[...this.#open.keys()].flatMap((index) => this.#settle(index))]
    const unknown = [...this.#ignored].filter((place) => place.startsWith('content_block.'))
    const bare = [...this.#open.values()].some(({ key, type }) => type === 'tool_use' && this.#answer.soFar(key) === '')
    if (bare && unknown.length > 0)
      throw new FaultError({
        kind: 'broken-call',
        message: `a call came without arguments, and with ${unknown.join(', ')}, which is not understood`,
      })
    const stop = this.#stop ?? 'end_turn'
    if (finishes[stop] === 'length' || finishes[stop] === 'refused') this.#answer.cut()
    deltas.push(...this.#answer.close())
    return {
      deltas,
      outcome: outcome(
        this.#answer,
        {
          finish: finishes[stop] ?? 'stop',
          usage: usageOf(this.#start, this.#end),
          id: this.#id,
          model: this.#model,
          refusal: this.#refusal,
          windowFull: stop === 'model_context_window_exceeded',
          ignored: this.#ignored,
          maxTokens: this.#request.maxTokens,
          tools: callable(this.#request),
        },
        this.#subject,
      ),
    }
  }

  #whole(value: Record<string, unknown>): readonly ModelDelta[] {
    const message = messageShape(value, this.#note) ?? {}
    this.#id = message.id
    this.#model = message.model
    this.#start = message.usage ?? {}
    this.#stop = message.stop_reason
    this.#refusal = message.stop_details?.explanation
    this.progress = 'over'
    const content = typeof value.content === 'string' ? [{ type: 'text', text: value.content }] : message.content
    return (content ?? []).flatMap((block, index) => this.#begin(index, block))
  }

  /** A block that begins may hold text already: always in a whole answer, and from some servers in a stream. */
  #begin(index: number, block: Block): readonly ModelDelta[] {
    // Some gateways number every block 0.
    const before = this.#open.has(index) ? this.#settle(index) : []
    const key = `block ${this.#blocks++}`
    this.#last = index
    const type = block.type ?? (block.name === undefined ? 'text' : 'tool_use')
    const open: Open = { key, type, input: undefined }
    this.#open.set(index, open)
    switch (type) {
      case 'text':
        return [...before, ...this.#answer.text(key, block.text ?? '')]
      case 'thinking': {
        const deltas = this.#answer.reasoning(key, block.thinking ?? '')
        this.#answer.opaque(key, block.signature ?? '')
        return [...before, ...deltas]
      }
      case 'redacted_thinking':
        this.#answer.opaque(key, redactedPrefix + (block.data ?? ''))
        return before
      case 'tool_use':
        if (!block.name) throw new FaultError({ kind: 'broken-call', message: 'a call of a tool came without a name' })
        this.#answer.call(key, block.id, block.name)
        open.input = block.input
        return before
      default:
        // Blocks of the provider's own tools, which no request asks for.
        this.#note(`block ${type}`)
        return before
    }
  }

  #grow(index: number, delta: Delta): readonly ModelDelta[] {
    const { text, thinking, signature, partial_json } = delta
    let open = this.#open.get(index)
    if (!open && partial_json !== undefined && partial_json !== '')
      throw new FaultError({ kind: 'broken-call', message: 'arguments came that belong to no call' })
    if (!open) {
      this.#begin(index, { type: thinking !== undefined || signature !== undefined ? 'thinking' : 'text' })
      open = this.#open.get(index)!
    }
    const { key, type } = open
    if (text && type === 'tool_use' && this.#answer.soFar(key) === '' && isEmpty(open.input))
      throw new FaultError({ kind: 'broken-call', message: 'a text came in the place of the arguments of a call' })
    if (text !== undefined && text !== '')
      return type === 'text' ? this.#answer.text(key, text) : this.#elsewhere(index, { type: 'text', text })
    if (thinking !== undefined && thinking !== '')
      return type === 'thinking'
        ? this.#answer.reasoning(key, thinking)
        : this.#elsewhere(index, { type: 'thinking', thinking })
    if (signature !== undefined && type === 'thinking') this.#answer.opaque(key, signature)
    if (partial_json === undefined || type !== 'tool_use') return []
    const piece = typeof partial_json === 'string' ? partial_json : writeArguments(partial_json)
    if (piece !== '') open.input = undefined
    return this.#answer.arguments(key, piece)
  }

  /** A piece of another kind than its block: a block of its own. */
  #elsewhere(index: number, block: Block): readonly ModelDelta[] {
    return this.#begin(index, block)
  }

  /** A call whose arguments were given as it began, and not in pieces. */
  #settle(index: number): readonly ModelDelta[] {
    const open = this.#open.get(index)
    if (!open) return []
    const { key, input } = open
    open.input = undefined
    if (open.type !== 'tool_use' || input === undefined || this.#answer.soFar(key) !== '') return []
    if (typeof input === 'string') return this.#answer.arguments(key, input)
    if (isEmpty(input)) return []
    return this.#answer.arguments(key, writeArguments(input))
  }
}

const isBlank = (content: unknown): boolean =>
  content === undefined || content === null || content === '' || (Array.isArray(content) && content.length === 0)

const isEmpty = (input: unknown): boolean => input === undefined || (isRecord(input) && Object.keys(input).length === 0)

const finishes: Readonly<Record<string, ModelCompleted['finish']>> = {
  refusal: 'refused',
  content_filter: 'refused',
  content_filtered: 'refused',
  guardrail_intervened: 'refused',
  model_context_window_exceeded: 'length',
  max_tokens: 'length',
  length: 'length',
  tool_use: 'tool-calls',
  tool_calls: 'tool-calls',
}

/** The counts at the end are cumulative; a count that is missing or null there stands at the start. */
function usageOf(start: Counts, end: Counts): Usage {
  const read = tokens(end.cache_read_input_tokens ?? start.cache_read_input_tokens)
  const written = tokens(end.cache_creation_input_tokens ?? start.cache_creation_input_tokens)
  return {
    inputTokens: tokens(end.input_tokens || start.input_tokens) + read + written,
    outputTokens: tokens(end.output_tokens ?? start.output_tokens),
    cacheReadTokens: read,
    cacheWriteTokens: written,
    reasoningTokens: tokens((end.output_tokens_details ?? start.output_tokens_details)?.thinking_tokens),
  }
}
