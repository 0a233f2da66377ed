// A request in OpenAI's Responses API.
//   - Nothing is stored there (`store: false`): the session is the memory. So reasoning comes back encrypted; the whole
//     reasoning item is a block's `opaque`, and goes back as it came.
//   - Reasoning is asked for, with a summary that streams, of models that reason. Organisations that are not verified may not
//     see summaries, which is learnt (differences.ts).
//   - What is sent is held against the types of OpenAI's own client; nothing of that client runs.
import { createHash } from 'node:crypto'
import type { JsonObject, ModelRequest, ToolSpec } from '@reins/contracts'
import type {
  EasyInputMessage,
  FunctionTool,
  ResponseFormatTextJSONSchemaConfig,
  ResponseInputFileContent,
  ResponseInputImageContent,
  ResponseInputItem,
  ResponseInputTextContent,
  ToolChoiceFunction,
} from 'openai/resources/responses/responses'
import { outputText } from '../compatible/chat-request.ts'
import { type Encoder, encodeOnce, History } from '../history/history.ts'
import { bytesHere, imageTypeOf, type Media, messageParts, resultParts, withBytes } from '../history/result-media.ts'
import { json, noText, wireName } from '../history/wire-text.ts'
import { answerTokens, type Difference, type Manner } from '../requests/differences.ts'
import { Histories } from '../requests/histories.ts'
import { plainSchema } from '../requests/schemas.ts'
import { strictSchema } from '../requests/strict-schema.ts'

/** The others refuse `reasoning`, and encrypted reasoning with it. */
export function reasons(model: string): boolean {
  return /^(ft:)?(o\d|gpt-([5-9]|\d\d)|codex)/.test(model) && !model.includes('-chat')
}

export class ResponsesRequests {
  readonly #histories: Histories

  constructor(provider: string) {
    this.#histories = new Histories(inMessages, (manner) => new History(provider, encoder(manner)))
  }

  encode(request: ModelRequest, manner: Manner): string {
    const { model, stream, system, cacheKey } = request
    const fields = [
      `"model":${json(model)}`,
      `"max_output_tokens":${answerTokens(manner, request.maxTokens)}`,
      `"stream":${stream}`,
    ]
    if (!manner.has('no-store')) fields.push('"store":false')
    if (reasons(model)) fields.push(...reasoningFields(request, manner))
    if (cacheKey !== '' && !manner.has('no-cache-key')) fields.push(`"prompt_cache_key":${json(shortKey(cacheKey))}`)
    if (system.trim() !== '') fields.push(`"instructions":${json(system)}`)
    fields.push(...toolFields(request, manner))
    if (request.output) fields.push(`"text":{"format":${textFormat(request.output.schema, manner)}}`)
    const input = this.#histories
      .of(manner)
      .encode(request.messages, model, request.notices)
      .flatMap((piece) => piece.parts)
    fields.push(`"input":[${input.join(',')}]`)
    return `{${fields.join(',')}}`
  }
}

function reasoningFields(request: ModelRequest, manner: Manner): readonly string[] {
  const effort = request.reasoningEffort && !manner.has('no-effort') ? [`"effort":"${request.reasoningEffort}"`] : []
  const settings = [...effort, ...(manner.has('no-summary') ? [] : ['"summary":"auto"'])]
  return [
    ...(manner.has('no-include') ? [] : ['"include":["reasoning.encrypted_content"]']),
    ...(settings.length === 0 ? [] : [`"reasoning":{${settings.join(',')}}`]),
  ]
}

function toolFields(request: ModelRequest, manner: Manner): readonly string[] {
  if (request.tools.length === 0) return []
  const form = manner.has('plain-schemas') ? plainTools : manner.has('no-strict') ? looseTools : wholeTools
  const tools = request.tools.map((tool) => encodeOnce(tool, form.cache, form.encode))
  const choice =
    request.toolChoice && !manner.has('no-tool-choice') ? [`"tool_choice":${toolChoice(request.toolChoice)}`] : []
  return [`"tools":[${tools.join(',')}]`, ...choice]
}

