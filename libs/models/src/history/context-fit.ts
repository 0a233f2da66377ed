// Working memory is the session itself, fitted to the model's window. Pure.
//   C1. What is dropped is a whole exchange: a user's message with everything up to the next one. So a call is never parted from
//       its result, and the conversation still begins with a user's message.
//   C2. The oldest goes first; the newest exchange is always kept. If that alone is too big, the outputs of its tools are cut to
//       head and tail, the longest first.
//   C3. Messages keep their identity: one that is not cut is the same object, and a cut one is the same for the same cut.
import type { ModelMessage, ProviderData, ToolSpec } from '@reins/contracts'
import { isMedia } from './result-media.ts'

export interface Window {
  /** Tokens of input and output together. */
  readonly window: number
  /** Tokens kept free for the answer. */
  readonly maxTokens: number
  readonly system: string
  readonly tools: readonly ToolSpec[]
}

export interface Fitted {
  readonly messages: readonly ModelMessage[]
  /** How many messages, from the oldest, are not in it. */
  readonly dropped: number
}

const messageTokens = new WeakMap<ModelMessage, number>()
const toolTokens = new WeakMap<ToolSpec, number>()
const cuts = new WeakMap<ModelMessage, Map<number, ModelMessage>>()

/** What a provider adds around a message or a tool. */
const overhead = 8
/** What an image costs, and a page or a minute of sound about as much, as if it were text. */
const mediaCharacters = 6_400
/** A tool's output is not cut below this many characters. */
const leastOutput = 400

/** Four characters a token: close for English and code, and wrong in the safe direction for few. */
export function estimateTokens(message: ModelMessage): number {
  const known = messageTokens.get(message)
  if (known !== undefined) return known
  const estimate = overhead + Math.ceil(characters(message) / 4)
  messageTokens.set(message, estimate)
  return estimate
}

export function fitToWindow(messages: readonly ModelMessage[], { window, maxTokens, system, tools }: Window): Fitted {
  const fixed = Math.ceil(system.length / 4) + tools.reduce((sum, tool) => sum + estimateTool(tool), 0)
  // An answer may not take more than half of the window away from the conversation, whatever the agent's max_tokens says.
  const room = window - Math.min(maxTokens, Math.floor(window / 2)) - fixed
  let total = messages.reduce((sum, message) => sum + estimateTokens(message), 0)
  if (total <= room) return { messages, dropped: 0 }

  const dropped = dropPoint(messages, total, room)
  const kept = messages.slice(dropped)
  for (const message of messages.slice(0, dropped)) total -= estimateTokens(message)
  return { messages: total <= room ? kept : cutOutputs(kept, total - room), dropped }
}

/**
 * Where the kept part begins. Not at the first exchange that would do, but at the first that begins another quarter of the room:
 * so the beginning stays where it is for a while, and with it the provider's prompt cache.
 */
function dropPoint(messages: readonly ModelMessage[], total: number, room: number): number {
  const starts = exchangeStarts(messages)
  let before = 0
  let from = 0
  let quarter = 0
  let first: number | undefined
  for (const start of starts) {
    for (const message of messages.slice(from, start)) before += estimateTokens(message)
    from = start
    const begins = Math.floor(before / (room / 4)) > quarter
    quarter = Math.floor(before / (room / 4))
    if (total - before > room) continue
    first ??= start
    if (begins) return start
  }
  return first ?? starts.at(-1) ?? 0
}

/** Messages of a user that stand together begin one exchange. */
function exchangeStarts(messages: readonly ModelMessage[]): number[] {
  return messages.flatMap((message, at) => (message.role === 'user' && messages[at - 1]?.role !== 'user' ? [at] : []))
}

function cutOutputs(messages: readonly ModelMessage[], excessTokens: number): readonly ModelMessage[] {
  const outputs = messages.filter((message) => message.role === 'tool').map((message) => message.output.length)
  const limit = outputLimit(outputs, excessTokens * 4)
  return messages.map((message) =>
    message.role === 'tool' && message.output.length > limit ? cut(message, limit) : message,
  )
}

/** The length to which outputs must be cut so that `excess` characters are gone: the longest pay first. */
function outputLimit(lengths: readonly number[], excess: number): number {
  const longest = [...lengths].sort((a, b) => b - a)
  let saved = 0
  for (const [at, length] of longest.entries()) {
    const next = Math.max(longest[at + 1] ?? 0, leastOutput)
    const gain = (at + 1) * (length - next)
    if (length <= leastOutput) break
    // The note in the place of the cut costs some characters too.
    const needed = excess + (at + 1) * 80
    if (saved + gain >= needed) return Math.max(leastOutput, length - Math.ceil((needed - saved) / (at + 1)))
    saved += gain
  }
  return leastOutput
}

type ToolMessage = Extract<ModelMessage, { role: 'tool' }>

function cut(message: ToolMessage, limit: number): ModelMessage {
  // Steps of 256: a conversation that grows a little is not cut anew, and its serialised form stays.
  const length = limit <= leastOutput ? leastOutput : Math.max(leastOutput, Math.floor(limit / 256) * 256)
  const made = cuts.get(message) ?? new Map<number, ModelMessage>()
  cuts.set(message, made)
  const known = made.get(length)
  if (known) return known
  const head = Math.ceil(length * 0.6)
  const tail = length - head
  const gone = message.output.length - length
  const output = `${message.output.slice(0, head)}\n[… ${gone} characters left out to fit the model's window …]\n${message.output.slice(-tail)}`
  // Its other blocks go with what is left out: they are named in the text.
  const { content: _, ...rest } = message
  const short = { ...rest, output }
  made.set(length, short)
  return short
}

function estimateTool(tool: ToolSpec): number {
  const known = toolTokens.get(tool)
  if (known !== undefined) return known
  const estimate =
    overhead + Math.ceil((tool.name.length + tool.description.length + JSON.stringify(tool.parameters).length) / 4)
  toolTokens.set(tool, estimate)
  return estimate
}

function characters(message: ModelMessage): number {
  switch (message.role) {
    case 'user':
      return message.content.reduce((sum, part) => sum + part.text.length, 0)
    case 'tool':
      return message.output.length + mediaCharacters * (message.content?.filter(isMedia).length ?? 0)
    case 'assistant':
      return message.content.reduce((sum, block) => {
        switch (block.type) {
          case 'text':
            return sum + block.text.length
          case 'reasoning':
            return sum + block.text.length + (block.opaque?.length ?? 0) + providedLength(block)
          case 'tool-call':
            return (
              sum + block.name.length + JSON.stringify(block.arguments).length + overhead * 4 + providedLength(block)
            )
          default:
            return block satisfies never
        }
      }, 0)
    default:
      return message satisfies never
  }
}

function providedLength({ provided }: { readonly provided?: ProviderData }): number {
  return provided === undefined ? 0 : JSON.stringify(provided.data).length
}
