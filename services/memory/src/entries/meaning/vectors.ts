// Vectors of entries: in this process for the scopes that were searched last, and in a table of Postgres, where there is one, so that no
// text is sent to a model twice. Derived: drop the table, and the vectors are made again.
//   VE1. A vector is of one version of an entry and of one model. Any other is not there.
//   VE2. What is forgotten has no vector: it goes with the entry, or when its scope is searched the next time.
//   VE3. Where Postgres does not answer, vectors are kept in this process alone.
import { createHash } from 'node:crypto'
import { migrate } from '@reins/projection'
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Db } from '../postgres/entry-rows.ts'
import type { EntryVersion } from '../store.ts'

export interface VectorsOptions {
  readonly model: string
  /** undefined: in this process alone. */
  readonly db: Db | undefined
  /** Of vectors in this process; the scopes that were searched last stay. */
  readonly bytes: number
  readonly onAway: (error: unknown) => void
}

interface Kept {
  readonly stamp: string
  readonly vector: Float32Array
}
interface Shelf {
  readonly kept: Map<string, Kept>
  bytes: number
  /** Whether the table was asked for what it has too much. */
  swept: boolean
  /** It was put away while somebody used it, and is counted no more. */
  away: boolean
}
export interface NewVector extends EntryVersion {
  readonly vector: Float32Array
}

const migrations: Record<string, Migration> = {
  '001-vectors': {
    async up(db) {
      await sql`create table if not exists memory_vectors (
        shelf text collate "C" not null, key text collate "C" not null, stamp text not null,
        model text not null, vector bytea not null, primary key (shelf, key)
      )`.execute(db)
    },
  },
}

export class Vectors {
  readonly #options: VectorsOptions
  readonly #shelves = new Map<string, Shelf>()
  #made: Promise<void> | undefined
  #bytes = 0

  constructor(options: VectorsOptions) {
    this.#options = options
  }

  /** Those that there are of `wanted`, which is all that the scope has. */
  async of(place: string, scope: string, wanted: readonly EntryVersion[]): Promise<ReadonlyMap<string, Float32Array>> {
    const shelf = this.#shelf(place, scope)
    const stamps = new Map(wanted.map((one) => [one.key, stampOf(one)]))
    const gone = [...shelf.kept.keys()].filter((key) => !stamps.has(key))
    for (const key of gone) this.#drop(shelf, key)
    const missing = wanted.filter((one) => shelf.kept.get(one.key)?.stamp !== stampOf(one))
    await this.#inTable(async (db) => {
      const id = shelfId(place, scope)
      if (gone.length > 0 || !shelf.swept)
        await sql`delete from memory_vectors where shelf = ${id} and key <> all(${[...stamps.keys()].map(storable)}::text[])`.execute(
          db,
        )
      shelf.swept = true
      if (missing.length === 0) return
      const { rows } = await sql<{ key: string; stamp: string; vector: Buffer }>`
        select key, stamp, vector from memory_vectors where shelf = ${id} and model = ${this.#options.model}
        and key = any(${missing.map(({ key }) => storable(key))}::text[])`.execute(db)
      for (const { key, stamp, vector } of rows)
        if (stamps.get(key) === stamp) this.#put(shelf, key, { stamp, vector: floats(vector) })
    })
    this.#evict(shelf)
    const found = new Map<string, Float32Array>()
    for (const [key, stamp] of stamps) {
      const kept = shelf.kept.get(key)
      if (kept?.stamp === stamp) found.set(key, kept.vector)
    }
    return found
  }

  async keep(place: string, scope: string, vectors: readonly NewVector[]): Promise<void> {
    const shelf = this.#shelf(place, scope)
    for (const one of vectors) this.#put(shelf, one.key, { stamp: stampOf(one), vector: one.vector })
    this.#evict(shelf)
    const { model } = this.#options
    await this.#inTable(async (db) => {
      for (const one of vectors)
        await sql`insert into memory_vectors (shelf, key, stamp, model, vector)
          values (${shelfId(place, scope)}, ${storable(one.key)}, ${stampOf(one)}, ${model}, ${bytesOf(one.vector)})
          on conflict (shelf, key) do update
          set stamp = excluded.stamp, model = excluded.model, vector = excluded.vector`.execute(db)
    })
  }

  /** VE2. Without a key: of the whole scope. */
  async forget(place: string, scope: string, key?: string): Promise<void> {
    const shelf = this.#shelf(place, scope)
    for (const one of key === undefined ? [...shelf.kept.keys()] : [key]) this.#drop(shelf, one)
    const one = key === undefined ? sql`` : sql`and key = ${storable(key)}`
    await this.#inTable(async (db) => {
      await sql`delete from memory_vectors where shelf = ${shelfId(place, scope)} ${one}`.execute(db)
    })
  }

  /** VE3. */
  async #inTable(work: (db: Db) => Promise<void>): Promise<void> {
    const { db, onAway } = this.#options
    if (!db) return
    try {
      this.#made ??= migrate(db, 'memory_vectors', migrations)
      await this.#made
      await work(db)
    } catch (error) {
      this.#made = undefined
      onAway(error)
    }
  }

  /** The one that was used last stands last. */
  #shelf(place: string, scope: string): Shelf {
    const id = shelfId(place, scope)
    const shelf = this.#shelves.get(id) ?? { kept: new Map(), bytes: 0, swept: false, away: false }
    this.#shelves.delete(id)
    this.#shelves.set(id, shelf)
    return shelf
  }

  #put(shelf: Shelf, key: string, kept: Kept): void {
    this.#drop(shelf, key)
    shelf.kept.set(key, kept)
    this.#count(shelf, kept.vector.byteLength + overhead)
  }

  #drop(shelf: Shelf, key: string): void {
    const kept = shelf.kept.get(key)
    if (!kept) return
    shelf.kept.delete(key)
    this.#count(shelf, -(kept.vector.byteLength + overhead))
  }

  #count(shelf: Shelf, bytes: number): void {
    shelf.bytes += bytes
    if (!shelf.away) this.#bytes += bytes
  }

  #evict(used: Shelf): void {
    for (const [id, shelf] of this.#shelves) {
      if (this.#bytes <= this.#options.bytes) return
      if (shelf === used) continue
      this.#shelves.delete(id)
      shelf.away = true
      this.#bytes -= shelf.bytes
    }
  }
}

const overhead = 200
const stampOf = ({ version, updatedAt }: EntryVersion): string => `${version}.${updatedAt}`
const shelfId = (place: string, scope: string): string =>
  createHash('sha256').update(`${place}\n${scope}`).digest('base64url').slice(0, 22)
/** Postgres takes neither in a text. */
const storable = (text: string): string => text.replaceAll('\u0000', ' ').toWellFormed()
const bytesOf = (vector: Float32Array): Buffer => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
const floats = (bytes: Buffer): Float32Array => new Float32Array(new Uint8Array(bytes).buffer)
