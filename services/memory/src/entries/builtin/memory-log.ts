// The stream MEM: what the built-in provider remembers. Everything else of it is derived.
//   ML1. A change has a subject of its own, by its `op`: the same change is in the stream once, whoever sends it again.
//   ML2. A change of an entry is conditional on the last one of that entry, so its version follows on the version that its writer saw.
//   ML3. A time-out is never an answer: the same record goes out again, at the same condition, until it is acked or refused.
//   ML5. What the broker was made to put there, in the place of a record, is none (LI1 of libs/broker/src/connection/listen.ts); the next change stands
//        behind it all the same. So it is with a value that is no record at all, or one that is not believed (believed-records.ts); one that
//        looks like a newer version's is not written over.
//   ML4. Whoever depends on what is there reads it from the leader: a replica may not have heard of it yet.
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Broker,
  BrokerUnavailable,
  lastMessage,
  makeHeaders,
  publishReply,
  readMessages,
  type StoredMessage,
} from '@reins/broker'
import {
  allMemoriesFilter,
  fieldsOf,
  jsonValue,
  type MemoryRecord,
  memoryEntryFilter,
  memoryScopeFilter,
  memoryScopeForgottenFilter,
  memorySealText,
  ReinsError,
  sealHeader,
  streams,
} from '@reins/contracts'
import { entryOf, type Latest } from '../changes.ts'
import {
  BelievedRecords,
  conditionHeader,
  conditionOf,
  parseRecord,
  subjectOf,
  subjectOfRecord,
} from './believed-records.ts'

const stream = streams.memories
const withinMs = 10_000

/** What every record has, whatever else a newer version says in it. */
function looksNewer(text: string): boolean {
  const { kind, op, scope, at } = fieldsOf(jsonValue(text))
  return typeof kind === 'string' && typeof op === 'string' && typeof scope === 'string' && typeof at === 'number'
}

interface Placed {
  readonly seq: number
  /** Of the last message there, which may be no record (ML5). */
  readonly end: number
  /** undefined: nothing but such a message is there. */
  readonly record: MemoryRecord | undefined
}

export interface LatestOfEntry {
  readonly latest: Latest | undefined
  /** Of the last record of the entry: the condition of the next one. 0: there is none. */
  readonly seq: number
}

export class MemoryLog {
  readonly #broker: Broker
  readonly #believed: BelievedRecords

  constructor(broker: Broker) {
    this.#broker = broker
    this.#believed = new BelievedRecords(broker, withinMs)
  }

  /** What the operation was recorded as. `key`: of the entry; undefined: the whole scope was meant. */
  async recorded(scope: string, key: string | undefined, op: string): Promise<MemoryRecord | undefined> {
    return (await this.#last(subjectOf(scope, key, op)))?.record
  }

  /** Also of what was forgotten. */
  async latest(scope: string, key: string): Promise<LatestOfEntry> {
    const [last, cleared] = await Promise.all([
      this.#last(memoryEntryFilter(scope, key)),
      this.#last(memoryScopeForgottenFilter(scope)),
    ])
    if (!last?.record) return { latest: undefined, seq: last?.end ?? 0 }
    const { record, seq, end } = last
    if (record.kind === 'scope-forgotten') return { latest: undefined, seq: 0 }
    const there = record.kind === 'stored' && seq > (cleared?.seq ?? 0)
    return { latest: { version: record.version, entry: there ? entryOf(record) : undefined }, seq: end }
  }

  /** The sequence of the last change of the scope, or of any; 0: there was none. */
  async lastSeq(scope: string | undefined): Promise<number> {
    const filter = scope === undefined ? allMemoriesFilter : memoryScopeFilter(scope)
    return (await lastMessage(this.#broker, stream, filter, { leader: true, withinMs }))?.seq ?? 0
  }

  /** `refused`: somebody else's change of the entry, or this very change, is there already. */
  async append(record: MemoryRecord, after: number): Promise<'written' | 'refused'> {
    const subject = subjectOfRecord(record)
    const body = JSON.stringify(record)
    const seal = this.#broker.seals.sign('m', memorySealText({ subject, after: String(after), body }))
    const headers = makeHeaders([
      [conditionHeader, String(after)],
      [`${conditionHeader}-Subject`, conditionOf(record)],
      ...(seal === undefined ? [] : [[sealHeader, seal] as const]),
    ])
    const deadline = performance.now() + withinMs
    for (let wait = 25; performance.now() < deadline; wait = Math.min(wait * 2, 500)) {
      const outcome = await this.#broker.request(subject, body, { headers, withinMs: 2000 })
      const answer = outcome.kind === 'reply' ? readAck(outcome.msg.string()) : 'again'
      if (answer !== 'again') return answer
      await pause(wait) // ML3
    }
    throw new BrokerUnavailable(`writing to ${stream}`)
  }

  /** The latest first. */
  async history(scope: string, key: string, limit: number): Promise<readonly MemoryRecord[]> {
    const [own, whole] = await Promise.all(
      [memoryEntryFilter(scope, key), memoryScopeForgottenFilter(scope)].map((filter) =>
        readMessages(this.#broker, stream, filter, { withinMs }),
      ),
    )
    const records: MemoryRecord[] = []
    for (const message of [...(own ?? []), ...(whole ?? [])].sort((a, b) => b.seq - a.seq)) {
      if (records.length === limit) break
      const record = await this.#believed.recordIn(message)
      if (record) records.push(record)
    }
    return records
  }

  async #last(filter: string): Promise<Placed | undefined> {
    const message = await lastMessage(this.#broker, stream, filter, { leader: true, withinMs }) // ML4
    if (!message) return undefined
    const { seq } = message
    const record = await this.#believed.recordIn(message)
    if (record) return { seq, end: seq, record }
    if (!(await this.#isNewer(message))) return this.#lastRecord(filter, seq) // ML5
    throw new ReinsError('memory_unusable', `The record ${seq} of ${stream} is not one that this version reads.`)
  }

  /** ML5. Read from the start: it is asked for where somebody has done harm. */
  async #lastRecord(filter: string, end: number): Promise<Placed> {
    const all = await readMessages(this.#broker, stream, filter, { leader: true, withinMs })
    for (const message of all.toReversed()) {
      const record = await this.#believed.recordIn(message)
      if (record ?? (await this.#isNewer(message))) return { seq: message.seq, end, record }
    }
    return { seq: 0, end, record: undefined }
  }

  async #isNewer(message: StoredMessage): Promise<boolean> {
    return parseRecord(message.body) === undefined && looksNewer(message.body) && this.#believed.isOurs(message)
  }
}

// "wrong last sequence": of a single server, and of a cluster. The number in its text is not read.
const refusals: readonly number[] = [10071, 10164]
// No leader, no resources, in flight: it passes.
const passing: readonly number[] = [10008, 10023, 10158, 10167]

function readAck(text: string): 'written' | 'refused' | 'again' {
  const { seq, error } = publishReply(text)
  if (error === undefined) return seq === undefined ? 'again' : 'written'
  const { err_code: code = 0, description } = error
  if (refusals.includes(code)) return 'refused'
  if (code === 10047 || /no space left/i.test(description))
    throw new ReinsError('storage_full', `The memory cannot be written: ${description}.`)
  if (passing.includes(code)) return 'again'
  throw new Error(`${stream} refuses the record: ${description} (${code})`)
}
