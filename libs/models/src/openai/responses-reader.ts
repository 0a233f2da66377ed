// Reads an answer of the Responses API, streamed or whole. Its end: `response.completed`, `.incomplete` or `.failed`, which hold the
// whole answer once more: what was not told before is told then.
//   - Items are told apart by `output_index`, else by `item_id`, else the newest is meant.
import { isDeepStrictEqual } from 'node:util'
import type { ModelCompleted, ModelDelta, ModelFailed, ModelRequest, Usage } from '@reins/contracts'
import { Answer, tokens } from '../answer/answer.ts'
import { answerLimits } from '../answer/answer-limits.ts'
import { parseArguments, writeArguments } from '../answer/arguments.ts'
import { callable, outcome } from '../answer/outcome.ts'
import { textIn } from '../compatible/texts.ts'
import { FaultError, type Subject } from '../failure/failure.ts'
import { saidIn } from '../failure/said.ts'
import { isRecord } from '../http/foreign.ts'
import type { AnswerReader, Progress } from '../requests/converse.ts'
import type { Manner } from '../requests/differences.ts'
import {
  eventShape,
  type Item,
  type PartOf,
  type Response,
  type ResponseEvent,
  responseShape,
} from './responses-schema.ts'

interface Known {
  readonly key: string
  index: number | undefined
  id: string
  type: string
  callId: string
  name: string
  /** Arguments that came before the call's name. */
  early: string
  /** What a call had been given when it was told of; pieces and the whole of its arguments take its place. */
  given: unknown
  /** The whole of its arguments, where the pieces are no beginning of it. */
  other: string | undefined
  /** What has been told, by part. */
  readonly told: Map<string, string>
}

export class ResponsesReader implements AnswerReader {
  progress: Progress = 'open'
  readonly #request: ModelRequest
  readonly #subject: Subject
  readonly #answer: Answer
  readonly #ignored = new Set<string>()
  readonly #note = (place: string): void => {
    if (this.#ignored.size < 12) this.#ignored.add(place.slice(0, 60))
  }
  readonly #items: Known[] = []
  #refused = false
  #response: Response = {}
  #incomplete = false

  constructor(request: ModelRequest, subject: Subject, manner: Manner) {
    this.#request = request
    this.#subject = subject
    this.#answer = new Answer(answerLimits(request.maxTokens, manner))
  }

  get ignored(): ReadonlySet<string> {
    return this.#ignored
  }

  get begun(): boolean {
    return !this.#answer.empty || this.#items.length > 0
  }

