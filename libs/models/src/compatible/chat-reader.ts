// Reads an answer in chat completions, event by event. Its end: `[DONE]`, a whole message, or a finish reason, behind which some servers
// count tokens and others say nothing more.
//   - The first choice is the answer; others, which nobody asked for, are noted and left.
//   - Reasoning comes under several names, and as two of them at once; the first that is not empty counts. The name is kept, since
//     some servers want it back under it.
import type { ModelCompleted, ModelDelta, ModelFailed, ModelRequest, Usage } from '@reins/contracts'
import { Answer, tokens } from '../answer/answer.ts'
import { answerLimits } from '../answer/answer-limits.ts'
import { callable, outcome } from '../answer/outcome.ts'
import { loneTag, ThinkTags } from '../answer/think-tags.ts'
import { type Fault, FaultError, failed, type Subject } from '../failure/failure.ts'
import { saidIn } from '../failure/said.ts'
import { isRecord } from '../http/foreign.ts'
import type { AnswerReader, Progress } from '../requests/converse.ts'
import type { Manner, Shown } from '../requests/differences.ts'
import { Calls } from './calls.ts'
import {
  type CallPart,
  type ChatUsage,
  type Choice,
  type Chunk,
  callPart,
  chunk,
  type MessagePart,
  ollamaMessage,
} from './chat-schema.ts'
import { type Ended, endOf } from './finish-reasons.ts'
import { Details } from './reasoning-details.ts'
import { textIn, wordsIn } from './texts.ts'

export class ChatReader implements AnswerReader {
  progress: Progress = 'open'
  readonly #request: ModelRequest
  readonly #subject: Subject
  readonly #answer: Answer
  readonly #calls: Calls
  readonly #tags: ThinkTags
  readonly #manner: Manner
  readonly #ignored = new Set<string>()
  readonly #note = (place: string): void => {
    if (this.#ignored.size < 12) this.#ignored.add(place.slice(0, 60))
  }
  /** What the provider wants back beside the message, by its field. */
  readonly #back: Record<string, unknown> = {}
  readonly #details = new Details()
  /** Thoughts come in a field of their own. */
  #thinksApart = false
  #choice: number | undefined
  /** It is told in pieces, by `delta`. */
  #pieces = false
  #finish: Ended | undefined
  #refusal = ''
  #usage: ChatUsage | undefined
  #ollamaUsage: ChatUsage | undefined
  #id: string | undefined
  #model: string | undefined

  constructor(request: ModelRequest, subject: Subject, manner: Manner) {
    this.#request = request
    this.#subject = subject
    this.#manner = manner
    this.#tags = new ThinkTags(manner.get('lone-think-tag'))
    this.#answer = new Answer(answerLimits(request.maxTokens, manner))
    this.#calls = new Calls(this.#answer, this.#from, request.tools)
  }

  get ignored(): ReadonlySet<string> {
    return this.#ignored
  }

  get begun(): boolean {
    return !this.#answer.empty || this.#calls.some
  }

  get shown(): Shown | undefined {
    if (this.#manner.has('lone-think-tag'))
      return this.#tags.missed ? { name: 'lone-think-tag', value: undefined } : undefined
    const found = this.#thinksApart ? undefined : loneTag(this.#answer.soFar('text'))
    return found === undefined ? undefined : { name: 'lone-think-tag', value: found }
  }

  get #from(): string {
    return `${this.#subject.provider}/${this.#request.model}`
  }

