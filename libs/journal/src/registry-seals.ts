// Which records of REG are believed: those that the registry has sealed (PROTOCOL 10).
//   RS1. Behind the mark of the registry (`reg.sealed.registry`) nothing is believed that has no seal. Before there is a mark, records of an
//        older registry have none, and are believed; once there is one, they were sealed before it.
//   RS2. A mark that is not sealed counts too: whoever can write it may make readers stricter, and never less strict.
//   RS4. A seal says that the registry has written a record, and not when: an older one was genuine too. The broker checks the condition, and
//        can be made not to: by headers in which it does not find it, or by settings of the stream, which the registry's password may change,
//        that make it forget what stood before. So readers look themselves. A record is conditional on the end of the whole log, and counts
//        right behind that end and nowhere else. One of an older version is conditional on its entity, and counts where it is the first
//        of its entity behind that.
//   RS3. A process without the registry's public key believes what it reads: it cannot check.
import { type Broker, type HeaderOf, nextMessage, readMessages, type StoredMessage } from '@reins/broker'
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

/** RS4. What a record says of where it stands; undefined: nothing that could be. */
function conditionOf(header: HeaderOf): { readonly after: number; readonly ofLog: boolean } | undefined {
  const after = header('Nats-Expected-Last-Subject-Sequence')
  if (!/^\d{1,15}$/.test(after)) return undefined
  return { after: Number(after), ofLog: header('Nats-Expected-Last-Subject-Sequence-Subject') === allRegistryFilter }
}

export interface Standing {
  readonly state: SealState
  /** undefined: the broker has to be asked what stands behind `after` (RS4). */
  readonly believed: boolean | undefined
  /** The sequence that the record is conditional on. */
  readonly after: number
}

/** RS1, RS3, RS4. `before`: the last sequence of the entity before this record, where that is known; 0: there is none. */
export function standingOf(seals: Seals, record: RecordText & { readonly seq: number }, before?: number): Standing {
  const state = sealStateOf(seals, record)
  if (!believes(seals, state)) return { state, believed: false, after: 0 }
  if (state !== 'sound') return { state, believed: true, after: 0 }
  const condition = conditionOf(record.header)
  if (!condition) return { state, believed: false, after: 0 }
  const { after, ofLog } = condition
  if (ofLog) return { state, believed: record.seq === after + 1, after }
  return { state, believed: before === undefined ? undefined : before === after, after }
}

/** Asks the broker where it has to. Rejects with BrokerUnavailable. */
export async function isBelieved(broker: Broker, record: RecordText & { readonly seq: number }): Promise<boolean> {
  const { believed, after } = standingOf(broker.seals, record)
  if (believed !== undefined) return believed
  const first = await nextMessage(broker, streams.registry, record.subject, { after })
  return first?.seq === record.seq
}

/** Of all records of an entity, in their order, those that are believed. */
export function believedOf<T extends RecordText & { readonly seq: number }>(
  seals: Seals,
  all: readonly T[],
): readonly T[] {
  return all.filter((record, at) => standingOf(seals, record, all[at - 1]?.seq ?? 0).believed === true)
}

/** RS1, RS3. */
const believes = (seals: Seals, state: SealState): boolean =>
  state === 'sound' || state === 'unknown' || (state === 'none' && seals.sealedFrom === undefined)

/** Whether what is not believed is somebody's doing, and not just older than the seals. */
export const isForged = (
  seals: Seals,
  { state, believed }: Pick<Standing, 'state' | 'believed'>,
  seq: number,
): boolean =>
  state === 'wrong' ||
  (state === 'sound' && believed === false) ||
  (state === 'none' && seq > (seals.sealedFrom ?? Number.POSITIVE_INFINITY))

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
