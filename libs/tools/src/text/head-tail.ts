// The head and the tail of a text of any length, in constant memory.
//   T1. Never more than head + 2 × tail characters are held.
//   T2. No character is split at a cut: a half of a pair is dropped with what is left out.

export interface HeadAndTail {
  readonly text: string
  readonly total: number
  /** Characters left out between head and tail; 0 where `text` is whole. */
  readonly omitted: number
}

export class HeadTail {
  readonly #headChars: number
  readonly #tailChars: number
  #head = ''
  #tail = ''
  #total = 0

  constructor(maxChars: number) {
    this.#headChars = Math.ceil(maxChars / 2)
    this.#tailChars = Math.floor(maxChars / 2)
  }

  get total(): number {
    return this.#total
  }

  push(text: string): void {
    this.#total += text.length
    const room = this.#headChars - this.#head.length
    if (room > 0) this.#head += text.slice(0, room)
    if (room < text.length) this.#tail += text.slice(Math.max(0, room))
    if (this.#tail.length > 2 * this.#tailChars)
      this.#tail = this.#tailChars === 0 ? '' : this.#tail.slice(-this.#tailChars)
  }

  /** At most `maxChars` of it, not more than it was made for; `note` stands where something is left out, and counts extra. */
  take(maxChars: number, note: (omitted: number) => string): HeadAndTail {
    if (this.#total <= Math.min(maxChars, this.#headChars + this.#tailChars)) {
      return { text: this.#head + this.#tail, total: this.#total, omitted: 0 }
    }
    const head = withoutHalf(this.#head.slice(0, Math.ceil(maxChars / 2)), 'end')
    const tailChars = Math.min(this.#tailChars, Math.floor(maxChars / 2), Math.max(0, this.#total - head.length))
    // What of the text after `head` is still held may begin in the head's part.
    const held = this.#total <= this.#headChars + this.#tail.length ? this.#head + this.#tail : this.#tail
    const tail = tailChars === 0 ? '' : withoutHalf(held.slice(-tailChars), 'start')
    const omitted = this.#total - head.length - tail.length
    return { text: `${head}${note(omitted)}${tail}`, total: this.#total, omitted }
  }
}

function withoutHalf(text: string, side: 'start' | 'end'): string {
  const code = side === 'end' ? text.charCodeAt(text.length - 1) : text.charCodeAt(0)
  if (side === 'end') return code >= 0xd800 && code <= 0xdbff ? text.slice(0, -1) : text
  return code >= 0xdc00 && code <= 0xdfff ? text.slice(1) : text
}
