// A conversation as a provider wants to read it, in pieces of ready JSON.
//   H1. A message is serialised once: the pieces are kept by the identity of the message (messages are immutable), so a call
//       late in a long session costs joining strings. Since a conversation mostly grows at its end, the list of pieces is kept too.
//   H2. Every tool call has exactly one result, right behind it and in the order of the calls (pairing.ts).
//   H3. Reasoning, and what else a provider wants back, goes to the model that made it and to no other: its signature holds
//       nowhere else.
//   H4. A call goes back under its provider's id where this provider made it and the id is fresh; else under Reins' own, which
//       is unique in the session (several servers count from one in every answer).
import type { ModelMessage, ToolCallBlock } from '@reins/contracts'
import { withNotices } from './notices.ts'
import { pairCalls } from './pairing.ts'
import { wireId } from './wire-text.ts'

type UserMessage = Extract<ModelMessage, { role: 'user' }>
type AssistantMessage = Extract<ModelMessage, { role: 'assistant' }>
type ToolMessage = Extract<ModelMessage, { role: 'tool' }>

/** One provider's wire form: each function gives the JSON of the blocks (or items, or messages) that a message becomes. */
export interface Encoder {
  user(message: UserMessage): readonly string[]
  /** `own`: the model that is asked has made it (H3). */
  assistant(message: AssistantMessage, own: boolean, idOf: (call: ToolCallBlock) => string): readonly string[]
  tool(message: ToolMessage, id: string): readonly string[]
}

export interface Piece {
  readonly role: ModelMessage['role']
  readonly parts: readonly string[]
}

/** The pieces of a conversation that was in order (H2), for the one that continues it. */
interface Prefix {
  readonly model: string
  readonly messages: readonly ModelMessage[]
  readonly pieces: readonly Piece[]
  readonly ids: Map<string, string>
  readonly used: Set<string>
}

export class History {
  readonly #provider: string
  readonly #encoder: Encoder
  readonly #idForm: (id: string) => string
  readonly #pieces = new WeakMap<ModelMessage, readonly string[]>()
  readonly #withReasoning = new WeakMap<ModelMessage, readonly string[]>()
  readonly #ids = new WeakMap<ToolCallBlock, string>()
  /** By the first message of the conversation. */
  readonly #prefixes = new WeakMap<ModelMessage, Prefix>()

  /** `idForm`: what every id becomes, for those who take only some. */
  constructor(provider: string, encoder: Encoder, idForm: (id: string) => string = (id) => id) {
    this.#provider = provider
    this.#encoder = encoder
    this.#idForm = idForm
  }

  /** `notices`: told behind the newest message, in its own piece; nothing of them is kept. */
  encode(messages: readonly ModelMessage[], model: string, notices?: readonly string[]): readonly Piece[] {
    const [first] = messages
    if (!first) return []
    const known = this.#prefixes.get(first)
    const prefix = known?.model === model && begins(messages, known.messages) ? known : undefined
    const ids = prefix?.ids ?? new Map<string, string>()
    const used = prefix?.used ?? new Set<string>()
    const pieces = prefix ? [...prefix.pieces] : []
    const added = prefix ? messages.slice(prefix.messages.length) : messages
    const paired = pairCalls(added)
    for (const message of paired) {
      const parts = this.#parts(message, model, ids, used)
      if (parts.length > 0) pieces.push({ role: message.role, parts })
    }
    if (paired === added) this.#prefixes.set(first, { model, messages: [...messages], pieces, ids, used })
    return this.#noticed(pieces, messages, notices, { model, ids, used })
  }

  #noticed(
    pieces: readonly Piece[],
    messages: readonly ModelMessage[],
    notices: readonly string[] | undefined,
    { model, ids, used }: Pick<Prefix, 'model' | 'ids' | 'used'>,
  ): readonly Piece[] {
    const last = messages.at(-1)
    const [told] = last ? withNotices([last], notices) : []
    if (!told || told === last || pieces.at(-1)?.role !== told.role) return pieces
    return [...pieces.slice(0, -1), { role: told.role, parts: this.#parts(told, model, ids, used) }]
  }

  /** Whether the reasoning in this message may go to `model` (H3). */
  own(message: AssistantMessage, model: string): boolean {
    return message.model === `${this.#provider}/${model}` || message.model === model
  }

  #parts(message: ModelMessage, model: string, ids: Map<string, string>, used: Set<string>): readonly string[] {
    switch (message.role) {
      case 'user':
        return kept(this.#pieces, message, () => this.#encoder.user(message))
      case 'tool':
        return kept(this.#pieces, message, () =>
          this.#encoder.tool(message, ids.get(message.call) ?? this.#idForm(wireId(message.call))),
        )
      case 'assistant': {
        for (const block of message.content) {
          if (block.type !== 'tool-call') continue
          const id = this.#id(message, block, used)
          used.add(id)
          ids.set(block.call, id)
        }
        const reasoning = this.own(message, model)
        const cache = reasoning ? this.#withReasoning : this.#pieces
        return kept(cache, message, () =>
          this.#encoder.assistant(message, reasoning, (call) => ids.get(call.call) ?? this.#idForm(wireId(call.call))),
        )
      }
      default:
        return message satisfies never
    }
  }

  /** H4, decided once for a block, so that what is kept of it stays true. */
  #id(message: AssistantMessage, block: ToolCallBlock, used: ReadonlySet<string>): string {
    const known = this.#ids.get(block)
    if (known !== undefined) return known
    const theirs = message.model.startsWith(`${this.#provider}/`) ? block.providerCall : undefined
    const own = theirs ? this.#idForm(theirs) : undefined
    const id = own && !used.has(own) ? own : this.#fresh(wireId(block.call), used)
    this.#ids.set(block, id)
    return id
  }

  /** A provider may have given an earlier call the very id that Reins gives this one. */
  #fresh(id: string, used: ReadonlySet<string>): string {
    for (let again = 1, text = id; ; text = `${id.slice(-56)}_${++again}`) {
      const form = this.#idForm(text)
      if (!used.has(form)) return form
    }
  }
}

function begins(messages: readonly ModelMessage[], beginning: readonly ModelMessage[]): boolean {
  return beginning.length <= messages.length && beginning.every((message, at) => message === messages[at])
}

function kept(
  cache: WeakMap<ModelMessage, readonly string[]>,
  message: ModelMessage,
  make: () => readonly string[],
): readonly string[] {
  const known = cache.get(message)
  if (known) return known
  const made = make()
  cache.set(message, made)
  return made
}

/** The JSON of a tool, made once for each tool and wire form (`encode` is the same function each time). */
export function encodeOnce<T extends object>(
  value: T,
  cache: WeakMap<object, string>,
  encode: (value: T) => string,
): string {
  const known = cache.get(value)
  if (known !== undefined) return known
  const json = encode(value)
  cache.set(value, json)
  return json
}
