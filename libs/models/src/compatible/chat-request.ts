// A request in chat completions, in the manner that the model wants (differences.ts).
//   - Reasoning goes back where a call was made, under the name that it came with; and everywhere, if the model insists.
//   - What is sent is held against the types of OpenAI's own client, as far as its form goes; nothing of that client runs.
import {
  type AssistantBlock,
  blockText,
  isMedia,
  type JsonObject,
  type ModelMessage,
  type ModelRequest,
  type ToolSpec,
} from '@reins/contracts'
import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPartImage,
  ChatCompletionContentPartInputAudio,
  ChatCompletionContentPartText,
  ChatCompletionFunctionTool,
  ChatCompletionNamedToolChoice,
  ChatCompletionToolMessageParam,
  ChatCompletionUserMessageParam,
} from 'openai/resources/chat/completions'
import type { ResponseFormatJSONSchema } from 'openai/resources/shared'
import { type Encoder, encodeOnce, History, type Piece } from '../history/history.ts'
import { bytesHere, imageTypeOf, type Media, withBytes } from '../history/result-media.ts'
import { json, nineLetters, noText, wireName } from '../history/wire-text.ts'
import { isRecord } from '../http/foreign.ts'
import { answerTokens, type Difference, type Manner } from '../requests/differences.ts'
import { Histories } from '../requests/histories.ts'
import { plainSchema } from '../requests/schemas.ts'
import { strictSchema } from '../requests/strict-schema.ts'

type ToolMessage = Extract<ModelMessage, { role: 'tool' }>
type UserMessage = Extract<ModelMessage, { role: 'user' }>

export class ChatRequests {
  readonly #histories: Histories

  constructor(provider: string) {
    this.#histories = new Histories(
      inMessages,
      (manner) => new History(provider, encoderFor(manner), manner.has('nine-letter-ids') ? nineLetters : undefined),
    )
  }

  encode(request: ModelRequest, manner: Manner): string {
    const system = request.system.trim() === '' ? '' : request.system
    const messages = arranged(request.messages, system, manner)
    const head = system === '' || manner.has('system-in-user') ? [] : [json({ role: 'system', content: system })]
    const pieces = this.#histories.of(manner).encode(messages, request.model, request.notices)
    const list = [...head, ...withResults(pieces, manner.has('answer-before-user') ? [noAnswer] : [])].join(',')
    return `{${fieldsOf(request, manner)},"messages":[${list}]}`
  }
}

/**
 * Results of tools are texts in this form. What else they hold stands behind the results of one answer, in a message of the user's
 * (mediaParts): the first part of a result is the result, the others belong there. `between`: what stands between results and a message
 * of the user's.
 */
function withResults(pieces: readonly Piece[], between: readonly string[]): readonly string[] {
  const list: string[] = []
  let media: string[] = []
  const flush = (): void => {
    if (media.length > 0) list.push(...between, `{"role":"user","content":[${media.join(',')}]}`)
    media = []
  }
  let before: Piece['role'] | undefined
  for (const { role, parts } of pieces) {
    if (role !== 'tool') {
      if (role === 'user' && before === 'tool' && media.length === 0) list.push(...between)
      flush()
    }
    before = role
    const [first, ...more] = parts
    if (role === 'tool' && first !== undefined) {
      list.push(first)
      media.push(...more)
    } else list.push(...parts)
  }
  flush()
  return list
}

/** Where results of tools may be followed by an answer only: a person wrote before there was one. */
const noAnswer = json({ role: 'assistant', content: noText.answer } satisfies ChatCompletionAssistantMessageParam)

/** What of a manner shows in messages, since they are serialised once. */
const inMessages: readonly Difference[] = [
  'reasoning-always-back',
  'no-reasoning-back',
  'forget-reasoning',
  'no-extras-back',
  'placeholder-signatures',
  'no-null-content',
  'nine-letter-ids',
  'no-images',
  'no-audio',
]

