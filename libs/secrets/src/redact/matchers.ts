// Reading a stream for secrets, one character at a time: each matcher says where a secret began that has just ended, and from where on
// the text could still become one.
import { type Automaton, boundary, isWord } from './automaton.ts'

/** `at`: the place of the character in the stream, counted on from one to the next. */
export interface Matcher {
  /** The place where a secret begins that ends with this character; -1: none does. */
  read(code: number, at: number): number
  /** The same for one that ends with the stream. */
  end(at: number): number
  /** Nothing before this place can be part of a secret that is not found yet. `at`: the place of the next character. */
  pendingFrom(at: number): number
  /** How many characters before the one that was read the found secret ended: 1 where it takes the next character to tell. */
  readonly lag: 0 | 1
}

export class PlainMatcher implements Matcher {
  readonly lag = 0
  readonly #automaton: Automaton
  #node = 0

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  read(code: number, at: number): number {
    this.#node = this.#automaton.step(this.#node, code)
    if (this.#node === 0) return -1
    const length = this.#automaton.found(this.#node)
    return length === 0 ? -1 : at + 1 - length
  }

  end(): number {
    return -1
  }

  pendingFrom(at: number): number {
    return at - this.#automaton.depth(this.#node)
  }
}

const [lineFeed, carriageReturn, backslash, slash, letterN, letterR] = [10, 13, 92, 47, 110, 114]

/** Base64 may be broken into lines, by line ends or as JSON writes them (`\n`), and JSON may write its slash as `\/`. */
export class Base64Matcher implements Matcher {
  readonly lag = 0
  readonly #automaton: Automaton
  #node = 0
  #escaped = false
  /** Where the last characters stood that count, at their number modulo the size. */
  readonly #places: Float64Array
  #count = 0

  constructor(automaton: Automaton) {
    this.#automaton = automaton
    this.#places = new Float64Array(automaton.longest + 1)
  }

  read(code: number, at: number): number {
    if (this.#node !== 0) {
      if (this.#escaped) {
        this.#escaped = false
        if (code === letterN || code === letterR) return -1
        if (code !== slash) this.#node = 0
      } else if (code === backslash) {
        this.#escaped = true
        return -1
      } else if (code === lineFeed || code === carriageReturn) return -1
    }
    this.#node = this.#automaton.step(this.#node, code)
    if (this.#node === 0) return -1
    this.#places[this.#count++ % this.#places.length] = at
    const length = this.#automaton.found(this.#node)
    return length === 0 ? -1 : this.#placeOf(length)
  }

  end(): number {
    return -1
  }

  pendingFrom(at: number): number {
    return this.#node === 0 ? at : this.#placeOf(this.#automaton.depth(this.#node))
  }

  /** Of the first of the last `length` characters. */
  #placeOf(length: number): number {
    return this.#places[(this.#count - length) % this.#places.length] ?? 0
  }
}

/** Of texts that count only where they stand alone: it takes the next character to tell. */
export class AloneMatcher implements Matcher {
  readonly lag = 1
  readonly #automaton: Automaton
  #node = 0
  #inWord = false

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  read(code: number, at: number): number {
    let start = -1
    if (isWord(code) !== this.#inWord) {
      start = this.#cross(at)
      this.#inWord = !this.#inWord
    }
    this.#node = this.#automaton.step(this.#node, code)
    return start
  }

  end(at: number): number {
    return this.#inWord ? this.#cross(at) : -1
  }

  pendingFrom(at: number): number {
    return at - this.#automaton.depth(this.#node)
  }

  #cross(at: number): number {
    this.#node = this.#automaton.step(this.#node, boundary)
    const length = this.#automaton.found(this.#node)
    return length === 0 ? -1 : at - length
  }
}
