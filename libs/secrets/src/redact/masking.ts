// A stream of text in which secrets are masked as it goes by.
//   M1. It holds back what could be the beginning of a secret, and nothing more: never more than the longest form of a secret is long
//       (and the line ends within it).
//   M2. Every character that belongs to a secret is masked. Secrets that overlap are one mask; those that follow each other have one each.
//   M3. A secret that becomes known in the middle of the stream is looked for from what is held back on.
import type { Matcher } from './matchers.ts'

export const mask = '[redacted]'

interface Span {
  from: number
  to: number
  /** Its mask was given already: what is left of it is left out. */
  shown: boolean
}

/** Changes whenever there are more secrets. */
export interface MatcherSource {
  readonly generation: number
  matchers(): readonly Matcher[]
}

export class Masking {
  readonly #source: MatcherSource
  #generation: number
  #matchers: readonly Matcher[]
  #held = ''
  /** The place of the first character that is held. */
  #base = 0
  #spans: Span[] = []

  constructor(source: MatcherSource) {
    this.#source = source
    this.#generation = source.generation
    this.#matchers = source.matchers()
  }

  /** What may be shown now. */
  push(piece: string): string {
    if (this.#generation !== this.#source.generation) this.#startAnew() // M3
    const from = this.#base + this.#held.length
    this.#held = this.#held === '' ? piece : this.#held + piece
    this.#read(piece, from)
    const at = from + piece.length
    let safe = at
    for (const matcher of this.#matchers) safe = Math.min(safe, matcher.pendingFrom(at))
    return this.#show(safe)
  }

  end(): string {
    const at = this.#base + this.#held.length
    for (const matcher of this.#matchers) matcher.end(at, this.#found)
    return this.#show(at)
  }

  #startAnew(): void {
    this.#generation = this.#source.generation
    this.#matchers = this.#source.matchers()
    this.#read(this.#held, this.#base)
  }

  #read(text: string, from: number): void {
    for (const matcher of this.#matchers) matcher.read(text, from, this.#found)
  }

  /** M2. Each matcher tells its spans in the order of their ends, one matcher after the other. */
  readonly #found = (start: number, end: number): void => {
    let from = Math.max(start, this.#base)
    let to = end
    if (from >= to) return
    let shown = false
    const later: Span[] = []
    for (let last = this.#spans.at(-1); last && last.to > from; last = this.#spans.at(-1)) {
      this.#spans.pop()
      if (last.from >= to) {
        later.unshift(last)
        continue
      }
      from = Math.min(from, last.from)
      to = Math.max(to, last.to)
      shown ||= last.shown
    }
    this.#spans.push({ from, to, shown }, ...later)
  }

  #show(safe: number): string {
    let out = ''
    let at = this.#base
    while (this.#spans.length > 0) {
      const [span] = this.#spans
      if (!span || span.from >= safe) break
      out += this.#held.slice(at - this.#base, span.from - this.#base)
      if (!span.shown) out += mask
      span.shown = true
      if (span.to > safe) {
        span.from = safe
        at = safe
        break
      }
      at = span.to
      this.#spans.shift()
    }
    out += this.#held.slice(at - this.#base, safe - this.#base)
    this.#held = this.#held.slice(safe - this.#base)
    this.#base = safe
    return out
  }
}
