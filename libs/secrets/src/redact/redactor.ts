// Taking secrets out of what is recorded and shown (invariant I8: no secret is appended, streamed or logged).
//   R1. A secret is found in every form that forms.ts knows, also where a stream cuts it.
//   R2. Whoever learns a secret tells the redactor before anybody uses it; what it has learnt it does not forget while the process lives.
//   R3. What cannot be searched is withheld, and never passes as it is.
//   R4. Nearly nothing holds a secret: a text in which none is found is given back as it is, and nothing is made for it.
import { Automaton, type Pattern, symbolsAlone, symbolsOf } from './automaton.ts'
import { type Forms, formsOf, type Which } from './forms.ts'
import { Masking, type MatcherSource } from './masking.ts'
import { AloneMatcher, Base64Matcher, type Matcher, PlainMatcher } from './matchers.ts'

export interface Redactor {
  /** All occurrences in a whole text. */
  text(text: string): string
  /** All strings in a JSON value, and the names in it; the same value where nothing had to be masked. */
  json<T>(value: T): T
  /** For text that comes in pieces: each piece gives what may be shown; `end` gives what was held back. */
  stream(): RedactedStream
}

export interface RedactedStream {
  push(piece: string): string
  end(): string
}

/** What stands in the place of a text that could not be searched (R3). */
export const withheld = '[withheld: Reins could not search this text for secrets]'

export class SecretsRedactor implements Redactor, MatcherSource {
  readonly #secrets = new Set<string>()
  readonly #which: Which
  #generation = 0
  #built: Search | undefined
  #literal: SecretsRedactor | undefined

  constructor(secrets: Iterable<string> = [], which: Which = 'all') {
    this.#which = which
    this.learn(secrets)
  }

  get generation(): number {
    return this.#generation
  }

  /** R2. */
  learn(secrets: Iterable<string>): void {
    const before = this.#secrets.size
    for (const secret of secrets) if (secret !== '') this.#secrets.add(secret)
    if (this.#secrets.size === before) return
    this.#generation++
    this.#literal?.learn(this.#secrets)
  }

  /** Of all that this one learns, in fewer forms: for streams that must hold back as little as can be, of what no tool wrote. */
  literal(): Redactor {
    this.#literal ??= new SecretsRedactor(this.#secrets, 'literal')
    return this.#literal
  }

  matchers(): readonly Matcher[] {
    return this.search().make()
  }

  /** What is looked for now, built anew where something was learnt. */
  search(): Search {
    if (this.#built?.generation !== this.#generation)
      this.#built = { generation: this.#generation, ...matchersFor(formsOf(this.#secrets, this.#which)) }
    return this.#built
  }

  text(text: string): string {
    if (this.#secrets.size === 0) return text
    try {
      const { whole, shortest } = this.search()
      if (text.length < shortest || !holdsAny(whole, text)) return text // R4
      const masking = new Masking(this)
      return masking.push(text) + masking.end()
    } catch {
      return withheld
    }
  }

  json<T>(value: T): T {
    if (this.#secrets.size === 0) return value
    return this.#masked(value, 0) as T // the same form: texts stay texts
  }

  stream(): RedactedStream {
    let masking: Masking | undefined
    let failed = false
    const mask = (): Masking => {
      masking ??= new Masking(this)
      return masking
    }
    const orWithheld = (give: () => string): string => {
      if (failed) return ''
      try {
        return give()
      } catch {
        failed = true
        return withheld
      }
    }
    return {
      push: (piece) => (piece === '' ? '' : orWithheld(() => mask().push(piece))),
      end: () => orWithheld(() => mask().end()),
    }
  }

  #masked(value: unknown, level: number): unknown {
    if (typeof value === 'string') return this.text(value)
    // A number that is a secret is no longer one.
    if (typeof value === 'number') return this.text(String(value)) === String(value) ? value : this.text(String(value))
    if (typeof value !== 'object' || value === null) return value
    if (level > 200) return withheld
    if (Array.isArray(value)) {
      let masked: unknown[] | undefined
      for (let i = 0; i < value.length; i++) {
        const item = this.#masked(value[i], level + 1)
        if (item !== value[i]) masked ??= value.slice(0, i)
        masked?.push(item)
      }
      return masked ?? value
    }
    const members: [string, unknown][] = []
    let changed = false
    for (const name of Object.keys(value)) {
      const given = (value as Record<string, unknown>)[name]
      const entry: [string, unknown] = [this.text(name), this.#masked(given, level + 1)]
      changed ||= entry[0] !== name || entry[1] !== given
      members.push(entry)
    }
    return changed ? Object.fromEntries(members) : value
  }
}

export const createRedactor = (secrets: Iterable<string>, which?: Which): Redactor =>
  new SecretsRedactor(secrets, which)

export const nothingToRedact: Redactor = {
  text: (text) => text,
  json: (value) => value,
  stream: () => ({ push: (piece) => piece, end: () => '' }),
}

/** A JSON text stays one: what was masked in it is masked in its values, where that takes everything out. */
export function redactJsonText(redactor: Redactor, text: string): string {
  const masked = redactor.text(text)
  if (masked === text) return text
  try {
    const whole = JSON.stringify(redactor.json(JSON.parse(text)))
    return redactor.text(whole) === whole ? whole : masked
  } catch {
    return masked
  }
}

interface Search {
  readonly generation: number
  make(): readonly Matcher[]
  /** For whole texts, one at a time. */
  readonly whole: readonly Matcher[]
  /** No text with fewer characters holds a secret. */
  readonly shortest: number
}

function holdsAny(matchers: readonly Matcher[], text: string): boolean {
  let found = false
  const on = (): void => {
    found = true
  }
  for (const matcher of matchers) {
    matcher.startAnew()
    matcher.read(text, 0, on)
    matcher.end(text.length, on)
    if (found) return true
  }
  return false
}

function matchersFor({ plain, base64, alone }: Forms): Omit<Search, 'generation'> {
  const makers: (() => Matcher)[] = []
  const automatons: Automaton[] = []
  const add = (patterns: readonly Pattern[], of: (automaton: Automaton) => Matcher): void => {
    if (patterns.length === 0) return
    const automaton = new Automaton(patterns)
    automatons.push(automaton)
    makers.push(() => of(automaton))
  }
  add(plain.map(symbolsOf), (automaton) => new PlainMatcher(automaton))
  add(base64.map(symbolsOf), (automaton) => new Base64Matcher(automaton))
  add(alone.map(symbolsAlone), (automaton) => new AloneMatcher(automaton))
  const make = (): readonly Matcher[] => makers.map((one) => one())
  return { make, whole: make(), shortest: Math.min(...automatons.map(({ shortest }) => shortest)) }
}
