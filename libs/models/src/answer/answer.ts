// An answer while it grows: adapters say what arrived, in the provider's numbering; this keeps the blocks in order, makes the
// deltas, and in the end the content.
//   A1. `block` in a delta is the index of that block in the final content: a block gets its index with its first character,
//       and never loses it. A block without characters exists only as reasoning that is nothing but `opaque` or `provided`.
//   A2. The deltas of a block, joined, are its text (for a tool call: its arguments as the model wrote them).
//   A3. Every text is well-formed Unicode: the halves of a character that comes in two deltas are put together, and half a
//       character without the other is U+FFFD.
//   A4. A server that ignores the limit of an answer, or never stops, is cut off: an answer has a largest size, and a smaller one that
//       follows from the tokens that were asked for (answer-limits.ts).
import type { AssistantBlock, ModelDelta, ProviderData } from '@reins/contracts'
import { FaultError } from '../failure/failure.ts'
import { type AnswerLimits, noLimits } from './answer-limits.ts'
import { json } from '../history/wire-text.ts'
import { isPlain } from '../http/plain-value.ts'
import { parseArguments } from './arguments.ts'

type Draft =
  | { readonly kind: 'text'; text: string; half: string }
  | {
      readonly kind: 'reasoning'
      text: string
      half: string
      opaque: string | undefined
      provided: ProviderData | undefined
    }
  | {
      readonly kind: 'arguments'
      text: string
      half: string
      readonly call: string
      readonly name: string
      /** Nothing had come of the arguments when the answer was cut. */
      lost: boolean
      provided: ProviderData | undefined
    }

/** The provider's name for a block of this answer: whatever tells its blocks apart. */
export type BlockKey = string | number

const longestName = 128
/** In characters, a block counting as some: more than any model writes in one answer, and as much as the broker takes as one event. */
const largestAnswer = 8 * 1024 * 1024
const blockSize = 256
/** A thousand calls in one answer are more than any model means. */
const callSize = 8 * 1024

export class Answer {
  readonly #blocks: Draft[] = []
  readonly #indexes = new Map<BlockKey, number>()
  readonly #callIds = new Set<string>()
  readonly #limits: AnswerLimits
  #size = 0
  #said = 0
  #thought = 0

  constructor(limits: AnswerLimits = noLimits) {
    this.#limits = limits
  }

  /** Nothing has been told yet. */
  get empty(): boolean {
    return this.#blocks.length === 0
  }

  text(key: BlockKey, text: string): ModelDelta[] {
    return this.#grow(key, text, () => ({ kind: 'text', text: '', half: '' }))
  }

  reasoning(key: BlockKey, text: string): ModelDelta[] {
    return this.#grow(key, text, newReasoning)
  }

  /** The provider's signature or encrypted form of a reasoning block, which may have no readable text at all. */
  opaque(key: BlockKey, opaque: string): void {
    if (opaque === '') return
    this.#count(opaque.length)
    const block = this.#block(key, newReasoning).block
    if (block.kind === 'reasoning') block.opaque = (block.opaque ?? '') + opaque.toWellFormed()
  }

  /** What the provider wants back with a block: of a call that has begun, else of reasoning. */
  provided(key: BlockKey, provided: ProviderData): void {
    if (!isPlain(provided)) return
    const block = this.#block(key, newReasoning).block
    if (block.kind !== 'text') block.provided = provided
  }

