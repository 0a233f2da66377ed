// Writing to REG: the entities' events, each one conditional on the entity's last sequence (PROTOCOL 10).
//   L1. A time-out is never an answer: the same record goes out again, at the same condition, until it is acked or refused.
//   L3. What must hold of other entities too is decided on an end of the whole log: the record goes in where nothing stands behind that.
//   L4. Each record is sealed with the registry's key. A record that is not believed has no value, and holds its sequence (registry-seals.ts).
//   L5. Each record is conditional on the end of the whole log, and so counts at one place only (RS4 of registry-seals.ts). That its entity is
//        as it was is looked at behind that end. Denials, which nobody acts on, are conditional on their own kind alone.
//   L2. A refusal proves that a record behind the condition exists; mine is in if and only if the first one carries my id.

import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, BrokerUnavailable, lastMessage, makeHeaders, publishReply, readMessages } from '@reins/broker'
import {
  allRegistryFilter,
  jsonValue,
  makeShortId,
  type RegistryKind,
  ReinsError,
  registryKindFilter,
  registrySubject,
  sealHeader,
  streams,
} from '@reins/contracts'
import {
  type RegistryRecord,
  readRecord,
  readRegistry,
  registryIdHeader,
  resealedPrefix,
  sealOfRecord,
  standingOf,
} from '@reins/journal'

export type WriteOutcome =
  | { readonly kind: 'written'; readonly seq: number }
  /** Somebody else's record stands behind `after`. */
  | { readonly kind: 'refused' }

export interface RegistryLog {
  /** The last record of each entity of the kind, by its subject. Rejects with BrokerUnavailable. */
  all(kind: RegistryKind): Promise<ReadonlyMap<string, RegistryRecord>>
  /** `leader`: nothing that was written before is missed. */
  last(kind: RegistryKind, name: string, options?: { readonly leader?: boolean }): Promise<RegistryRecord | undefined>
  /** The last sequence of the whole log. */
  end(): Promise<number>
  /**
   * Appends the entity's new state where `after` is its last sequence (0: there is none), and where `end` is given also that of the whole
   * log (L3). Rejects with BrokerUnavailable.
   */
  write(kind: RegistryKind, name: string, value: unknown, after: number, end?: number): Promise<WriteOutcome>
  /** As `write`, of what says nothing new. */
  seal(subject: string, value: unknown, after: number, end?: number): Promise<WriteOutcome>
}

export interface RegistryLogOptions {
  readonly random: () => number
  /** ms until BrokerUnavailable. Default 10 000. */
  readonly withinMs?: number
}

// "wrong last sequence": of a single server, and of a cluster. The number in its text is not read.
const refusals: readonly number[] = [10071, 10164]

