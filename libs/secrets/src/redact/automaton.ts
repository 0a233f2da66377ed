// Finds many texts in one pass (Aho and Corasick, 1975): a trie of all of them, and for each of its nodes the longest other beginning
// that its text ends with. The work is bounded by the length of what is searched, however many texts are looked for.

/** Between a character that belongs to a word and one that does not. */
export const boundary = 0x10000
const symbols = boundary + 1

/** As symbols: UTF-16 units and boundaries, which count as no character. */
export type Pattern = readonly number[]

export class Automaton {
  /** Children of the root, by symbol; of all other nodes as a chain. 0 stands for none: the root is nobody's child. */
  readonly #begins = new Int32Array(symbols)
  readonly #symbol: Int32Array
  readonly #firstChild: Int32Array
  readonly #nextSibling: Int32Array
  readonly #fail: Int32Array
  /** Of a node: how many characters its text has, and the longest one of the texts with which it ends (0: none). */
  readonly #depth: Int32Array
  readonly #found: Int32Array
  #nodes = 1
  /** In characters. */
  readonly longest: number
  readonly shortest: number

  constructor(patterns: readonly Pattern[]) {
    const most = patterns.reduce((sum, { length }) => sum + length, 1)
    const column = () => new Int32Array(most)
    this.#symbol = column()
    this.#firstChild = column()
    this.#nextSibling = column()
    this.#fail = column()
    this.#depth = column()
    this.#found = column()
    let [longest, shortest] = [0, Number.POSITIVE_INFINITY]
    for (const pattern of patterns) {
      const depth = this.#add(pattern)
      longest = Math.max(longest, depth)
      shortest = Math.min(shortest, depth)
    }
    this.longest = longest
    this.shortest = shortest
    this.#linkFailures()
  }

  /** The characters of the pattern. */
  #add(pattern: Pattern): number {
    let node = 0
    for (const symbol of pattern) node = this.#child(node, symbol) || this.#addChild(node, symbol)
    const depth = this.depth(node)
    this.#found[node] = depth
    return depth
  }

  #addChild(node: number, symbol: number): number {
    const child = this.#nodes++
    this.#symbol[child] = symbol
    this.#depth[child] = this.depth(node) + (symbol === boundary ? 0 : 1)
    if (node === 0) this.#begins[symbol] = child
    this.#nextSibling[child] = this.#firstChild[node] ?? 0
    this.#firstChild[node] = child
    return child
  }

  /** 0: none. */
  #child(node: number, symbol: number): number {
    if (node === 0) return this.#begins[symbol] ?? 0
    let child = this.#firstChild[node] ?? 0
    while (child !== 0 && this.#symbol[child] !== symbol) child = this.#nextSibling[child] ?? 0
    return child
  }

  /** Breadth first: what a node falls back to is nearer to the root, and done before. */
  #linkFailures(): void {
    const queue = new Int32Array(this.#nodes)
    let end = 1
    for (let at = 0; at < end; at++) {
      const node = queue[at] ?? 0
      for (let child = this.#firstChild[node] ?? 0; child !== 0; child = this.#nextSibling[child] ?? 0) {
        const fail = node === 0 ? 0 : this.step(this.#fail[node] ?? 0, this.#symbol[child] ?? 0)
        this.#fail[child] = fail
        this.#found[child] = Math.max(this.found(child), this.found(fail))
        queue[end++] = child
      }
    }
  }

  /** The node that stands for the longest beginning of any of the texts with which what was read now ends. */
  step(node: number, symbol: number): number {
    for (let from = node; ; from = this.#fail[from] ?? 0) {
      const next = this.#child(from, symbol)
      if (next !== 0 || from === 0) return next
    }
  }

  /** Where the first character at or behind `at` stands with which a text begins; the length where there is none. */
  nextBegin(text: string, at: number): number {
    const begins = this.#begins
    let i = at
    while (i < text.length && begins[text.charCodeAt(i)] === 0) i++
    return i
  }

  /** How many characters of what was read the node stands for. */
  depth(node: number): number {
    return this.#depth[node] ?? 0
  }

  /** How many characters the longest text has that ends here; 0: none does. */
  found(node: number): number {
    return this.#found[node] ?? 0
  }
}

export const symbolsOf = (text: string): Pattern => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))

/** With a boundary at each of its two ends, if a letter or digit stands there, and wherever a word ends or begins in it. */
export function symbolsAlone(text: string): Pattern {
  const found: number[] = []
  let inWord = false
  for (const symbol of symbolsOf(text)) {
    if (isWord(symbol) !== inWord) found.push(boundary)
    inWord = isWord(symbol)
    found.push(symbol)
  }
  return inWord ? [...found, boundary] : found
}

/** Letters, digits and underscores; every character beyond ASCII counts as a letter. */
export const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95 || code > 127
