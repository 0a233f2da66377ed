// Reading a stream for secrets, piece by piece: each matcher says where a secret stands that has ended, and from where on the text could
// still become one. Everything that is recorded or shown passes here, so where no secret can begin it costs one look at a character.
import { type Automaton, boundary, isWord } from './automaton.ts'

/** A secret stands there. In the order of their ends. */
export type Found = (from: number, to: number) => void

/** `at`: the place of the first character of the piece in the stream, counted on from one piece to the next. */
export interface Matcher {
  read(piece: string, at: number, found: Found): void
  /** `at`: the place where the stream ends. */
  end(at: number, found: Found): void
  /** Nothing before this place can be part of a secret that is not found yet. `at`: the place of the next character. */
  pendingFrom(at: number): number
  /** For another stream. */
  startAnew(): void
}

export class PlainMatcher implements Matcher {
  readonly #automaton: Automaton
  #node = 0

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  read(piece: string, at: number, found: Found): void {
    const automaton = this.#automaton
    let node = this.#node
    for (let i = 0; i < piece.length; i++) {
      if (node === 0) {
        i = automaton.nextBegin(piece, i)
        if (i === piece.length) break
      }
      node = automaton.step(node, piece.charCodeAt(i))
      const length = automaton.found(node)
      if (length > 0) found(at + i + 1 - length, at + i + 1)
    }
    this.#node = node
  }

  end(): void {}

  pendingFrom(at: number): number {
    return at - this.#automaton.depth(this.#node)
  }

  startAnew(): void {
    this.#node = 0
  }
}

const [lineFeed, carriageReturn, backslash, slash, letterN, letterR] = [10, 13, 92, 47, 110, 114]

/** Base64 may be broken into lines, by line ends or as JSON writes them (`\n`), and JSON may write its slash as `\/`. */
export class Base64Matcher implements Matcher {
  readonly #automaton: Automaton
  #node = 0
  #escaped = false
  /** Where the last character stood that counts. */
  #last = -1
  /** Where characters stood that do not count, as runs of them: between two runs at least one counts. */
  #gaps: { readonly from: number; to: number }[] = []

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  read(piece: string, at: number, found: Found): void {
    const automaton = this.#automaton
    for (let i = 0; i < piece.length; i++) {
      if (this.#node === 0) {
        i = automaton.nextBegin(piece, i)
        if (i === piece.length) break
      }
      const code = piece.charCodeAt(i)
      const place = at + i
      if (this.#node !== 0 && this.#passesOver(code)) {
        this.#gap(place)
        continue
      }
      this.#node = automaton.step(this.#node, code)
      this.#last = place
      const length = automaton.found(this.#node)
      if (length > 0) found(this.#placeOf(length), place + 1)
    }
  }

  /** A character that stands within base64 and is none of it. */
  #passesOver(code: number): boolean {
    if (this.#escaped) {
      this.#escaped = false
      if (code === letterN || code === letterR) return true
      // A backslash that is no escape of these ends what came before it.
      if (code !== slash) this.#node = 0
      return false
    }
    this.#escaped = code === backslash
    return this.#escaped || code === lineFeed || code === carriageReturn
  }

  #gap(place: number): void {
    const last = this.#gaps.at(-1)
    if (last?.to === place) {
      last.to++
      return
    }
    // As many as there are characters in the longest secret are enough to find its place.
    const enough = this.#automaton.longest + 1
    if (this.#gaps.length >= 2 * enough) this.#gaps = this.#gaps.slice(-enough)
    this.#gaps.push({ from: place, to: place + 1 })
  }

  end(): void {}

  pendingFrom(at: number): number {
    return this.#node === 0 ? at : this.#placeOf(this.#automaton.depth(this.#node))
  }

  /** Of the first of the last `length` characters that count. */
  #placeOf(length: number): number {
    let from = this.#last + 1 - length
    for (let i = this.#gaps.length - 1; i >= 0; i--) {
      const gap = this.#gaps[i]
      if (!gap || gap.to <= from) break
      // Those behind the last one that counts are no part of it yet.
      if (gap.from < this.#last) from -= gap.to - gap.from
    }
    return from
  }

  startAnew(): void {
    this.#node = 0
    this.#escaped = false
    this.#gaps = []
  }
}

/** Of texts that count only where they stand alone: it takes the next character to tell. */
export class AloneMatcher implements Matcher {
  readonly #automaton: Automaton
  #node = 0
  #inWord = false

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  read(piece: string, at: number, found: Found): void {
    for (let i = 0; i < piece.length; i++) {
      const code = piece.charCodeAt(i)
      if (isWord(code) !== this.#inWord) {
        this.#cross(at + i, found)
        this.#inWord = !this.#inWord
      }
      this.#node = this.#automaton.step(this.#node, code)
    }
  }

  end(at: number, found: Found): void {
    if (this.#inWord) this.#cross(at, found)
  }

  pendingFrom(at: number): number {
    return at - this.#automaton.depth(this.#node)
  }

  #cross(at: number, found: Found): void {
    this.#node = this.#automaton.step(this.#node, boundary)
    const length = this.#automaton.found(this.#node)
    if (length > 0) found(at - length, at)
  }

  startAnew(): void {
    this.#node = 0
    this.#inWord = false
  }
}
