// The table of how models and servers differ in what they take, by capability and not by name. A refusal says which it is; it is
// remembered for the model, the call is made again, and later calls are made so from the start. Pure but for the memory.
//   Q1. What is learnt must be about something that was sent (`sent`), and each is learnt once: so a call is made again a bounded
//       number of times.
//   Q2. What hangs on one conversation (its length, its signatures) is learnt for that call only.
//   Q3. A refusal names the field that it is about. A word that any error may hold ("please include the request ID") teaches nothing:
//       the next attempt may succeed by itself, and what it went without would be left out of all later requests.
import type { Fault } from '../failure/failure.ts'
import type { FaultKind } from '../failure/kinds.ts'
import { kindOf, looked } from '../failure/recognise.ts'

export type Difference =
  | 'output-limit'
  | 'room'
  | 'max-completion-tokens'
  | 'no-output-limit'
  | 'no-stream-options'
  | 'whole-answers'
  | 'reasoning-always-back'
  | 'placeholder-signatures'
  | 'forget-reasoning'
  | 'no-reasoning-back'
  | 'no-extras-back'
  | 'no-summary'
  | 'no-effort'
  | 'no-tool-choice'
  | 'no-strict'
  | 'no-output-schema'
  | 'plain-schemas'
  | 'short-descriptions'
  | 'no-null-content'
  | 'nine-letter-ids'
  | 'system-in-user'
  | 'alternating-roles'
  | 'answer-before-user'
  | 'no-cache-control'
  | 'no-cache-key'
  | 'no-include'
  | 'no-store'
  | 'no-images'
  | 'no-audio'
  | 'no-files'
  | 'lone-think-tag'
  | 'marks-ends'

/** How a model wants to be asked, and how it answers; a number is the limit that it told, or says which. */
export type Manner = ReadonlyMap<Difference, number>

interface Row {
  readonly name: Difference
  readonly says: RegExp
  /** What stands in a request that can be refused for this. */
  readonly sent?: RegExp
  readonly forCallOnly?: boolean
  /** The number in what it says; undefined: it is not about this. */
  readonly amount?: (text: string) => number | undefined
}

const limit = /max_(?:completion_|output_|new_)?tokens/.source
const outputLimits: readonly RegExp[] = [
  /supports? (?:at most|up to|a maximum of) (\d+) (?:completion |output )?tokens/i,
  new RegExp(`${limit}[\`'"]?:? ?\\d+ > (\\d+)`, 'i'),
  new RegExp(`${limit}[\`'"]? (?:must|should) be (?:less than or equal to|at most|<=) [\`'"]?(\\d+)`, 'i'),
  new RegExp(`${limit}.{0,60}\\[\\d+, ?(\\d+)\\]`, 'i'),
  new RegExp(`${limit}.{0,80}(?:at most|no more than|maximum(?: value)?(?: is| of|:)|limit (?:is|of)) (\\d+)`, 'i'),
]

