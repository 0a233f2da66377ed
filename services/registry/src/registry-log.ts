// Writing to REG: the entities' events, each one conditional on the entity's last sequence (PROTOCOL 10).
//   L1. A time-out is never an answer: the same record goes out again, at the same condition, until it is acked or refused.
//   L2. A refusal proves that a record behind the condition exists; mine is in if and only if the first one carries my id.

import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, BrokerUnavailable, makeHeaders } from '@reins/broker'
import { makeShortId, type RegistryKind, ReinsError, registrySubject } from '@reins/contracts'
import { type RegistryRecord, readRegistry, registryIdHeader } from '@reins/journal'

export type WriteOutcome =
  | { readonly kind: 'written'; readonly seq: number }
  /** Somebody else's record stands behind `after`. */
  | { readonly kind: 'refused' }

export interface RegistryLog {
  last(kind: RegistryKind, name: string): Promise<RegistryRecord | undefined>
  /** Appends the entity's new state where `after` is its last sequence (0: there is none). Rejects with BrokerUnavailable. */
  write(kind: RegistryKind, name: string, value: unknown, after: number): Promise<WriteOutcome>
}

export interface RegistryLogOptions {
  readonly random: () => number
  /** ms until BrokerUnavailable. Default 10 000. */
  readonly withinMs?: number
}

// "wrong last sequence": of a single server, and of a cluster. The number in its text is not read.
const refusals: readonly number[] = [10071, 10164]

export function registryLog(broker: Broker, { random, withinMs = 10_000 }: RegistryLogOptions): RegistryLog {
  const last: RegistryLog['last'] = (kind, name) => readRegistry(broker, kind, name, { withinMs })

  const write: RegistryLog['write'] = async (kind, name, value, after) => {
    const subject = registrySubject(kind, name)
    const body = JSON.stringify(value)
    const id = makeShortId(random)
    const headers = makeHeaders([
      ['Nats-Expected-Last-Subject-Sequence', String(after)],
      [registryIdHeader, id],
    ])
    const deadline = performance.now() + withinMs
    for (let wait = 25; performance.now() < deadline; wait = Math.min(wait * 2, 500)) {
      const outcome = await broker.request(subject, body, { headers, withinMs: 2000 })
      const answer = outcome.kind === 'reply' ? readAck(outcome.msg.string()) : 'again'
      if (typeof answer === 'number') return { kind: 'written', seq: answer }
      if (answer === 'refused') {
        const first = await readRegistry(broker, kind, name, { after, withinMs })
        if (first) return first.id === id ? { kind: 'written', seq: first.seq } : { kind: 'refused' }
        // A replica that has not heard of it yet.
      }
      await pause(wait)
    }
    throw new BrokerUnavailable(`writing ${subject}`)
  }
  return { last, write }
}

/** The sequence, or what to do. Throws where the server says that it never will be. */
function readAck(text: string): number | 'refused' | 'again' {
  const { seq, error } = JSON.parse(text) as { seq?: number; error?: { err_code?: number; description?: string } }
  if (error === undefined) return typeof seq === 'number' ? seq : 'again'
  if (refusals.includes(error.err_code ?? 0)) return 'refused'
  const { err_code: code = 0, description = 'no reason given' } = error
  if (code === 10047 || /no space left/i.test(description))
    throw new ReinsError('storage_full', `The registry cannot write: ${description}.`)
  // No leader, no resources, in flight: it passes.
  if (code === 10008 || code === 10023 || code === 10158 || code === 10167) return 'again'
  throw new Error(`REG refuses the record: ${description} (${code})`)
}
