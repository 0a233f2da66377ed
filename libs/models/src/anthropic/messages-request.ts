// A request in Anthropic's Messages API.
//   - Prompt caching: breakpoints on the system prompt, on the last tool, on the newest message, and where that was a request ago: a
//     provider looks back only so many blocks for what it has. Notices stand behind the last breakpoint: they are not sent again.
//   - Thinking: `adaptive` with an effort for models since 4.6; a budget of tokens, below max_tokens, for those from 3.7 to 4.5;
//     nothing for others. A thinking block goes back with its signature, which is `opaque`.
//   - What is sent is held against the types of Anthropic's own client; nothing of that client runs.
import type {
  DocumentBlockParam,
  ImageBlockParam,
  JSONOutputFormat,
  RedactedThinkingBlockParam,
  TextBlockParam,
  ThinkingBlockParam,
  Tool,
  ToolChoice,
  ToolResultBlockParam,
  ToolUseBlockParam,
} from '@anthropic-ai/sdk/resources/messages'
import type { ModelRequest, ToolSpec } from '@reins/contracts'
import { type Encoder, encodeOnce, History, type Piece } from '../history/history.ts'
import { bytesHere, imageTypeOf, type Media, messageParts, resultParts, withBytes } from '../history/result-media.ts'
import { json, noText, wireName } from '../history/wire-text.ts'
import { answerTokens, type Difference, type Manner } from '../requests/differences.ts'
import { Histories } from '../requests/histories.ts'
import { plainSchema } from '../requests/schemas.ts'
import { strictSchema } from '../requests/strict-schema.ts'
import { thinkingBudget, thinkingOf } from './claude-models.ts'

interface Thinking {
  readonly fields: readonly string[]
  /** Of `output_config`. */
  readonly config: readonly string[]
}
const noThinking: Thinking = { fields: [], config: [] }

const cached = '"cache_control":{"type":"ephemeral"}'
/** Marks a `redacted_thinking` block among the opaque values; a signature is base64 and has no colon. */
export const redactedPrefix = 'redacted:'

export class MessagesRequests {
  readonly #histories: Histories

  constructor(provider: string) {
    this.#histories = new Histories(inMessages, (manner) => new History(provider, encoder(manner)))
  }

  encode(request: ModelRequest, manner: Manner): string {
    const { model, stream } = request
    const forgets = manner.has('forget-reasoning')
    const mark = manner.has('no-cache-control') ? (parts: readonly string[]) => [...parts] : markLast
    const maxTokens = answerTokens(manner, request.maxTokens)
    const fields = [`"model":${json(model)}`, `"max_tokens":${maxTokens}`, `"stream":${stream}`]
    const thinking =
      request.reasoningEffort && !manner.has('no-effort') && !forgets
        ? this.#thinking(request, request.reasoningEffort, maxTokens, manner)
        : noThinking
    fields.push(...thinking.fields)
    const config = [...thinking.config, ...formatFields(request)]
    if (config.length > 0) fields.push(`"output_config":{${config.join(',')}}`)
    if (request.system.trim() !== '') fields.push(`"system":[${mark([textBlock(request.system)])}]`)
    fields.push(...toolFields(request, manner, mark, thinking.fields.length > 0))
    const turns = mergeTurns(this.#histories.of(manner).encode(request.messages, model))
    const last = turns.at(-1)
    // Thinking blocks cannot carry a breakpoint; the last message is the user's or a tool's in every request that a session makes.
    if (last?.role === 'user') {
      for (const turn of turns.filter(({ role }) => role === 'user').slice(-2)) turn.parts = [...mark(turn.parts)]
      if (request.notices?.length) last.parts.push(textBlock(request.notices.join('\n')))
    }
    const list = turns.map(({ role, parts }) => `{"role":"${role}","content":[${parts.join(',')}]}`)
    fields.push(`"messages":[${list.join(',')}]`)
    return `{${fields.join(',')}}`
  }

  #thinking(
    request: ModelRequest,
    effort: NonNullable<ModelRequest['reasoningEffort']>,
    maxTokens: number,
    manner: Manner,
  ): Thinking {
    switch (thinkingOf(request.model)) {
      case 'adaptive':
        return { fields: ['"thinking":{"type":"adaptive","display":"summarized"}'], config: [`"effort":"${effort}"`] }
      case 'budget': {
        const budget = thinkingBudget(effort, maxTokens)
        if (budget === undefined || !this.#startsWithThinking(request, manner)) return noThinking
        return { fields: [`"thinking":{"type":"enabled","budget_tokens":${budget}}`], config: [] }
      }
      case 'none':
        return noThinking
    }
  }

  /** With a budget, a turn that goes on after tool calls must have begun with thinking: one that another model began has not. */
  #startsWithThinking(request: ModelRequest, manner: Manner): boolean {
    const asked = request.messages.findLastIndex((message) => message.role === 'user')
    const first = request.messages.slice(asked + 1).find((message) => message.role === 'assistant')
    return (
      first === undefined ||
      (this.#histories.of(manner).own(first, request.model) &&
        first.content.some((block) => block.type === 'reasoning' && block.opaque))
    )
  }
}