  read(value: Record<string, unknown>, name: string | undefined): readonly ModelDelta[] {
    const event = eventShape(value, this.#note) ?? {}
    const type = event.type ?? name ?? ''
    if (type === 'error' || (type === '' && value.output === undefined && saysError(value)))
      throw new FaultError(saidIn(value) ?? { message: 'the server ended the answer with an error' })
    // A whole answer, in the place of a stream.
    if (value.output !== undefined && !type.includes('.')) return this.#finish(value)
    switch (type) {
      case 'response.output_item.added':
        return event.item ? this.#open(event, event.item) : []
      case 'response.output_item.done':
        return event.item ? this.#close(this.#of(event, event.item), event.item) : []
      case 'response.output_text.delta':
        return this.#grow(event, 'message', `${event.content_index ?? 0}`, event.delta)
      case 'response.output_text.done':
        return this.#rest(this.#of(event), 'message', `${event.content_index ?? 0}`, textIn(event.text, this.#note))
      case 'response.refusal.delta':
        this.#refused = true
        return this.#grow(event, 'message', `${event.content_index ?? 0}`, event.delta)
      case 'response.refusal.done':
        this.#refused = true
        return this.#rest(this.#of(event), 'message', `${event.content_index ?? 0}`, textIn(event.refusal, this.#note))
      case 'response.content_part.done':
        return this.#part(event)
      case 'response.reasoning_summary_text.done':
        return this.#rest(
          this.#of(event),
          'reasoning',
          `summary ${event.summary_index ?? 0}`,
          textIn(event.text, this.#note),
        )
      case 'response.reasoning_text.done':
        return this.#rest(
          this.#of(event),
          'reasoning',
          `content ${event.content_index ?? 0}`,
          textIn(event.text, this.#note),
        )
      case 'response.reasoning_summary_text.delta':
        return this.#grow(event, 'reasoning', `summary ${event.summary_index ?? 0}`, event.delta)
      case 'response.reasoning_text.delta':
        return this.#grow(event, 'reasoning', `content ${event.content_index ?? 0}`, event.delta)
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#argue(this.#of(event), textIn(event.delta, this.#note))
      case 'response.function_call_arguments.done':
      case 'response.custom_tool_call_input.done': {
        const item = this.#of(event)
        if (event.name) item.name ||= event.name
        return this.#argueWhole(item, event.arguments ?? event.input)
      }
      case 'response.completed':
      case 'response.incomplete':
      case 'response.done':
      case 'response.failed':
      case 'response.cancelled':
        return this.#finish(isRecord(event.response) ? event.response : {}, type)
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        return []
      default:
        // Progress notes, ends of parts, and events of the provider's own tools: they add nothing to the above.
        if (
          !/^response\.(content_part|reasoning_summary_part|output_text\.annotation|reasoning)/.test(type) &&
          type !== 'keepalive' &&
          type !== 'ping'
        )
          this.#note(`event ${type}`)
        return []
    }
  }

  /** Of another form, behind which some gateways end a stream: it ends nothing that is not of this one. */
  done(): void {
    if (this.begun) this.progress = 'over'
  }

  end(): { readonly deltas: readonly ModelDelta[]; readonly outcome: ModelCompleted | ModelFailed } {
    const lost = this.#items.find((item) => item.early !== '' && item.name === '')
    if (lost) throw new FaultError({ kind: 'broken-call', message: 'arguments came that belong to no call' })
    const torn = this.#items.find(
      (item) => item.other !== undefined && !sameValue(item.other, this.#answer.soFar(item.key)),
    )
    if (torn) {
      const message = `the arguments of ${torn.name} came in pieces that are not the same as the whole of them`
      throw new FaultError({ kind: 'broken-call', message })
    }
    const { incomplete_details, usage, id, model } = this.#response
    const reason = incomplete_details?.reason
    const given = this.#items.flatMap((item) => (item.name === '' ? [] : this.#argueWhole(item, item.given)))
    const refused = this.#refused || reason === 'content_filter'
    const finish = refused ? 'refused' : reason === undefined && !this.#incomplete ? 'stop' : 'length'
    if (finish !== 'stop') this.#answer.cut()
    const deltas = [...given, ...this.#answer.close()]
    const { maxTokens } = this.#request
    const tools = callable(this.#request)
    const ending = { finish, usage: usageOf(usage), id, model, ignored: this.#ignored, maxTokens, tools } as const
    return { deltas, outcome: outcome(this.#answer, ending, this.#subject) }
  }

  #finish(given: Record<string, unknown>, type = ''): readonly ModelDelta[] {
    // It says once more all that was asked.
    const response =
      responseShape(given, (place) => (place.startsWith('response.') ? undefined : this.#note(place))) ?? {}
    const failed =
      type === 'response.failed' ||
      type === 'response.cancelled' ||
      response.status === 'failed' ||
      response.status === 'cancelled'
    if (failed || (response.error !== undefined && response.output === undefined))
      throw new FaultError(
        saidIn({ error: response.error ?? given.status_details }) ?? { message: 'the answer failed' },
      )
    this.#response = response
    this.#incomplete = type === 'response.incomplete' || response.status === 'incomplete'
    this.progress = 'over'
    const deltas: ModelDelta[] = []
    // Some gateways give the text of an answer, and no items of it.
    if (!this.begun && !response.output?.length && typeof given.output_text === 'string')
      deltas.push(...this.#answer.text('whole', given.output_text))
    const said = new Set<Known>()
    for (const [at, item] of (response.output ?? []).entries()) {
      const known = this.#again(item, at, said) ?? this.#add(undefined, item.id ?? '')
      said.add(known)
      deltas.push(...this.#close(known, item))
    }
    return deltas
  }

  /** An item of the whole answer, among those that were told; `said`: others of it, which some servers give the same ids. */
  #again(item: Item, at: number, said: ReadonlySet<Known>): Known | undefined {
    const same = (known: Known): boolean => !said.has(known) && (known.type === '' || known.type === item.type)
    return (
      this.#items.find((known) => item.id !== undefined && item.id !== '' && known.id === item.id && same(known)) ??
      this.#items.find((known) => item.call_id !== undefined && known.callId === item.call_id && same(known)) ??
      this.#items.find(
        (known) =>
          known.index === at &&
          same(known) &&
          (item.call_id === undefined || known.callId === '' || known.callId === item.call_id),
      )
    )
  }

  #of(event: ResponseEvent, item?: Item): Known {
    const index = event.output_index
    const id = event.item_id ?? item?.id ?? ''
    const type = item?.type
    const fits = (known: Known): boolean => type === undefined || known.type === '' || known.type === type
    // Some number every item 0, some give each event an id of its own: an id that is known says most.
    const known =
      (id === '' ? undefined : this.#items.findLast((one) => one.id === id && fits(one))) ??
      (index === undefined ? undefined : this.#items.findLast((one) => one.index === index && fits(one))) ??
      (index === undefined && id === '' && item === undefined ? this.#items.at(-1) : undefined)
    return known ?? this.#add(index, id)
  }

  #add(index: number | undefined, id: string): Known {
    const item: Known = {
      ...{
        key: `item ${this.#items.length}`,
        index,
        id,
        type: '',
        callId: '',
        name: '',
        early: '',
        given: undefined,
        other: undefined,
      },
      told: new Map(),
    }
    this.#items.push(item)
    return item
  }

  #open(event: ResponseEvent, item: Item): readonly ModelDelta[] {
    const known = this.#of(event, item)
    // The same place again, with another call: an item of its own.
    const other = known.callId !== '' && item.call_id !== undefined && item.call_id !== known.callId
    return this.#begin(other ? this.#add(event.output_index, item.id ?? '') : known, item)
  }

  #begin(known: Known, item: Item): readonly ModelDelta[] {
    known.type ||= item.type ?? ''
    known.id ||= item.id ?? ''
    // A tool with a text for its input: none is offered, and a call of one is a call.
    if (item.type !== 'function_call' && item.type !== 'custom_tool_call') return []
    known.callId ||= item.call_id ?? item.id ?? ''
    known.name ||= item.name ?? ''
    known.given ??= item.arguments
    const early = known.early
    known.early = ''
    return this.#argue(known, early)
  }

  #close(known: Known, item: Item): readonly ModelDelta[] {
    switch (item.type) {
      case 'message':
        known.type = 'message'
        return this.#parts(item.content).flatMap((part, index) => {
          if (part.type === 'refusal') this.#refused = true
          return this.#rest(known, 'message', `${index}`, part.text ?? part.refusal ?? '')
        })
      case 'reasoning': {
        known.type = 'reasoning'
        const deltas = [
          ...this.#parts(item.summary).flatMap((part, index) =>
            this.#rest(known, 'reasoning', `summary ${index}`, part.text ?? ''),
          ),
          ...this.#parts(item.content).flatMap((part, index) =>
            this.#rest(known, 'reasoning', `content ${index}`, part.text ?? ''),
          ),
        ]
        if (item.encrypted_content && !known.told.has('opaque')) {
          known.told.set('opaque', '')
          this.#answer.opaque(known.key, reasoningItem(item))
        }
        return deltas
      }
      case 'custom_tool_call':
      case 'function_call': {
        const other = known.callId !== '' && item.call_id !== undefined && item.call_id !== known.callId
        const call = other ? this.#add(undefined, item.id ?? '') : known
        return [...this.#begin(call, item), ...this.#argueWhole(call, item.arguments ?? item.input)]
      }
      default:
        // Items of the provider's own tools, which no request asks for.
        this.#note(`item ${item.type ?? 'without a type'}`)
        return []
    }
  }

  #part(event: ResponseEvent): readonly ModelDelta[] {
    const { type, text, refusal } = event.part ?? {}
    if (type === 'refusal') this.#refused = true
    const kind = type === 'reasoning_text' ? 'reasoning' : 'message'
    const place = `${kind === 'reasoning' ? 'content ' : ''}${event.content_index ?? 0}`
    return this.#rest(this.#of(event), kind, place, text ?? refusal ?? '')
  }

  #parts(given: readonly PartOf[] | undefined): readonly PartOf[] {
    return given ?? []
  }