function fieldsOf(request: ModelRequest, manner: Manner): string {
  const { model, stream, tools } = request
  const limit = manner.has('max-completion-tokens') ? 'max_completion_tokens' : 'max_tokens'
  const fields = [`"model":${json(model)}`, `"stream":${stream}`]
  if (!manner.has('no-output-limit')) fields.push(`"${limit}":${answerTokens(manner, request.maxTokens)}`)
  if (stream && !manner.has('no-stream-options')) fields.push('"stream_options":{"include_usage":true}')
  if (request.reasoningEffort && !manner.has('no-effort'))
    fields.push(`"reasoning_effort":"${request.reasoningEffort}"`)
  if (tools.length > 0) {
    const plain = manner.has('plain-schemas')
    const encoded = tools.map((tool) =>
      encodeOnce(tool, plain ? plainTools : wholeTools, plain ? encodePlain : encodeTool),
    )
    fields.push(`"tools":[${encoded.join(',')}]`)
    if (request.toolChoice && !manner.has('no-tool-choice'))
      fields.push(`"tool_choice":${toolChoice(request.toolChoice)}`)
  }
  if (request.output) fields.push(`"response_format":${responseFormat(request.output.schema, manner)}`)
  return fields.join(',')
}

function toolChoice(choice: NonNullable<ModelRequest['toolChoice']>): string {
  if (choice === 'none') return '"none"'
  if (choice === 'any') return '"required"'
  return json({ type: 'function', function: { name: choice.tool } } satisfies ChatCompletionNamedToolChoice)
}

/** Without a strict form, a provider holds the model to as much of the schema as it can. */
function responseFormat(schema: JsonObject, manner: Manner): string {
  const strict = strictSchema(schema, { all: true })
  const json_schema = { name: 'result', schema: { ...(strict ?? schema) } }
  return manner.has('no-strict')
    ? json({ type: 'json_schema', json_schema })
    : json({
        type: 'json_schema',
        json_schema: { ...json_schema, strict: strict !== undefined },
      } satisfies ResponseFormatJSONSchema)
}

const wholeTools = new WeakMap<object, string>()
const plainTools = new WeakMap<object, string>()

function encodeTool({ name, description, parameters }: ToolSpec): string {
  const fn = { name, description, parameters: { ...parameters } }
  return json({ type: 'function', function: fn } satisfies ChatCompletionFunctionTool)
}

function encodePlain({ name, description, parameters }: ToolSpec): string {
  return json({ type: 'function', function: { name, description, parameters: plainSchema(parameters) } })
}

/** For templates without a system's role, and for those in which roles must alternate. */
function arranged(messages: readonly ModelMessage[], system: string, manner: Manner): readonly ModelMessage[] {
  let list = messages
  if (manner.has('system-in-user') && system !== '') {
    const part = { type: 'text', text: system } as const
    const [first, ...rest] = list
    list =
      first?.role === 'user'
        ? [{ ...imagesOf([first]), role: 'user', content: [part, ...first.content] }, ...rest]
        : [{ role: 'user', content: [part] }, ...list]
  }
  return manner.has('alternating-roles') ? alternating(list) : list
}

function alternating(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const merged: ModelMessage[] = []
  for (const message of messages) {
    const last = merged.at(-1)
    if (message.role === 'user' && last?.role === 'user')
      merged[merged.length - 1] = {
        role: 'user',
        content: [...last.content, ...message.content],
        ...imagesOf([last, message]),
      }
    else if (message.role === 'assistant' && last?.role === 'assistant' && !callsIn(last.content))
      merged[merged.length - 1] = { ...message, content: [...last.content, ...message.content] }
    else merged.push(message)
  }
  return merged
}

const imagesOf = (messages: readonly UserMessage[]): Pick<UserMessage, 'images'> => {
  const images = messages.flatMap((message) => message.images ?? [])
  return images.length === 0 ? {} : { images }
}

const callsIn = (content: readonly AssistantBlock[]): boolean => content.some((block) => block.type === 'tool-call')

