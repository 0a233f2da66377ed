// Reasoning in parts with signatures, as routers give it (`reasoning_details` of OpenRouter, `thinking_blocks` of LiteLLM): its parts put
// together again, since the provider behind the router wants them back as they were.
import { isRecord } from '../http/foreign.ts'

/** Their pieces are joined; of other fields the last that is not null counts. */
const growing = ['text', 'thinking', 'summary', 'data']

export class Details {
  field: 'reasoning_details' | 'thinking_blocks' = 'reasoning_details'
  readonly #parts: Record<string, unknown>[] = []
  #unread = ''

  add(field: Details['field'], parts: readonly unknown[]): void {
    this.field = field
    for (const part of parts) {
      if (!isRecord(part)) continue
      for (const name of ['text', 'thinking', 'summary']) if (typeof part[name] === 'string') this.#unread += part[name]
      const known = this.#continued(part)
      if (!known) {
        this.#parts.push({ ...part })
        continue
      }
      for (const [name, value] of Object.entries(part)) {
        const before = known[name]
        if (value === null || value === undefined) continue
        known[name] =
          growing.includes(name) && typeof before === 'string' && typeof value === 'string' ? before + value : value
      }
    }
  }

  /** The readable text that has come since it was last asked for. */
  read(): string {
    const text = this.#unread
    this.#unread = ''
    return text
  }

  list(): readonly unknown[] {
    return this.#parts
  }

  /** Pieces of one part have its index; or they follow one another, with the signature last. */
  #continued(part: Record<string, unknown>): Record<string, unknown> | undefined {
    const last = this.#parts.at(-1)
    if (!last) return undefined
    if (typeof part.index === 'number')
      return this.#parts.findLast((known) => known.index === part.index && known.type === part.type)
    const signed = typeof last.signature === 'string' && last.signature !== ''
    return last.type === part.type && last.data === undefined && !signed && last.index === undefined ? last : undefined
  }
}
