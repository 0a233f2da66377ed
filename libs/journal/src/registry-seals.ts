// Which records of REG are believed: those that the registry has sealed (PROTOCOL 10).
//   RS1. Behind the mark of the registry (`reg.sealed.registry`) nothing is believed that has no seal. Before there is a mark, records of an
//        older registry have none, and are believed; once there is one, they were sealed before it.
//   RS2. A mark that is not sealed counts too: whoever can write it may make readers stricter, and never less strict.
//   RS3. A process without the registry's public key believes what it reads: it cannot check.
import { type Broker, type HeaderOf, readMessages, type StoredMessage } from '@reins/broker'
import {
  allRegistryFilter,
  recordSealText,
  registrySubject,
  type SealState,
  sealedMarkName,
  sealHeader,
  type Seals,
  streams,
} from '@reins/contracts'

/** Names a record, so that its writer recognises it. */
export const registryIdHeader = 'Reins-Id'
/** How the id of a record begins that says nothing new: it was sealed again. */
export const resealedPrefix = 'resealed-'

export const sealedMarkSubject = registrySubject('sealed', sealedMarkName)

/** A record as it lies in REG, or on its way there. */
export interface RecordText {
  readonly subject: string
  readonly header: HeaderOf
  readonly body: string
}

/** `end`: the condition is the last sequence of the whole log, not that of the entity. */
export function sealOfRecord(
  seals: Seals,
  record: {
    readonly subject: string
    readonly id: string
    readonly after: number
    readonly end: boolean
    readonly body: string
  },
): string | undefined {
  const { after, end, ...rest } = record
  return seals.sign('r', recordSealText({ ...rest, after: String(after), afterOf: end ? allRegistryFilter : '' }))
}

export function sealStateOf(seals: Seals, { subject, header, body }: RecordText): SealState {
  const text = recordSealText({
    ...{ subject, id: header(registryIdHeader), body },
    after: header('Nats-Expected-Last-Subject-Sequence'),
    afterOf: header('Nats-Expected-Last-Subject-Sequence-Subject'),
  })
  return seals.check('r', text, header(sealHeader))
}

/** RS1, RS3. */
export const believes = (seals: Seals, state: SealState): boolean =>
  state === 'sound' || state === 'unknown' || (state === 'none' && seals.sealedFrom === undefined)

/** Whether what is not believed is somebody's doing, and not just older than the seals. */
export const isForged = (seals: Seals, state: SealState, seq: number): boolean =>
  state === 'wrong' || (state === 'none' && seq > (seals.sealedFrom ?? Number.POSITIVE_INFINITY))

/** Learns whether there is a mark. The marks, the oldest first. Rejects with BrokerUnavailable. */
export async function readSealedMark(broker: Broker, withinMs?: number): Promise<readonly StoredMessage[]> {
  const { seals } = broker
  const marks = await readMessages(broker, streams.registry, sealedMarkSubject, {
    ...(withinMs === undefined ? {} : { withinMs }),
  })
  const sound = marks.find((mark) => sealStateOf(seals, mark) === 'sound')
  const first = sound ?? marks[0] // RS2
  if (first) seals.sealedFrom ??= first.seq
  return marks
}
