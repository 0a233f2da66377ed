// Which records of MEM are believed: those that memory has written where they stand, and no others.
//   BR1. A record stands at the subject of what it says. What is said of another scope or key is none here.
//   BR2. It stands right behind what it was conditional on: whoever stores a genuine one again stores it behind other changes of that entry,
//        of a scope that was forgotten behind itself. So what was forgotten does not come back.
//   BR3. Memory seals it, with its place and that condition. What has no seal counts where an older version may have stored it (KS2 of
//        libs/broker); a process without keys believes what it reads.
//   BR4. What the broker was made to put there is none (LI1 of libs/broker).
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, isPutByBroker, nextMessage, type StoredMessage, sealedSince } from '@reins/broker'
import {
  decoder,
  MemoryRecord,
  memoryEntryFilter,
  memoryEntrySubject,
  memoryScopeSubject,
  memorySealText,
  sealHeader,
  streams,
} from '@reins/contracts'

const stream = streams.memories
export const conditionHeader = 'Nats-Expected-Last-Subject-Sequence'

/** undefined: it is no record of this version. */
export const parseRecord: (text: string) => MemoryRecord | undefined = decoder<MemoryRecord>(MemoryRecord)

export const subjectOf = (scope: string, key: string | undefined, op: string): string =>
  key === undefined ? memoryScopeSubject(scope, op) : memoryEntrySubject(scope, key, op)
export const subjectOfRecord = (record: MemoryRecord): string =>
  subjectOf(record.scope, record.kind === 'scope-forgotten' ? undefined : record.key, record.op)
/** Of what a record is conditional on: the changes of its entry, or where it is itself. */
export const conditionOf = (record: MemoryRecord): string =>
  record.kind === 'scope-forgotten' ? subjectOfRecord(record) : memoryEntryFilter(record.scope, record.key)

export class BelievedRecords {
  readonly #broker: Broker
  readonly #withinMs: number
  #sealedSince: Promise<number | undefined> | undefined

  constructor(broker: Broker, withinMs: number) {
    this.#broker = broker
    this.#withinMs = withinMs
  }

  /** Whether it was memory that said it, whatever it says. Rejects with BrokerUnavailable. */
  async isOurs({ subject, header, body, storedAt }: Omit<StoredMessage, 'seq'>): Promise<boolean> {
    if (isPutByBroker(header)) return false
    const text = memorySealText({ subject, after: header(conditionHeader), body })
    const state = this.#broker.seals.check('m', text, header(sealHeader))
    if (state !== 'none') return state !== 'wrong'
    return storedAt < ((await this.#since()) ?? Number.POSITIVE_INFINITY) // BR3
  }

  /** BR1, BR2. Rejects with BrokerUnavailable. */
  async stands({ subject, header, seq }: StoredMessage, record: MemoryRecord): Promise<boolean> {
    const after = header(conditionHeader)
    if (subject !== subjectOfRecord(record) || !/^\d{1,15}$/.test(after)) return false
    const options = { after: Number(after), leader: true, withinMs: this.#withinMs }
    const first = await nextMessage(this.#broker, stream, conditionOf(record), options)
    return first?.seq === seq
  }

  /** undefined: it is none that is believed. */
  async recordIn(message: StoredMessage): Promise<MemoryRecord | undefined> {
    const record = parseRecord(message.body)
    if (!record || !(await this.isOurs(message))) return undefined
    return (await this.stands(message, record)) ? record : undefined
  }

  #since(): Promise<number | undefined> {
    this.#sealedSince ??= jetstreamManager(this.#broker.nc, { checkAPI: false })
      .then((manager) => sealedSince(manager, stream))
      .then((since) => {
        if (since === undefined) this.#sealedSince = undefined
        return since
      })
    this.#sealedSince.catch(() => (this.#sealedSince = undefined))
    return this.#sealedSince
  }
}
