// What secrets and configs have in common: one record a name, which is kept or removed, and never forgotten.
//   EN1. A state changes only from the state that was decided on: a refused write is decided again.
import type { SecretInfo } from '@reins/contracts'
import { type ErrorCode, formOf, isValueName, problemsOf, ReinsError } from '@reins/contracts'
import type { Static, TSchema } from 'typebox'
import { mustHaveRoom } from '../made-in-a-day.ts'
import type { RegistryLog } from '../registry-log.ts'

type Kind = 'secret' | 'config' | 'webhook'
type Stamps = Omit<SecretInfo, 'name'>

interface EntryBase extends Stamps {
  readonly kind: 'kept' | 'removed'
  readonly name: string
}

export interface Written<Entry> {
  readonly entry: Entry
  readonly outcome: 'created' | 'updated'
  readonly seq: number
}

export interface EntriesOptions<S extends TSchema> {
  readonly log: RegistryLog
  readonly kind: Kind
  readonly schema: S
  readonly now: () => number
}

const attempts = 20
const missingCodes = {
  secret: 'secret_not_found',
  config: 'config_not_found',
  webhook: 'webhook_not_found',
} as const satisfies Record<Kind, ErrorCode>

export class Entries<S extends TSchema, Entry extends EntryBase & Static<S>> {
  readonly #options: EntriesOptions<S>
  readonly #check: (value: unknown) => value is Entry

  constructor(options: EntriesOptions<S>) {
    this.#options = options
    const fits = formOf(options.schema)
    this.#check = (value): value is Entry => fits(value)
  }

  get kind(): Kind {
    return this.#options.kind
  }

  /** Throws invalid_request. */
  checkName(name: string): void {
    if (isValueName(name)) return
    const shown = JSON.stringify(name.slice(0, 80))
    throw new ReinsError(
      'invalid_request',
      `${shown} is no name for a ${this.#options.kind}: letters, digits, underscores, dots and hyphens, at most 128, and neither a dot nor a hyphen first.`,
    )
  }

  /** Throws `…_not_found`. */
  async kept(name: string): Promise<Extract<Entry, { kind: 'kept' }>> {
    const { entry } = await this.#current(name)
    if (!entry || !isKept(entry)) throw this.missing(name)
    return entry
  }

  /** undefined: there is none. */
  async find(name: string): Promise<Extract<Entry, { kind: 'kept' }> | undefined> {
    const { entry } = await this.#current(name)
    return entry && isKept(entry) ? entry : undefined
  }

  /** By name. */
  async all(): Promise<readonly Extract<Entry, { kind: 'kept' }>[]> {
    const records = await this.#options.log.all(this.#options.kind)
    return [...records.values()]
      .flatMap(({ value }) => (this.#check(value) && isKept(value) ? [value] : []))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Those that were removed, too. */
  async #ever(): Promise<readonly Entry[]> {
    const records = await this.#options.log.all(this.#options.kind)
    return [...records.values()].flatMap(({ value }) => (this.#check(value) ? [value] : []))
  }

  /** `make`: the entry, given when it was first made. `limited`: by this one, who may not make any number of them. */
  async write(name: string, make: (stamps: Omit<Stamps, 'by'>) => Entry, limited?: string): Promise<Written<Entry>> {
    this.checkName(name)
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { seq, entry: current } = await this.#current(name)
      const at = this.#options.now()
      if (!current && limited !== undefined) mustHaveRoom(`${this.kind}s`, await this.#ever(), limited, at)
      const alive = current?.kind === 'kept' ? current : undefined
      const entry = make({ createdAt: alive?.createdAt ?? at, updatedAt: at })
      const written = await this.#options.log.write(this.#options.kind, name, entry, seq)
      if (written.kind === 'written') return { entry, outcome: alive ? 'updated' : 'created', seq: written.seq }
    }
    throw this.#busy(name)
  }

  /** Decides again on each state that it meets; `decide` gives nothing where there is nothing to do. */
  async change(name: string, decide: (entry: Entry | undefined) => Entry | undefined): Promise<number | undefined> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { seq, entry } = await this.#current(name)
      const next = decide(entry)
      if (!next) return undefined
      const written = await this.#options.log.write(this.#options.kind, name, next, seq)
      if (written.kind === 'written') return written.seq
    }
    throw this.#busy(name)
  }

  missing(name: string): ReinsError {
    const { kind } = this.#options
    return new ReinsError(missingCodes[kind], `There is no ${kind} ${JSON.stringify(name.slice(0, 128))}.`)
  }

  async #current(name: string): Promise<{ readonly seq: number; readonly entry: Entry | undefined }> {
    if (!isValueName(name)) return { seq: 0, entry: undefined }
    const { log, kind, schema } = this.#options
    const record = await log.last(kind, name)
    if (!record) return { seq: 0, entry: undefined }
    if (!this.#check(record.value) || record.value.name !== name) {
      const [problem] = problemsOf(schema, record.value)
      const where = problem?.path ? `, at ${problem.path}` : ''
      throw new Error(`the record of the ${kind} ${name} (sequence ${record.seq} of REG) is damaged${where}`)
    }
    return { seq: record.seq, entry: record.value }
  }

  #busy(name: string): ReinsError {
    const { kind } = this.#options
    return new ReinsError(
      'unavailable',
      `The ${kind} ${name} was changed by others ${attempts} times while this was tried.`,
    )
  }
}

const isKept = <E extends EntryBase>(entry: E): entry is Extract<E, { kind: 'kept' }> => entry.kind === 'kept'

/** A reply is one message of at most 1 MB. */
const pageBytes = 600_000

/** Of a list by name: what follows `after`, and where the next page begins. */
export function pageOf<T extends { readonly name: string }>(
  items: readonly T[],
  { limit, after = '' }: { readonly limit: number; readonly after?: string | undefined },
): { readonly items: readonly T[]; readonly next?: string } {
  const rest = items.filter(({ name }) => name > after)
  const page: T[] = []
  let bytes = 0
  for (const item of rest) {
    bytes += Buffer.byteLength(JSON.stringify(item))
    if (page.length === limit || (page.length > 0 && bytes > pageBytes)) break
    page.push(item)
  }
  const last = page.at(-1)
  return last && page.length < rest.length ? { items: page, next: last.name } : { items: page }
}