function toolChoice(choice: NonNullable<ModelRequest['toolChoice']>): string {
  if (choice === 'none') return '"none"'
  return choice === 'any' ? '"required"' : json({ type, name: choice.tool } satisfies ToolChoiceFunction)
}

function textFormat(schema: JsonObject, manner: Manner): string {
  const strict = strictSchema(schema, { all: true })
  const format = { type: 'json_schema' as const, name: 'result', schema: { ...(strict ?? schema) } }
  return json(
    (manner.has('no-strict')
      ? format
      : { ...format, strict: strict !== undefined }) satisfies ResponseFormatTextJSONSchemaConfig,
  )
}

const type = 'function' as const
const wholeTools = {
  cache: new WeakMap<object, string>(),
  encode: ({ name, description, parameters }: ToolSpec) =>
    json({ type, name, description, parameters: { ...parameters }, strict: false } satisfies FunctionTool),
}
const looseTools = {
  cache: new WeakMap<object, string>(),
  encode: ({ name, description, parameters }: ToolSpec) => json({ type, name, description, parameters }),
}
const plainTools = {
  cache: new WeakMap<object, string>(),
  encode: ({ name, description, parameters }: ToolSpec) =>
    json({ type, name, description, parameters: plainSchema(parameters) }),
}

/** At most 64 characters are taken. */
function shortKey(key: string): string {
  return key.length <= 64 ? key : createHash('sha256').update(key).digest('hex')
}

/** What of a manner shows in messages, since they are serialised once. */
const inMessages: readonly Difference[] = ['forget-reasoning', 'no-images', 'no-files']

function encoder(manner: Manner): Encoder {
  const reasoning = !manner.has('forget-reasoning')
  return {
    user(message) {
      const parts = messageParts(message, textPart, (block) => mediaPart(block, manner))
      return [`{"role":"user","content":[${parts.length === 0 ? textPart(noText.user) : parts.join(',')}]}`]
    },
    assistant(message, own, idOf) {
      return message.content.flatMap((block) => {
        switch (block.type) {
          case 'text':
            return block.text.trim() === ''
              ? []
              : [json({ role: 'assistant', content: block.text } satisfies EasyInputMessage)]
          case 'reasoning':
            return own && reasoning && block.opaque && isJson(block.opaque) ? [block.opaque] : []
          case 'tool-call': {
            const name = wireName(block.name)
            const call: ResponseInputItem = {
              ...{ type: 'function_call', call_id: idOf(block), name },
              arguments: json(block.arguments),
            }
            return [json(call)]
          }
          default:
            return block satisfies never
        }
      })
    },
    tool(message, id) {
      const result = { type: 'function_call_output', call_id: id, output: outputText(message) } as const
      const parts = message.error
        ? []
        : resultParts(message.content ?? [], textPart, (block) => mediaPart(block, manner))
      if (parts.length === 0) return [json(result satisfies ResponseInputItem)]
      return [`{"type":"function_call_output","call_id":${json(id)},"output":[${parts.join(',')}]}`]
    },
  }
}

const textPart = (text: string): string => json({ type: 'input_text', text } satisfies ResponseInputTextContent)

function mediaPart(block: Media, manner: Manner): string | undefined {
  const data = `data:${block.mimeType};base64,${bytesHere}`
  if (imageTypeOf(block) !== undefined && !manner.has('no-images')) {
    const part: ResponseInputImageContent = { type: 'input_image', detail: 'auto', image_url: data }
    return withBytes(block, json(part))
  }
  if (block.type !== 'file' || block.mimeType !== 'application/pdf' || manner.has('no-files')) return undefined
  const filename = (block.name ?? 'file.pdf').replaceAll(bytesHere, '')
  return withBytes(block, json({ type: 'input_file', filename, file_data: data } satisfies ResponseInputFileContent))
}

/** A broken item would break the whole request, now and later. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
