// A request in chat completions, in the manner that the model wants (differences.ts).
//   - Reasoning goes back where a call was made, under the name that it came with; and everywhere, if the model insists.
//   - What is sent is held against the types of OpenAI's own client, as far as its form goes; nothing of that client runs.
import type { AssistantBlock, ModelMessage, ModelRequest, ToolSpec } from '@reins/contracts'
import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionFunctionTool,
  ChatCompletionToolMessageParam,
  ChatCompletionUserMessageParam,
} from 'openai/resources/chat/completions'
import { type Encoder, encodeOnce, History } from '../history/history.ts'
import { json, nineLetters, noText, wireName } from '../history/wire-text.ts'
import { isRecord } from '../http/foreign.ts'
import { answerTokens, type Difference, type Manner } from '../requests/differences.ts'
import { plainSchema } from '../requests/schemas.ts'

export class ChatRequests {
  readonly #provider: string
  /** By what of a manner shows in messages, since they are serialised once. */
  readonly #histories = new Map<string, History>()

  constructor(provider: string) {
    this.#provider = provider
  }

  encode(request: ModelRequest, manner: Manner): string {
    const system = request.system.trim() === '' ? '' : request.system
    const messages = arranged(request.messages, system, manner)
    const head = system === '' || manner.has('system-in-user') ? [] : [json({ role: 'system', content: system })]
    const pieces = this.#history(manner).encode(messages, request.model)
    const list = [...head, ...pieces.flatMap((piece) => piece.parts)].join(',')
    return `{${fieldsOf(request, manner)},"messages":[${list}]}`
  }

  #history(manner: Manner): History {
    const key = inMessages.filter((name) => manner.has(name)).join(' ')
    const known = this.#histories.get(key)
    if (known) return known
    const ids = manner.has('nine-letter-ids') ? nineLetters : undefined
    const made = new History(this.#provider, encoderFor(manner), ids)
    this.#histories.set(key, made)
    return made
  }
}

const inMessages: readonly Difference[] = [
  'reasoning-always-back',
  'no-reasoning-back',
  'forget-reasoning',
  'no-extras-back',
  'placeholder-signatures',
  'no-null-content',
  'nine-letter-ids',
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
    if (request.toolChoice === 'none' && !manner.has('no-tool-choice')) fields.push('"tool_choice":"none"')
  }
  return fields.join(',')
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
        ? [{ role: 'user', content: [part, ...first.content] }, ...rest]
        : [{ role: 'user', content: [part] }, ...list]
  }
  return manner.has('alternating-roles') ? alternating(list) : list
}

function alternating(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const merged: ModelMessage[] = []
  for (const message of messages) {
    const last = merged.at(-1)
    if (message.role === 'user' && last?.role === 'user')
      merged[merged.length - 1] = { role: 'user', content: [...last.content, ...message.content] }
    else if (message.role === 'assistant' && last?.role === 'assistant' && !callsIn(last.content))
      merged[merged.length - 1] = { ...message, content: [...last.content, ...message.content] }
    else merged.push(message)
  }
  return merged
}

const callsIn = (content: readonly AssistantBlock[]): boolean => content.some((block) => block.type === 'tool-call')

function encoderFor(manner: Manner): Encoder {
  const forgets = manner.has('forget-reasoning') || manner.has('no-reasoning-back')
  const insists = manner.has('reasoning-always-back') && !forgets
  const extras = !manner.has('no-extras-back')
  const empty = manner.has('no-null-content') ? '' : null
  return {
    user(message) {
      const text = message.content.map((part) => part.text).join('\n')
      const content = text.trim() === '' ? noText.user : text
      return [json({ role: 'user', content } satisfies ChatCompletionUserMessageParam)]
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
      ]
    },
  }
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