function toolFields(
  request: ModelRequest,
  manner: Manner,
  mark: (parts: readonly string[]) => readonly string[],
  thinks: boolean,
): readonly string[] {
  const plain = manner.has('plain-schemas')
  const offered = request.tools.map((tool) =>
    encodeOnce(tool, plain ? plainTools : wholeTools, plain ? encodePlain : encodeTool),
  )
  const tools = offered.length > 0 ? offered : withheldTools(request)
  if (tools.length === 0) return []
  const choice = toolChoice(offered.length === 0 ? 'none' : request.toolChoice, thinks)
  const chosen = choice !== undefined && !manner.has('no-tool-choice')
  return [`"tools":[${mark(tools).join(',')}]`, ...(chosen ? [`"tool_choice":${json(choice)}`] : [])]
}

/** A model that thinks may not be made to call a tool. */
function toolChoice(choice: ModelRequest['toolChoice'], thinks: boolean): ToolChoice | undefined {
  if (choice === 'none') return { type: 'none' }
  if (choice === undefined || thinks) return undefined
  return choice === 'any' ? { type: 'any' } : { type: 'tool', name: choice.tool }
}

function formatFields({ output }: ModelRequest): readonly string[] {
  const schema = output && strictSchema(output.schema)
  return schema ? [`"format":${json({ type: 'json_schema', schema: { ...schema } } satisfies JSONOutputFormat)}`] : []
}

/** A conversation with calls needs their tools, also where none may be called any more. */
function withheldTools(request: ModelRequest): string[] {
  const calls = request.messages.flatMap((message) => (message.role === 'assistant' ? message.content : []))
  const names = new Set(calls.flatMap((block) => (block.type === 'tool-call' ? [wireName(block.name)] : [])))
  return [...names].map((name) => encodeTool({ name, description: 'Not available now.', parameters: {} }))
}

/** Turns must alternate; results of tools are the user's, and those of one answer stand together in one message. */
function mergeTurns(pieces: readonly Piece[]): { role: 'user' | 'assistant'; parts: string[] }[] {
  const turns: { role: 'user' | 'assistant'; parts: string[] }[] = []
  for (const piece of pieces) {
    const role = piece.role === 'assistant' ? 'assistant' : 'user'
    const last = turns.at(-1)
    if (last?.role === role) last.parts.push(...piece.parts)
    else turns.push({ role, parts: [...piece.parts] })
  }
  return turns
}

function markLast(parts: readonly string[]): string[] {
  return parts.map((part, at) => (at === parts.length - 1 ? `${part.slice(0, -1)},${cached}}` : part))
}

const wholeTools = new WeakMap<object, string>()
const plainTools = new WeakMap<object, string>()

function encodeTool({ name, description, parameters }: ToolSpec): string {
  return json({ name, description, input_schema: { ...parameters, type: 'object' } } satisfies Tool)
}

function encodePlain({ name, description, parameters }: ToolSpec): string {
  return json({ name, description, input_schema: plainSchema({ type: 'object', ...parameters }) })
}

/** What of a manner shows in messages, since they are serialised once. */
const inMessages: readonly Difference[] = ['forget-reasoning', 'no-images', 'no-files']

function encoder(manner: Manner): Encoder {
  const reasoning = !manner.has('forget-reasoning')
  return {
    user(message) {
      // An empty text block is refused, and a message without content too.
      const parts = messageParts(message, textBlock, (block) => mediaBlock(block, manner))
      return parts.length === 0 ? [textBlock(noText.user)] : parts
    },
    assistant(message, own, idOf) {
      return message.content.flatMap((block) => {
        switch (block.type) {
          case 'text':
            return block.text.trim() === '' ? [] : [textBlock(block.text)]
          case 'reasoning':
            return own && reasoning && block.opaque ? [thinkingBlock(block.text, block.opaque)] : []
          case 'tool-call':
            return [
              json({
                ...{ type: 'tool_use', id: idOf(block), name: wireName(block.name) },
                input: block.arguments,
              } satisfies ToolUseBlockParam),
            ]
          default:
            return block satisfies never
        }
      })
    },
    tool(message, id) {
      const result = { type: 'tool_result', tool_use_id: id } satisfies ToolResultBlockParam
      // An error may hold texts only.
      const parts = message.error
        ? []
        : resultParts(message.content ?? [], textBlock, (block) => mediaBlock(block, manner))
      if (parts.length > 0) return [`${json(result).slice(0, -1)},"content":[${parts.join(',')}]}`]
      const content = message.output.trim() === '' ? noText.output : message.output
      const whole: ToolResultBlockParam = { ...result, content }
      return [json(message.error ? { ...whole, is_error: true } : whole)]
    },
  }
}

function mediaBlock(block: Media, manner: Manner): string | undefined {
  const media_type = imageTypeOf(block)
  if (media_type !== undefined && !manner.has('no-images')) {
    const source = { type: 'base64', media_type, data: bytesHere } as const
    return withBytes(block, json({ type: 'image', source } satisfies ImageBlockParam))
  }
  if (block.type !== 'file' || block.mimeType !== 'application/pdf' || manner.has('no-files')) return undefined
  const source = { type: 'base64', media_type: block.mimeType, data: bytesHere } as const
  return withBytes(block, json({ type: 'document', source } satisfies DocumentBlockParam))
}

function textBlock(text: string): string {
  return json({ type: 'text', text } satisfies TextBlockParam)
}

function thinkingBlock(text: string, opaque: string): string {
  return opaque.startsWith(redactedPrefix)
    ? json({
        type: 'redacted_thinking',
        data: opaque.slice(redactedPrefix.length),
      } satisfies RedactedThinkingBlockParam)
    : json({ type: 'thinking', thinking: text, signature: opaque } satisfies ThinkingBlockParam)
}