/** The window and what of it the input takes: the rest is room for the answer. */
const rooms: readonly RegExp[] = [
  /maximum context length is (?<window>\d+) tokens and your request has (?<input>\d+) input tokens/i,
  /maximum context length is (?<window>\d+) tokens.{0,40}requested (?:about )?\d+ tokens \((?<input>\d+) (?:in the messages|of text input|in the prompt|of the input)/is,
  /input length and .?max_tokens.? exceed context limit: (?<input>\d+) \+ \d+ > (?<window>\d+)/i,
  /max_new_tokens.? must be <= (?<window>\d+)\. Given: (?<input>\d+)/i,
]
/** An answer shorter than this is none. */
const leastRoom = 64
/** Servers count "about". */
const margin = 16

const sentImage = /"type":"image(?:_url)?"|"type":"input_image"/
const sentAudio = /"type":"input_audio"/
const sentFile = /"type":"document"|"type":"input_file"/

const table: readonly Row[] = [
  // Also where images of a result stand behind it, in a message of the user's: they need not be left out.
  { name: 'answer-before-user', says: /unexpected role .?user.? after role .?tool/i, sent: /"role":"tool"/ },
  // One image that it cannot read says nothing of others; but it would be refused with each later request.
  {
    name: 'no-images',
    says: /could not process image|image.{0,40}(exceeds|too (large|big|small|many)|dimension|corrupt)|(invalid|malformed|unreadable|corrupt).{0,20}image|image.{0,30}(not valid|could not be)|unsupported image (format|type)|failed to (decode|load|process|parse).{0,20}image/is,
    sent: sentImage,
    forCallOnly: true,
  },
  {
    name: 'no-images',
    says: /image|\bvision|visual|multi-?modal|mmproj|modalit|unexpected role .?user.? after role .?tool|content.{0,40}must be a string|expected .?(text|string)/i,
    sent: sentImage,
  },
  {
    name: 'no-audio',
    says: /audio|modalit|multi-?modal|content.{0,40}must be a string|expected .?(text|string)/i,
    sent: sentAudio,
  },
  { name: 'no-files', says: /(?:\b|_)file|document(?!ation)|pdf/i, sent: sentFile },
  { name: 'room', says: /context|max_new_tokens/i, forCallOnly: true, amount: room },
  { name: 'output-limit', says: /max_|tokens/i, amount: outputLimit },
  { name: 'max-completion-tokens', says: /max_completion_tokens/, sent: /"max_tokens":/ },
  {
    name: 'no-output-limit',
    says: /(un(supported|known|recognized|expected)|not (supported|allowed|permitted)|extra (inputs|fields)|invalid (parameter|argument|field)).{0,80}max_(completion_)?tokens|max_(completion_)?tokens.{0,60}(not (supported|allowed|permitted)|un(supported|known|recognized|expected)|extra inputs)/is,
    sent: /"max_(completion_)?tokens":/,
  },
  { name: 'no-stream-options', says: /stream_options|include_usage/, sent: /"stream_options":/ },
  {
    name: 'reasoning-always-back',
    says: /reasoning_content.{0,80}(missing|must be (passed|sent|provided)|required|not be empty)|(missing|must (include|provide|pass)).{0,60}reasoning_content/is,
  },
  { name: 'placeholder-signatures', says: /missing.{0,20}thought_signature/i },
  {
    name: 'forget-reasoning',
    says: /item with id .{0,80}not found|invalid .?signature|thinking.{0,40}blocks?.{0,120}cannot be modified|invalid_encrypted_content|encrypted[ _]content.{0,80}(not|cannot|failed)|must start with a thinking block|expected .?thinking.? or|required .?reasoning.? item|without its required/is,
    forCallOnly: true,
  },
  {
    name: 'no-reasoning-back',
    says: /reasoning_content|reasoning_details|thinking_blocks|messages?[.[\]\d]{1,6}.{0,30}reasoning/is,
    sent: /"reasoning_content":|"reasoning":"|"reasoning_details":|"thinking_blocks":/,
  },
  {
    name: 'no-extras-back',
    says: /extra_content|provider_specific_fields|thought_signature/,
    sent: /"extra_content":|"provider_specific_fields":/,
  },
  // Some take no schema of the answer at all, some none beside tools, some not this one: all of them take a tool that is to be called.
  {
    name: 'no-output-schema',
    says: /response_format|response format|json_schema|json schema|structured[ _-]?outputs?|text\.format|output_config|output_format|output format|json mode|response mime type|guided|grammar/i,
    sent: /"response_format":\{|"format":\{"type":"json_schema"/,
  },
  { name: 'no-summary', says: /reasoning\.summary|summary|verified/i, sent: /"summary":"auto"/ },
  { name: 'no-cache-key', says: /prompt_cache_key/, sent: /"prompt_cache_key":/ },
  { name: 'no-include', says: /\binclude(?:['"`[\]:]|$)|encrypted_content/, sent: /"include":/ },
  {
    name: 'no-store',
    says: /(un(supported|known|recognized|expected)|not (supported|allowed|permitted)|extra|invalid).{0,60}\bstore\b|\bstore\b.{0,60}(not (supported|allowed|permitted)|un(supported|known|recognized|expected)|extra)/is,
    sent: /"store":/,
  },
  {
    name: 'no-effort',
    says: /reasoning|\bthink(ing)?\b|effort|output_config/i,
    sent: /"reasoning_effort":|"effort":|"thinking":\{/,
  },
  { name: 'no-tool-choice', says: /tool_choice|tool choice/i, sent: /"tool_choice":/ },
  { name: 'no-strict', says: /\bstrict\b/, sent: /"strict":/ },
  {
    name: 'system-in-user',
    says: /system.{0,20}(role|message|prompt|instruction)s?.{0,40}(not|un)[ -]?(supported|allowed|enabled)|(developer|system) instruction is not enabled|role.{0,30}system.{0,60}(invalid|not supported|unsupported|must be)/is,
    sent: /"role":"system"/,
  },
  {
    name: 'alternating-roles',
    says: /(must|should) alternate|roles? alternat|alternating|consecutive (user|assistant)|2 or more (assistant|user) messages/i,
  },
  { name: 'nine-letter-ids', says: /a-z, A-Z, 0-9, with a length of 9/ },
  {
    name: 'no-null-content',
    says: /\bcontent\b.{0,80}(null|none|<nil>|valid string|a string|required|missing|not be empty|non-?empty)|(null|none|missing).{0,60}\bcontent\b|invalid type: null/is,
    sent: /"content":null/,
  },
  { name: 'no-cache-control', says: /cache_control/, sent: /"cache_control":/ },
  {
    name: 'whole-answers',
    says: /stream(ing|ed)?( mode| responses?)? (is |are )?(not|un)[ -]?(supported|available|allowed|enabled)|(not|n't) support stream|verified to stream|stream.{0,20}must be false/i,
    sent: /"stream":true/,
  },
  { name: 'short-descriptions', says: /description.{0,60}(too long|maximum length|at most)/is, sent: /"tools":\[/ },
  {
    name: 'plain-schemas',
    says: /additionalProperties|\$schema|unknown name .{0,120}(parameters|function_declarations|schema)|invalid (json )?schema|schema is invalid|input_schema|function_declarations|parameters\.properties|unsupported (json )?schema|schema.{0,40}not supported|got null, want|invalid value for parameter .?tools/is,
    sent: /"tools":\[/,
  },
]

function outputLimit(text: string): number | undefined {
  for (const form of outputLimits) {
    const found = Number(form.exec(text)?.[1])
    if (found > 0) return found
  }
  return undefined
}

function room(text: string): number | undefined {
  for (const form of rooms) {
    const { window, input } = form.exec(text)?.groups ?? {}
    const left = Number(window) - Number(input) - margin
    if (left >= leastRoom) return left
  }
  return undefined
}

const limits: readonly Difference[] = ['room', 'output-limit']

export interface Lesson {
  readonly name: Difference
  readonly value: number
  readonly forCallOnly: boolean
}

/** What an answer shows of its model; `value` undefined: it is so no longer. */
export interface Shown {
  readonly name: Difference
  readonly value: number | undefined
}

/** What a refusal of `body` teaches; undefined: nothing that is not known already. */
export function learnt(fault: Fault, body: string, manner: Manner, maxTokens: number): Lesson | undefined {
  if (!mayTeach(fault.status) || teachNothing.has(kindOf(fault))) return undefined
  const text = [looked(fault.message), ...(fault.words ?? [])].join(' ')
  for (const row of table) {
    if (!row.says.test(text) || (row.sent && !row.sent.test(body))) continue
    const value = row.amount ? row.amount(text) : 1
    if (value === undefined) continue
    if (limits.includes(row.name) ? value >= answerTokens(manner, maxTokens) : manner.has(row.name)) continue
    return { name: row.name, value, forCallOnly: row.forCallOnly === true }
  }
  return undefined
}

/** What passes by itself, and what no other form of the request would change. */
const teachNothing: ReadonlySet<FaultKind> = new Set([
  ...(['endless', 'too-slow', 'refused', 'wrong-key', 'no-credit', 'used-up', 'rate-limit', 'no-capacity'] as const),
  ...(['loading', 'broken-call'] as const),
])

/** Keys, credit, and limits of rate teach nothing about the form of a request. */
function mayTeach(status: number | undefined): boolean {
  if (status === undefined || status === 500 || status === 200) return true
  return status >= 400 && status < 500 && ![401, 402, 403, 408, 429].includes(status)
}

/** Of the agent's max_tokens, what this model and this conversation leave. */
export function answerTokens(manner: Manner, maxTokens: number): number {
  return Math.min(maxTokens, manner.get('output-limit') ?? maxTokens, manner.get('room') ?? maxTokens)
}

const none: Manner = new Map()
const rememberedModels = 1_000

/** What is known of the models of one provider. */
export class Manners {
  readonly #known = new Map<string, Manner>()

  of(model: string): Manner {
    return this.#known.get(model) ?? none
  }

  remember(model: string, lessons: readonly Lesson[]): void {
    const lasting = lessons.filter(({ forCallOnly }) => !forCallOnly)
    if (lasting.length > 0)
      this.#set(model, new Map([...this.of(model), ...lasting.map(({ name, value }) => [name, value] as const)]))
  }

  /** What an answer has shown. */
  note(model: string, { name, value }: Shown): void {
    const known = this.of(model)
    if (known.get(name) === value) return
    const next = new Map(known)
    if (value === undefined) next.delete(name)
    else next.set(name, value)
    this.#set(model, next)
  }

  #set(model: string, manner: Manner): void {
    const oldest = this.#known.keys().next().value
    if (this.#known.size >= rememberedModels && !this.#known.has(model) && oldest !== undefined)
      this.#known.delete(oldest)
    this.#known.set(model, manner)
  }
}
