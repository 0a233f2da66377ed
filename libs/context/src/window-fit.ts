// The last resort where a conversation does not fit the model's window: what is left out of one request. Compaction (libs/session/context)
// comes long before it. What it leaves out is said in the recipe of the call. Pure.
//   C1. What is dropped is a whole exchange: a user's message with everything up to the next one. So a call is never parted from
//       its result, and the conversation still begins with a user's message.
//   C2. The oldest goes first; the newest exchange is always kept. If that alone is too big, the outputs of its tools are cut to
//       head and tail, the longest first.
//   C3. Messages keep their identity: one that is not cut is the same object, and a cut one is the same for the same cut.
import { estimateText, estimateTokens, estimateTool, type ModelMessage, type ToolSpec } from '@reins/contracts'

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
  /** Outputs of tools are cut to so many characters; absent: none is. */
  readonly cut?: number
  /** Estimated: of system and tools, and of the whole. */
  readonly fixed: number
  readonly tokens: number
}

const cuts = new WeakMap<ModelMessage, Map<number, ModelMessage>>()

/** A tool's output is not cut below this many characters. */
const leastOutput = 400

export function fitToWindow(messages: readonly ModelMessage[], { window, maxTokens, system, tools }: Window): Fitted {
  const fixed = estimateText(system) + tools.reduce((sum, tool) => sum + estimateTool(tool), 0)
  // An answer may not take more than half of the window away from the conversation, whatever the agent's max_tokens says.
  const room = window - Math.min(maxTokens, Math.floor(window / 2)) - fixed
  let total = messages.reduce((sum, message) => sum + estimateTokens(message), 0)
  if (total <= room) return { messages, dropped: 0, fixed, tokens: fixed + total }

  const dropped = dropPoint(messages, total, room)
  const kept = messages.slice(dropped)
  for (const message of messages.slice(0, dropped)) total -= estimateTokens(message)
  if (total <= room) return { messages: kept, dropped, fixed, tokens: fixed + total }
  const limit = outputLimit(outputLengths(kept), (total - room) * 4)
  const shorter = cutOutputs(kept, limit)
  const left = shorter.reduce((sum, message) => sum + estimateTokens(message), 0)
  return { messages: shorter, dropped, cut: limit, fixed, tokens: fixed + left }
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

const begins = (message: ModelMessage): boolean => message.role === 'user' && !message.correction

/** Messages of a user that stand together begin one exchange. */
function exchangeStarts(messages: readonly ModelMessage[]): number[] {
  return messages.flatMap((message, at) => (begins(message) && messages[at - 1]?.role !== 'user' ? [at] : []))
}

const outputLengths = (messages: readonly ModelMessage[]): readonly number[] =>
  messages.flatMap((message) => (message.role === 'tool' ? [message.output.length] : []))

function cutOutputs(messages: readonly ModelMessage[], limit: number): readonly ModelMessage[] {
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
