// The queue of one bucket at the executor that owns it: what waits at which executor, and whose turn it is. It holds nothing that is lost
// with it: each executor says again and again what waits there.
//   BO1. Turns are those of the fleet: of principals first, then of their agents, then of the executors where their sessions wait (FQ1).
//   BO2. What was granted and is not known to have arrived counts as waiting no more; after a second it is taken for lost.
//   BO3. An executor that has not said for a second what waits there has nothing that waits.
import type { QuotaDemand, QuotaGranted } from '@reins/contracts'
import { FairQueue, type Turn } from '@reins/holder'
import type { Bucket } from './bucket.ts'

interface Granted {
  readonly key: string
  readonly no: number
  readonly at: number
}

interface Asker {
  at: number
  /** By group of a principal: how many calls wait there. */
  readonly waiting: Map<string, number>
  /** BO2. */
  granted: readonly Granted[]
}

const lostAfterMs = 1_000
const silentAfterMs = 1_000
/** Of one group at one executor: more of it waits there, and is said again. */
const mostOfGroup = 1_000

const keyOf = ({ principal, group }: Turn): string => JSON.stringify([principal, group])
const turnOf = (key: string): Turn => {
  const [principal = '', group = ''] = JSON.parse(key)
  return { principal, group }
}

export class BucketOwner {
  readonly #bucket: Bucket
  readonly #askers = new Map<string, Asker>()
  /** One for each call that waits. */
  readonly #turns = new FairQueue<Turn>()
  /** Of each group: one for each call that waits, by its executor. */
  readonly #places = new Map<string, FairQueue<Turn>>()
  #no = 0

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** Of the last grant. */
  get no(): number {
    return this.#no
  }

  get waiting(): number {
    return this.#turns.size
  }

  /** Executors that have said what waits there, and not long ago. */
  askers(): readonly string[] {
    return [...this.#askers.keys()]
  }

  asked({ instance, heard, waiting, limit }: Omit<QuotaDemand, 'bucket'>, now: number): void {
    this.#bucket.narrow(limit)
    const asker: Asker = this.#askers.get(instance) ?? { at: now, waiting: new Map(), granted: [] }
    this.#askers.set(instance, asker)
    asker.at = now
    asker.granted = asker.granted.filter(({ no, at }) => no > heard && now - at < lostAfterMs)
    const wanted = new Map(waiting.map((one) => [keyOf(one), Math.min(one.count, mostOfGroup)]))
    for (const { key } of asker.granted) wanted.set(key, (wanted.get(key) ?? 0) - 1)
    for (const key of new Set([...asker.waiting.keys(), ...wanted.keys()]))
      this.#set(instance, asker, key, Math.max(0, wanted.get(key) ?? 0))
  }

  /** BO3. `living`: who may still be there. */
  forget(living: (instance: string) => boolean, now: number): void {
    for (const [instance, asker] of this.#askers) {
      if (living(instance) && now - asker.at < silentAfterMs) continue
      for (const key of [...asker.waiting.keys()]) this.#set(instance, asker, key, 0)
      this.#askers.delete(instance)
    }
  }

  /** What may begin now. */
  serve(now: number): QuotaGranted['grants'] {
    const grants = new Map<string, QuotaGranted['grants'][number]>()
    while (this.#turns.size > 0 && this.#bucket.waitMs(now) === 0) {
      const turn = this.#turns.next()
      const key = turn && keyOf(turn)
      const to = key && this.#places.get(key)?.next()?.principal
      const asker = to && this.#askers.get(to)
      if (!turn || !key || !to || !asker) break
      this.#bucket.begin()
      this.#count(asker, key, (asker.waiting.get(key) ?? 1) - 1)
      asker.granted = [...asker.granted, { key, no: this.#no + 1, at: now }]
      const known = grants.get(`${to} ${key}`)
      if (known) known.count++
      else grants.set(`${to} ${key}`, { to, ...turn, count: 1 })
    }
    if (grants.size > 0) this.#no++
    return [...grants.values()]
  }

  #set(to: string, asker: Asker, key: string, count: number): void {
    const turn = turnOf(key)
    const place: Turn = { principal: to, group: '' }
    const places = this.#places.get(key) ?? new FairQueue<Turn>()
    this.#places.set(key, places)
    const before = asker.waiting.get(key) ?? 0
    for (let at = before; at < count; at++) {
      this.#turns.add({ ...turn })
      places.add({ ...place })
    }
    for (let at = count; at < before; at++) {
      this.#turns.nextOf(turn)
      places.nextOf(place)
    }
    this.#count(asker, key, count)
  }

  #count(asker: Asker, key: string, count: number): void {
    if (count > 0) asker.waiting.set(key, count)
    else asker.waiting.delete(key)
    if (this.#places.get(key)?.size === 0) this.#places.delete(key)
  }
}