  /** Parts of one block (several summaries) are one text, with an empty line between; several texts are blocks. */
  #grow(event: ResponseEvent, type: string, part: string, delta: unknown): readonly ModelDelta[] {
    const known = this.#of(event)
    known.type ||= type
    return this.#tell(known, type, part, textIn(delta, this.#note))
  }

  #tell(known: Known, type: string, part: string, text: string): readonly ModelDelta[] {
    if (text === '') return []
    const before = known.told.get(part)
    const separator = type === 'reasoning' && before === undefined && known.told.size > 0 ? '\n\n' : ''
    known.told.set(part, (before ?? '') + text)
    return type === 'reasoning'
      ? this.#answer.reasoning(known.key, separator + text)
      : this.#answer.text(`${known.key} ${part}`, text)
  }

  /** What of a whole text its deltas have not told: everything, in a whole answer. */
  #rest(known: Known, type: string, part: string, whole: string): readonly ModelDelta[] {
    const told = known.told.get(part) ?? ''
    return whole.length > told.length && whole.startsWith(told)
      ? this.#tell(known, type, part, whole.slice(told.length))
      : []
  }

  #argue(known: Known, text: string): readonly ModelDelta[] {
    if (known.name === '') {
      known.early += text
      return []
    }
    if (!this.#answer.has(known.key)) this.#answer.call(known.key, known.callId || undefined, known.name)
    return this.#answer.arguments(known.key, text)
  }

  #argueWhole(known: Known, given: unknown): readonly ModelDelta[] {
    const whole = typeof given === 'string' ? given : given === undefined || given === null ? '' : writeArguments(given)
    const told = known.name === '' ? known.early : this.#answer.soFar(known.key)
    if (whole.startsWith(told)) return this.#argue(known, whole.slice(told.length))
    if (whole !== '') known.other = whole
    return []
  }
}

/** A gateway may write the whole in its own way: with other spaces, or its names in another order. */
function sameValue(whole: string, pieces: string): boolean {
  const [one, other] = [parseArguments(whole), parseArguments(pieces)]
  return (
    one.malformed !== undefined || (other.malformed === undefined && isDeepStrictEqual(one.arguments, other.arguments))
  )
}

function saysError(value: Record<string, unknown>): boolean {
  return value.error !== undefined || value.detail !== undefined || typeof value.message === 'string'
}

function reasoningItem({ id, summary, encrypted_content }: Item): string {
  return JSON.stringify({ type: 'reasoning', id, summary: summary ?? [], encrypted_content }).toWellFormed()
}

function usageOf(usage: Response['usage']): Usage {
  return {
    inputTokens: tokens(usage?.input_tokens),
    outputTokens: tokens(usage?.output_tokens),
    cacheReadTokens: tokens(usage?.input_tokens_details?.cached_tokens),
    cacheWriteTokens: tokens(usage?.input_tokens_details?.cache_write_tokens),
    reasoningTokens: tokens(usage?.output_tokens_details?.reasoning_tokens),
  }
}