function encoderFor(manner: Manner): Encoder {
  const forgets = manner.has('forget-reasoning') || manner.has('no-reasoning-back')
  const insists = manner.has('reasoning-always-back') && !forgets
  const extras = !manner.has('no-extras-back')
  const empty = manner.has('no-null-content') ? '' : null
  return {
    user(message) {
      const images = (message.images ?? []).map((image) => ({ image, part: mediaPart(image, manner) }))
      const shown = images.flatMap(({ part }) => part ?? [])
      const told = images.flatMap(({ image, part }) => (part === undefined ? [blockText(image)] : []))
      const text = [...told, ...message.content.map((part) => part.text)].join('\n')
      const content = text.trim() === '' ? noText.user : text
      if (shown.length === 0) return [json({ role: 'user', content } satisfies ChatCompletionUserMessageParam)]
      return [`{"role":"user","content":[${[...shown, textPart(content)].join(',')}]}`]
    },
    assistant(message, own, idOf) {
      const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
      const calls = message.content.flatMap((block) => {
        if (block.type !== 'tool-call') return []
        const data = own && extras ? block.provided?.data : undefined
        const signed = manner.has('placeholder-signatures') && !data?.extra_content ? placeholder : {}
        const fn = { name: wireName(block.name), arguments: json(block.arguments) }
        return [{ ...data, ...signed, id: idOf(block), type: 'function' as const, function: fn }]
      })
      if (text.trim() === '' && calls.length === 0) return []
      return [
        json({
          role: 'assistant',
          content: text === '' ? empty : text,
          ...(forgets ? {} : reasoningBack(message.content, own, calls.length > 0, insists)),
          ...(own && extras ? extraContent(message.content) : {}),
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        } satisfies ChatCompletionAssistantMessageParam),
      ]
    },
    tool(message, id) {
      return [
        json({
          ...{ role: 'tool', tool_call_id: id },
          content: outputText(message),
        } satisfies ChatCompletionToolMessageParam),
        ...mediaParts(message, manner),
      ]
    },
  }
}

function mediaParts({ content = [], name }: ToolMessage, manner: Manner): readonly string[] {
  const parts = content.flatMap((block) => (isMedia(block) ? (mediaPart(block, manner) ?? []) : []))
  return parts.length === 0 ? [] : [textPart(`From the result of ${wireName(name)} above:`), ...parts]
}

const textPart = (text: string): string => json({ type: 'text', text } satisfies ChatCompletionContentPartText)

const audioFormats: Readonly<Record<string, 'wav' | 'mp3'>> = {
  'audio/wav': 'wav',
  'audio/wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
}

function mediaPart(block: Media, manner: Manner): string | undefined {
  if (imageTypeOf(block) !== undefined && !manner.has('no-images')) {
    const url = `data:${block.mimeType};base64,${bytesHere}`
    return withBytes(block, json({ type: 'image_url', image_url: { url } } satisfies ChatCompletionContentPartImage))
  }
  const format = block.type === 'audio' ? audioFormats[block.mimeType] : undefined
  if (format === undefined || manner.has('no-audio')) return undefined
  const input_audio = { data: bytesHere, format }
  return withBytes(block, json({ type: 'input_audio', input_audio } satisfies ChatCompletionContentPartInputAudio))
}

/** What Google says to send for calls that its model has not signed. */
const placeholder = { extra_content: { google: { thought_signature: 'skip_thought_signature_validator' } } }

function reasoningBack(
  content: readonly AssistantBlock[],
  own: boolean,
  calls: boolean,
  insists: boolean,
): Record<string, unknown> {
  const back: Record<string, unknown> = insists ? { reasoning_content: '' } : {}
  if (!own || !(calls || insists)) return back
  for (const block of content) {
    if (block.type !== 'reasoning') continue
    const { field, reasoning_details, thinking_blocks, reasoning_opaque } = block.provided?.data ?? {}
    const name = typeof field === 'string' ? field : insists ? 'reasoning_content' : undefined
    if (name !== undefined && block.text !== '')
      back[name] = (typeof back[name] === 'string' ? back[name] : '') + block.text
    if (reasoning_details !== undefined) back.reasoning_details = reasoning_details
    if (thinking_blocks !== undefined) back.thinking_blocks = thinking_blocks
    if (reasoning_opaque !== undefined) back.reasoning_opaque = reasoning_opaque
  }
  return back
}

function extraContent(content: readonly AssistantBlock[]): Record<string, unknown> {
  for (const block of content) {
    const extra = block.type === 'reasoning' ? block.provided?.data.extra_content : undefined
    if (isRecord(extra)) return { extra_content: extra }
  }
  return {}
}

/** This wire form has no flag for an error: the text has to say it. */
export function outputText(message: { readonly output: string; readonly error: boolean }): string {
  const text = message.output.trim() === '' ? noText.output : message.output
  return message.error && !/^error/i.test(text) ? `Error: ${text}` : text
}