export function registryLog(broker: Broker, { random, withinMs = 10_000 }: RegistryLogOptions): RegistryLog {
  const last: RegistryLog['last'] = (kind, name, { leader = false } = {}) =>
    readRegistry(broker, kind, name, { withinMs, leader })
  const end: RegistryLog['end'] = async () =>
    (await lastMessage(broker, streams.registry, allRegistryFilter, { leader: true, withinMs }))?.seq ?? 0

  const put = async (
    subject: string,
    value: unknown,
    stoodAt: number,
    whole: number | undefined,
    idPrefix: string,
  ): Promise<WriteOutcome> => {
    let after = stoodAt
    const body = JSON.stringify(value)
    const id = `${idPrefix}${makeShortId(random)}`
    const ofLog = whole !== undefined || !subject.startsWith(denials) // L5
    const others = async (): Promise<WriteOutcome | undefined> => {
      const first = await readRecord(broker, subject, { after, leader: true, withinMs })
      if (!first) return undefined
      return first.id === id ? { kind: 'written', seq: first.seq } : { kind: 'refused' }
    }
    const deadline = performance.now() + withinMs
    let to = whole ?? after
    let moved = ofLog && whole === undefined
    for (let wait = 25; performance.now() < deadline; wait = Math.min(wait * 2, 500)) {
      if (moved) {
        to = await end()
        const now = await lastMessage(broker, streams.registry, subject, { leader: true, withinMs })
        const theirs = (now?.seq ?? 0) === after ? undefined : await others()
        if (theirs) return theirs
        moved = false
      }
      const seal = sealOfRecord(broker.seals, { subject, id, after: to, end: ofLog, body })
      const headers = makeHeaders([
        ['Nats-Expected-Last-Subject-Sequence', String(to)],
        ...(ofLog ? [['Nats-Expected-Last-Subject-Sequence-Subject', allRegistryFilter] as [string, string]] : []),
        [registryIdHeader, id],
        ...(seal === undefined ? [] : [[sealHeader, seal] as [string, string]]),
      ])
      const outcome = await broker.request(subject, body, { headers, withinMs: 2000 })
      const answer = outcome.kind === 'reply' ? readAck(outcome.msg.string()) : 'again'
      if (typeof answer === 'number') {
        if (!ofLog || answer === to + 1) return { kind: 'written', seq: answer }
        // Of several servers, one let something come between: nobody believes it there.
        if (whole !== undefined) return { kind: 'refused' }
        after = answer
        moved = true
        continue
      }
      if (answer === 'refused') {
        const theirs = await others()
        if (theirs) return theirs
        if (whole !== undefined && (await end()) > whole) return { kind: 'refused' }
        if (ofLog && whole === undefined && (await end()) > to) {
          moved = true
          continue
        }
        // A replica that has not heard of it yet.
      }
      await pause(wait)
    }
    throw new BrokerUnavailable(`writing ${subject}`)
  }
  const write: RegistryLog['write'] = (kind, name, value, after, whole) =>
    put(registrySubject(kind, name), value, after, whole, '')
  const seal: RegistryLog['seal'] = (subject, value, after, whole) => put(subject, value, after, whole, resealedPrefix)
  const known = new Map<RegistryKind, KindRecords>()
  const all: RegistryLog['all'] = (kind) => {
    const records = known.get(kind) ?? new KindRecords(broker, kind, withinMs)
    known.set(kind, records)
    return records.read()
  }
  return { all, last, end, write, seal }
}

const denials = registryKindFilter('denial').replace(/[*>]$/, '')

/** Of one kind: read on from where the last reading ended, so that reading again costs what was written since. */
class KindRecords {
  readonly #broker: Broker
  readonly #kind: RegistryKind
  readonly #withinMs: number
  readonly #records = new Map<string, RegistryRecord>()
  #seq = 0
  #reading: Promise<void> = Promise.resolve()

  constructor(broker: Broker, kind: RegistryKind, withinMs: number) {
    this.#broker = broker
    this.#kind = kind
    this.#withinMs = withinMs
  }

  async read(): Promise<ReadonlyMap<string, RegistryRecord>> {
    // A reading begins when it is asked for, not before: what was written until then is in it.
    const reading = this.#reading.catch(() => undefined).then(() => this.#readOn())
    this.#reading = reading
    await reading
    return this.#records
  }

  async #readOn(): Promise<void> {
    const news = await readMessages(this.#broker, streams.registry, registryKindFilter(this.#kind), {
      after: this.#seq,
      leader: this.#seq > 0 || this.#kind === 'project',
      withinMs: this.#withinMs,
    })
    const { seals } = this.#broker
    for (const message of news) {
      const { seq, subject, body, header } = message
      this.#seq = seq
      if (standingOf(seals, message, this.#records.get(subject)?.seq ?? 0).believed)
        this.#records.set(subject, { seq, id: header(registryIdHeader), value: jsonValue(body) })
      else this.#records.set(subject, { seq, id: '', value: this.#records.get(subject)?.value })
    }
  }
}

/** The sequence, or what to do. Throws where the server says that it never will be. */
function readAck(text: string): number | 'refused' | 'again' {
  const { seq, error } = publishReply(text)
  if (error === undefined) return seq ?? 'again'
  if (refusals.includes(error.err_code ?? 0)) return 'refused'
  const { err_code: code = 0, description } = error
  if (code === 10047 || /no space left/i.test(description))
    throw new ReinsError('storage_full', `The registry cannot write: ${description}.`)
  // No leader, no resources, in flight: it passes.
  if (code === 10008 || code === 10023 || code === 10158 || code === 10167) return 'again'
  throw new Error(`REG refuses the record: ${description} (${code})`)
}
