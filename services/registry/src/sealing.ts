// Sealing what an older registry, or an older key, has left: each entity's last record is written again as it is, with a seal of the key of
// now, and then the mark behind which nothing is believed without one.
//   SG1. It can be killed at any line: what is sealed is not sealed again, and the mark comes last, where nothing stands behind what was
//        looked at.
//   SG2. What has no seal is taken over once, before there is a sound mark; what has one that is not sound, never.
//   SG3. Denials are a log of their own, and stay as they are.
import { type Broker, readMessages, type StoredMessage } from '@reins/broker'
import { jsonValue, registryKindFilter, registryKinds, sealHeader, type Seals, streams } from '@reins/contracts'
import { readSealedMark, sealedMarkSubject, sealStateOf, standingOf } from '@reins/journal'
import type { PausePoint } from '@reins/service'
import type { Log } from '@reins/telemetry'
import type { RegistryLog } from './registry-log.ts'

const kinds = registryKinds.filter((kind) => kind !== 'denial' && kind !== 'sealed') // SG3
/** A reading of all there is. */
const withinMs = 120_000

export interface SealingOptions {
  readonly broker: Broker
  readonly log: RegistryLog
  readonly say: Log
  readonly pauseAt?: PausePoint
}

/** Nothing where this process has no key. Rejects with BrokerUnavailable. */
export async function sealRecords(options: SealingOptions): Promise<void> {
  const { seals } = options.broker
  if (seals.sign('r', '') === undefined) return
  for (let sealed = 0; ; ) {
    const marks = await readSealedMark(options.broker, withinMs)
    const sound = marks.filter((mark) => sealStateOf(seals, mark) === 'sound')
    seals.sealedFrom = sound[0]?.seq
    if (sound.some(({ header }) => seals.isNewest('r', header(sealHeader)))) return
    const end = await options.log.end()
    const now = await sealPass(options, sound.length === 0)
    sealed += now
    if (now > 0) continue
    const before = marks.at(-1)?.seq ?? 0
    const mark = await options.log.seal(sealedMarkSubject, { v: 1 }, before, end) // SG1
    if (mark.kind === 'refused') continue
    seals.sealedFrom ??= mark.seq
    if (sealed > 0) options.say.info({ sealed }, 'records were sealed with the key of now')
    return
  }
}

/** How many records were not as they should be: none is left for the next pass. */
async function sealPass({ broker, log, pauseAt }: SealingOptions, adopts: boolean): Promise<number> {
  const { seals } = broker
  let count = 0
  for (const kind of kinds) {
    const taken = new Map<string, StoredMessage>()
    const ends = new Map<string, number>()
    for (const message of await readMessages(broker, streams.registry, registryKindFilter(kind), { withinMs })) {
      const { state, believed } = standingOf(seals, message, ends.get(message.subject) ?? 0)
      ends.set(message.subject, message.seq)
      if ((state === 'sound' && believed) || (adopts && state === 'none')) taken.set(message.subject, message) // SG2
    }
    for (const [subject, message] of taken) {
      const value = jsonValue(message.body)
      if (value === undefined || isOfNow(seals, message)) continue
      await log.seal(subject, value, ends.get(subject) ?? 0)
      count++
      await pauseAt?.('registry.record-sealed')
    }
  }
  return count
}

const isOfNow = (seals: Seals, message: StoredMessage): boolean =>
  sealStateOf(seals, message) === 'sound' && seals.isNewest('r', message.header(sealHeader))