  /** A tool call begins. `call` may be missing, and some servers give the same id twice: then it gets one of its own. */
  call(key: BlockKey, call: string | undefined, name: string): void {
    this.#count(callSize)
    this.#block(key, (index) => {
      const given = call?.toWellFormed()
      const id = given && !this.#callIds.has(given) ? given : freeId(index, this.#callIds)
      this.#callIds.add(id)
      const named = name.toWellFormed().slice(0, longestName).toWellFormed()
      return { kind: 'arguments', text: '', half: '', call: id, name: named, lost: false, provided: undefined }
    })
  }

  has(key: BlockKey): boolean {
    return this.#indexes.has(key)
  }

  /** Characters of the arguments of a call that has begun. */
  arguments(key: BlockKey, text: string): ModelDelta[] {
    const index = this.#indexes.get(key)
    return index === undefined ? [] : this.#grow(key, text, () => this.#blocks[index]!)
  }

  /** What has come of a block's text: some providers say the whole again at the end. */
  soFar(key: BlockKey): string {
    const index = this.#indexes.get(key)
    const block = index === undefined ? undefined : this.#blocks[index]
    return block ? block.text + block.half : ''
  }

  /** Halves of characters whose other half never came; and a call without arguments is one with `{}`, so that each call has a delta (A2). */
  close(): ModelDelta[] {
    const deltas: ModelDelta[] = []
    for (const [index, block] of this.#blocks.entries()) {
      const bare = block.kind === 'arguments' && block.text === '' && !block.lost
      const rest = block.half !== '' ? '\ufffd' : bare ? '{}' : ''
      block.half = ''
      if (rest === '') continue
      block.text += rest
      deltas.push(delta(index, block, rest))
    }
    return deltas
  }

  /** Once, before `close`: the answer was cut at its limit, or by a filter; a call of which nothing had come has lost its arguments. */
  cut(): void {
    const last = this.#blocks.at(-1)
    if (last?.kind === 'arguments' && last.text.trim() === '') last.lost = true
  }

  content(): readonly AssistantBlock[] {
    return this.#blocks.map((block) => this.#toBlock(block))
  }

  #toBlock(block: Draft): AssistantBlock {
    switch (block.kind) {
      case 'text':
        return { type: 'text', text: block.text }
      case 'reasoning':
        return {
          type: 'reasoning',
          text: block.text,
          ...(block.opaque === undefined ? {} : { opaque: block.opaque }),
          ...(block.provided === undefined ? {} : { provided: block.provided }),
        }
      case 'arguments': {
        const { call, name, text, lost, provided } = block
        const parsed = lost ? { arguments: {}, malformed: text } : parseArguments(text)
        const more = provided === undefined ? {} : { provided }
        return { type: 'tool-call', call, providerCall: call, name, ...wellFormed(parsed), ...more }
      }
      default:
        return block satisfies never
    }
  }

  #grow(key: BlockKey, text: string, make: (index: number) => Draft): ModelDelta[] {
    if (text === '') return []
    this.#count(text.length)
    const { index, block } = this.#block(key, make)
    this.#keepTo(block.kind, text.length)
    let whole = block.half + text
    const last = whole.charCodeAt(whole.length - 1)
    block.half = last >= 0xd800 && last <= 0xdbff ? whole.slice(-1) : ''
    if (block.half !== '') whole = whole.slice(0, -1)
    if (whole === '') return []
    const told = whole.isWellFormed() ? whole : whole.toWellFormed()
    block.text += told
    return [delta(index, block, told)]
  }

  /** A4. */
  #count(size: number): void {
    this.#size += size
    if (this.#size <= largestAnswer) return
    const message = `the answer went on beyond ${largestAnswer / 1024 / 1024} million characters and was cut off`
    throw new FaultError({ kind: 'endless', message })
  }

  /** A4. */
  #keepTo(kind: Draft['kind'], size: number): void {
    const { said, thought, maxTokens } = this.#limits
    if (kind === 'reasoning') this.#thought += size
    else this.#said += size
    if (this.#said <= said && this.#thought <= thought) return
    const over =
      this.#said > said ? `the answer went on beyond ${number(said)}` : `the model thought on beyond ${number(thought)}`
    const message = `${over} characters, which is far more than its limit (max_tokens ${maxTokens}) allows, and was cut off`
    throw new FaultError({ kind: 'endless', message })
  }

  #block(key: BlockKey, make: (index: number) => Draft): { index: number; block: Draft } {
    const known = this.#indexes.get(key)
    if (known !== undefined) return { index: known, block: this.#blocks[known]! }
    this.#count(blockSize)
    const index = this.#blocks.length
    const block = make(index)
    this.#blocks.push(block)
    this.#indexes.set(key, index)
    return { index, block }
  }
}

const newReasoning = (): Draft => ({ kind: 'reasoning', text: '', half: '', opaque: undefined, provided: undefined })

function freeId(index: number, taken: ReadonlySet<string>): string {
  for (let id = `call_${index}`; ; id += '_') if (!taken.has(id)) return id
}

function delta(index: number, block: Draft, text: string): ModelDelta {
  const base = { type: 'delta', block: index, kind: block.kind, text } as const
  return block.kind === 'arguments' ? { ...base, call: block.call, name: block.name } : base
}

const number = (count: number): string => count.toLocaleString('en')

/** A3, also where half a character was written as an escape inside of the arguments' JSON, in their values and in their names. */
function wellFormed<T>(value: T): T {
  return /\\ud[89a-f]/i.test(JSON.stringify(value)) ? (JSON.parse(json(value)) as T) : value
}

/** A provider's token count: servers leave them out, or send null. */
export function tokens(count: number | null | undefined): number {
  return typeof count === 'number' && Number.isFinite(count) && count > 0
    ? Math.min(Math.round(count), Number.MAX_SAFE_INTEGER)
    : 0
}
