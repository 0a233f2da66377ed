// An answer while it grows: adapters say what arrived, in the provider's numbering; this keeps the blocks in order, makes the
// deltas, and in the end the content.
//   A1. `block` in a delta is the index of that block in the final content: a block gets its index with its first character,
//       and never loses it. A block without characters exists only as reasoning that is nothing but `opaque`.
//   A2. The deltas of a block, joined, are its text (for a tool call: its arguments as the model wrote them).
import type { AssistantBlock, ModelCompleted, ModelDelta, Usage } from '@reins/contracts'

type Draft =
  | { readonly kind: 'text'; text: string }
  | { readonly kind: 'reasoning'; text: string; opaque: string | undefined }
  | { readonly kind: 'arguments'; text: string; readonly call: string; readonly name: string }

/** The provider's name for a block of this answer: whatever tells its blocks apart. */
export type BlockKey = string | number

export class Answer {
  readonly #blocks: Draft[] = []
  readonly #indexes = new Map<BlockKey, number>()

  get empty(): boolean {
    return this.#blocks.length === 0
  }

  text(key: BlockKey, text: string): ModelDelta[] {
    return this.#grow(key, text, () => ({ kind: 'text', text: '' }))
  }

  reasoning(key: BlockKey, text: string): ModelDelta[] {
    return this.#grow(key, text, () => ({ kind: 'reasoning', text: '', opaque: undefined }))
  }

  /** The provider's signature or encrypted form of a reasoning block, which may have no readable text at all. */
  opaque(key: BlockKey, opaque: string): void {
    if (opaque === '') return
    const block = this.#block(key, () => ({ kind: 'reasoning', text: '', opaque: undefined })).block
    if (block.kind === 'reasoning') block.opaque = (block.opaque ?? '') + opaque
  }

  /** A tool call begins. `call` may be missing: some servers give no ids. */
  call(key: BlockKey, call: string | undefined, name: string): void {
    this.#block(key, (index) => ({ kind: 'arguments', text: '', call: call || `call_${index}`, name }))
  }

  /** Characters of the arguments of a call that has begun. */
  arguments(key: BlockKey, text: string): ModelDelta[] {
    const index = this.#indexes.get(key)
    return index === undefined ? [] : this.#grow(key, text, () => this.#blocks[index]!)
  }

  /** What has come of a call's arguments: some providers say the whole again at the end. */
  argumentsSoFar(key: BlockKey): string {
    const index = this.#indexes.get(key)
    return index === undefined ? '' : this.#blocks[index]!.text
  }

  /** A call without arguments is one with `{}`, so that each call has a delta (A2). */
  closeCalls(): ModelDelta[] {
    const deltas: ModelDelta[] = []
    for (const [index, block] of this.#blocks.entries()) {
      if (block.kind !== 'arguments' || block.text !== '') continue
      block.text = '{}'
      deltas.push(delta(index, block, '{}'))
    }
    return deltas
  }

  complete(
    finish: ModelCompleted['finish'],
    usage: Usage,
    from: { id?: string | undefined; model?: string | undefined },
  ): ModelCompleted {
    const content = this.#blocks.map(toBlock)
    const calls = content.some((block) => block.type === 'tool-call')
    return {
      type: 'completed',
      content,
      usage,
      // Several compatible servers say "stop" after a tool call.
      finish: finish === 'stop' && calls ? 'tool-calls' : finish === 'tool-calls' && !calls ? 'stop' : finish,
      ...(from.id ? { responseId: from.id } : {}),
      ...(from.model ? { responseModel: from.model } : {}),
    }
  }

  #grow(key: BlockKey, text: string, make: () => Draft): ModelDelta[] {
    if (text === '') return []
    const { index, block } = this.#block(key, make)
    block.text += text
    return [delta(index, block, text)]
  }

  #block(key: BlockKey, make: (index: number) => Draft): { index: number; block: Draft } {
    const known = this.#indexes.get(key)
    if (known !== undefined) return { index: known, block: this.#blocks[known]! }
    const index = this.#blocks.length
    const block = make(index)
    this.#blocks.push(block)
    this.#indexes.set(key, index)
    return { index, block }
  }
}

function delta(index: number, block: Draft, text: string): ModelDelta {
  const base = { type: 'delta', block: index, kind: block.kind, text } as const
  return block.kind === 'arguments' ? { ...base, call: block.call, name: block.name } : base
}

function toBlock(block: Draft): AssistantBlock {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'reasoning':
      return { type: 'reasoning', text: block.text, ...(block.opaque === undefined ? {} : { opaque: block.opaque }) }
    case 'arguments':
      return {
        type: 'tool-call',
        call: block.call,
        providerCall: block.call,
        name: block.name,
        ...parseArguments(block.text),
      }
    default:
      return block satisfies never
  }
}

/** What the model wrote as arguments; text that is no JSON object is kept as `malformed`. */
export function parseArguments(text: string): { arguments: Record<string, unknown>; malformed?: string } {
  if (text.trim() === '') return { arguments: {} }
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return { arguments: value }
  } catch {
    // Not JSON: the text itself is what there is to tell.
  }
  return { arguments: {}, malformed: text }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A provider's token count: servers leave them out, or send null. */
export function tokens(count: number | null | undefined): number {
  return typeof count === 'number' && Number.isFinite(count) && count > 0 ? Math.round(count) : 0
}