  read(value: Record<string, unknown>, name: string | undefined): readonly ModelDelta[] {
    const read = chunk(value, this.#note) ?? {}
    this.#refuse(read, value, name)
    if (read.id) this.#id = read.id
    if (read.model) this.#model = read.model
    const usage = read.usage ?? read.x_groq?.usage
    if (usage && Object.keys(usage).length > 0) this.#usage = usage
    const deltas: ModelDelta[] = []
    for (const choice of read.choices ?? []) this.#readChoice(choice, read.object === 'chat.completion', deltas)
    if (isRecord(read.message)) deltas.push(...this.#readMessage(ollamaMessage(read.message, this.#note) ?? {}, false))
    else if (typeof read.response === 'string' && read.done !== undefined) deltas.push(...this.#readText(read.response))
    if (read.done === true) {
      this.#ollamaUsage = { prompt_tokens: read.prompt_eval_count, completion_tokens: read.eval_count } as ChatUsage
      this.#finish ??= endOf(read.done_reason ?? 'stop')
      this.progress = 'over'
    }
    return deltas
  }

  done(): void {
    this.progress = 'over'
  }

  end(): { readonly deltas: readonly ModelDelta[]; readonly outcome: ModelCompleted | ModelFailed } {
    const deltas: ModelDelta[] = []
    const finish = this.#finish ?? { kind: 'finished', finish: 'stop' }
    for (const told of this.#tags.end(finish.kind === 'finished' && finish.finish === 'length'))
      deltas.push(
        ...(told.kind === 'text'
          ? this.#answer.text('text', told.text)
          : this.#answer.reasoning('reasoning', told.text)),
      )
    deltas.push(...this.#calls.end([...this.#ignored].filter((place) => /^(function|tool_call)\./.test(place))))
    const details = this.#details.list()
    if (details.length > 0) this.#back[this.#details.field] = details
    if (Object.keys(this.#back).length > 0) this.#answer.provided('reasoning', { model: this.#from, data: this.#back })
    if (finish.kind === 'failed') return { deltas, outcome: failed(finish.fault, this.#subject) }
    const refused = this.#refusal !== '' || finish.finish === 'refused'
    if (refused || finish.finish === 'length') this.#answer.cut()
    deltas.push(...this.#answer.close())
    return {
      deltas,
      outcome: outcome(
        this.#answer,
        {
          finish: refused ? 'refused' : finish.finish,
          usage: usageOf(this.#usage ?? this.#ollamaUsage),
          id: this.#id,
          model: this.#model,
          refusal: finish.refusal,
          windowFull: finish.windowFull ?? false,
          ignored: this.#ignored,
          maxTokens: this.#request.maxTokens,
          tools: callable(this.#request),
        },
        this.#subject,
      ),
    }
  }

  /** An error in the middle of a stream, or in the place of an answer with status 200. */
  #refuse(read: Chunk, value: Record<string, unknown>, name: string | undefined): void {
    const given = read.error ?? read.errors ?? read.x_groq?.error ?? failureIn(read.base_resp)
    const isError =
      !saysNothing(given) ||
      name === 'error' ||
      read.object === 'error' ||
      read.type === 'error' ||
      (read.choices === undefined &&
        read.done === undefined &&
        read.usage === undefined &&
        !(name !== undefined && noteName.test(name)) &&
        !(typeof value.status === 'string' && noteStatus.test(value.status)) &&
        (read.detail !== undefined || read.msg !== undefined || typeof read.message === 'string'))
    if (isError) throw new FaultError(faultIn(value))
  }

  #readChoice(choice: Choice, whole: boolean, deltas: ModelDelta[]): void {
    const index = choice.index ?? 0
    this.#choice ??= index
    if (index !== this.#choice) {
      // Some gateways put the calls of one answer into a choice of their own: they are not taken, and not lost without a word.
      const calls = [choice.delta, choice.message].some((part) => part?.tool_calls?.length || part?.function_call)
      return void this.#note(calls ? 'a second choice.tool_calls' : 'a second choice')
    }
    if (choice.error !== undefined) throw new FaultError(faultIn({ error: choice.error }))
    if (choice.usage && Object.keys(choice.usage).length > 0) this.#usage = choice.usage
    if (choice.delta) {
      this.#pieces = true
      deltas.push(...this.#readMessage(choice.delta, false))
    }
    // Behind pieces, it is the whole once more.
    if (choice.message) deltas.push(...this.#readMessage(choice.message, this.begun))
    if (!choice.delta && !choice.message && choice.text !== undefined)
      deltas.push(...this.#readText(textIn(choice.text, this.#note)))
    const reason = choice.finish_reason?.trim()
    if (!reason || reason === 'null') {
      if (choice.message && !choice.delta && (whole || !this.#request.stream)) this.progress = 'said'
      return
    }
    this.#finish = endOf(
      reason,
      choice.native_finish_reason,
      choice.content_filter_results ?? choice.content_filter_result,
    )
    this.progress = 'said'
  }

  #readMessage(part: MessagePart, again: boolean): readonly ModelDelta[] {
    const deltas: ModelDelta[] = []
    const content = wordsIn(part.content, this.#note)
    const details = part.reasoning_details ?? part.thinking_blocks
    if (details && !again) this.#details.add(part.reasoning_details ? 'reasoning_details' : 'thinking_blocks', details)
    const inDetails = this.#details.read()
    const reasoning = this.#reasoningIn(part) || content.reasoning || inDetails
    if (reasoning !== '') {
      this.#thinksApart = true
      this.#tags.apart()
    }
    deltas.push(...this.#answer.reasoning('reasoning', again ? this.#restOf(reasoning, 'reasoning') : reasoning))
    if (part.extra_content !== undefined) this.#back.extra_content = part.extra_content
    if (typeof part.reasoning_opaque === 'string') this.#back.reasoning_opaque = part.reasoning_opaque
    const text = again ? this.#restOf(content.text, 'text') : content.text
    deltas.push(...this.#readText(text))
    const refusal = content.refusal + textIn(part.refusal, this.#note)
    if (refusal !== '' && !again) {
      this.#refusal += refusal
      deltas.push(...this.#answer.text('text', refusal))
    }
    const parts = [
      ...callsIn(part.content),
      ...(part.tool_calls ?? []),
      ...(part.function_call ? [{ index: 0, ...part.function_call }] : []),
    ]
    if (parts.length > 0 && !(again && this.#calls.some)) deltas.push(...this.#calls.read(parts))
    return deltas
  }

  #reasoningIn(part: MessagePart): string {
    for (const field of ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking'] as const) {
      const text = textIn(part[field], this.#note)
      if (text === '') continue
      if (this.#back.field === undefined) this.#back.field = field
      return text
    }
    return ''
  }

  /** A message behind others: behind pieces it is the whole once more; else it holds all so far, or one more piece. */
  #restOf(whole: string, key: string): string {
    const told = this.#answer.soFar(key)
    if (told !== '' && whole.startsWith(told)) return whole.slice(told.length)
    return this.#pieces && told !== '' ? '' : whole
  }

  #readText(text: string): readonly ModelDelta[] {
    if (text === '') return []
    return this.#tags
      .push(text)
      .flatMap((told) =>
        told.kind === 'text' ? this.#answer.text('text', told.text) : this.#answer.reasoning('reasoning', told.text),
      )
  }
}

const nothing: ReadonlySet<unknown> = new Set([undefined, null, false, 0, '', 'null', 'none'])

/** Far below, something stands that nobody reads: it is said. */
const saysNothing = (given: unknown, levels = 8): boolean =>
  nothing.has(given) ||
  (typeof given === 'object' &&
    given !== null &&
    levels > 0 &&
    Object.values(given).every((one) => saysNothing(one, levels - 1)))

/** What a server tells of a request that waits, in a form in which others say an error. */
const noteName = /^(info|status|queue\w*|progress|notice|log|debug|warning|metadata)$/i
const noteStatus = /^(queued|pending|processing|in_progress|loading|starting)$/i

/** A status beside each answer, in which 0 is success. */
const failureIn = (status: unknown): unknown =>
  isRecord(status) && !saysNothing(status.status_code) ? status : undefined

/** Calls among the parts of a content, as gateways to other forms leave them. */
function callsIn(content: unknown): readonly CallPart[] {
  if (!Array.isArray(content)) return []
  return content.flatMap((part: unknown): CallPart[] => {
    if (!isRecord(part) || !/^(tool_use|tool_call|function_call)$/.test(String(part.type))) return []
    const call = callPart(part, () => {})
    return call ? [call] : []
  })
}

function faultIn(value: Record<string, unknown>): Fault {
  const said = saidIn(value)
  return said ?? { message: 'the server ended the answer with an error' }
}

export function usageOf(usage: ChatUsage | undefined): Usage {
  const input = usage?.prompt_tokens_details
  const output = usage?.completion_tokens_details
  return {
    inputTokens: tokens(usage?.prompt_tokens ?? usage?.input_tokens),
    outputTokens: tokens(usage?.completion_tokens ?? usage?.output_tokens),
    cacheReadTokens: tokens(
      input?.cached_tokens ?? usage?.prompt_cache_hit_tokens ?? usage?.cached_tokens ?? usage?.cache_read_input_tokens,
    ),
    cacheWriteTokens: tokens(input?.cache_write_tokens ?? usage?.cache_creation_input_tokens),
    reasoningTokens: tokens(output?.reasoning_tokens ?? usage?.reasoning_tokens),
  }
}
