// Snapshots in a KV bucket: one entry a session, and where that would be too large for one message, parts beside it.
//   S1. Parts are named by the sequence of their snapshot and are written before the entry that names them, so a reader finds a whole
//       snapshot or none. A snapshot that is none costs the reading of the log, and nothing else: whatever an entry holds, nothing throws.
//   S2. What is large is compressed: states are JSON, and shrink to a tenth.
//   S4. A snapshot is sealed by the executor that wrote it, for its session. One without a sound seal is none, where that can be checked: an
//       older executor's too, for the log is always there. So it is with one of a key that was replaced: whoever has that key, and why it
//       was replaced, is not known.
//   S3. Beside the latest one the first of each slot is kept (snapshot-slots.ts), under keys of its own, so that an old state is found.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { Broker } from '@reins/broker'
import { buckets, fieldsOf, jsonValue, noSeals, type Seals, snapshotSealText } from '@reins/contracts'
import type { Snapshot, Snapshots } from '../port.ts'
import { slotOf, slots } from '../snapshot-slots.ts'

/** Bytes from which on a snapshot is compressed. */
const plainBytes = 64 * 1024
/** Of a message, for its headers and its subject. */
const overhead = 1024
const pack = promisify(gzip)
const unpack = promisify(gunzip)
/** A state is far smaller; what unpacks to more is no state. */
const mostUnpacked = 256 * 1024 * 1024
const mostParts = 1024

/** What an entry holds where the snapshot does not stand in it: how many parts there are, of which sequence. */
interface Index {
  readonly seq: number
  readonly parts: number
}

export async function createJetStreamSnapshots(broker: Broker): Promise<Snapshots> {
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.snapshots)
  return snapshotsIn(kv, () => (broker.nc.info?.max_payload ?? 1_048_576) - overhead, broker.seals)
}

/** `largest`: bytes that one entry can hold. */
export function snapshotsIn(
  kv: Pick<KV, 'get' | 'put' | 'delete'>,
  largest: () => number,
  seals: Pick<Seals, 'sign' | 'check' | 'isNewest'> = noSeals(),
): Snapshots {
  const partKey = (key: string, seq: number, part: number): string => `${key}.${seq}.${part}`
  const slotKey = (session: string, slot: number): string => `${session}.at.${slot}`

  async function indexOf(key: string): Promise<Index | undefined> {
    const entry = await kv.get(key)
    return entry?.value[0] === brace ? indexIn(jsonValue(textOf(entry.value))) : undefined
  }
  async function forget(key: string, index: Index | undefined): Promise<void> {
    for (let part = 0; part < (index?.parts ?? 0); part++) await kv.delete(partKey(key, index?.seq ?? 0, part))
  }

  /** S4. */
  function sound(session: string, text: string | undefined): Snapshot | undefined {
    if (text === undefined) return undefined
    const at = text.lastIndexOf(sealMark)
    const [said, seal] = at < 0 ? [text, ''] : [`${text.slice(0, at)}}`, text.slice(at + sealMark.length, -2)]
    const state = seals.check('e', snapshotSealText(session, said), seal)
    const believed = state === 'unknown' || (state === 'sound' && seals.isNewest('e', seal))
    return believed ? snapshotIn(jsonValue(said)) : undefined
  }

  async function readAt(session: string, key = session): Promise<Snapshot | undefined> {
    const entry = await kv.get(key)
    if (!entry || entry.length === 0) return undefined
    if (entry.value[0] !== brace) return sound(session, await unpacked(entry.value))
    const text = textOf(entry.value)
    const index = indexIn(jsonValue(text))
    if (!index) return sound(session, text)
    const parts: Uint8Array[] = []
    let bytes = 0
    for (let part = 0; part < index.parts; part++) {
      const found = await kv.get(partKey(key, index.seq, part))
      if (!found || found.length === 0) return undefined // S1: a newer one is being written
      bytes += found.value.length
      if (bytes > mostUnpacked) return undefined
      parts.push(found.value)
    }
    return sound(session, await unpacked(Buffer.concat(parts)))
  }

  async function writeAt(key: string, seq: number, bytes: Uint8Array): Promise<void> {
    const size = largest()
    if (bytes.length <= size) return void (await kv.put(key, bytes))
    const parts = Math.ceil(bytes.length / size)
    for (let part = 0; part < parts; part++)
      await kv.put(partKey(key, seq, part), bytes.subarray(part * size, (part + 1) * size))
    await kv.put(key, JSON.stringify({ seq, parts } satisfies Index))
  }

  async function deleteAt(key: string): Promise<void> {
    const index = await indexOf(key)
    await kv.delete(key)
    await forget(key, index)
  }

  async function isThere(key: string): Promise<boolean> {
    return ((await kv.get(key))?.length ?? 0) > 0
  }

  return {
    async read(session, { upTo } = {}) {
      if (upTo === undefined) return readAt(session)
      for (let slot = slotOf(upTo) ?? -1; slot >= 0; slot--) {
        const found = await readAt(session, slotKey(session, slot))
        if (found && found.n <= upTo) return found
      }
      return undefined
    },
    async write(session, snapshot) {
      const before = await indexOf(session)
      const said = JSON.stringify(snapshot)
      const seal = seals.sign('e', snapshotSealText(session, said))
      const text = seal === undefined ? said : `${said.slice(0, -1)}${sealMark}${seal}"}`
      const bytes = Buffer.byteLength(text) < plainBytes ? Buffer.from(text) : await pack(text) // S2
      await writeAt(session, snapshot.seq, bytes)
      if (before?.seq !== snapshot.seq) await forget(session, before)
      const slot = slotOf(snapshot.n)
      if (slot === undefined || (await isThere(slotKey(session, slot)))) return
      await writeAt(slotKey(session, slot), snapshot.seq, bytes) // S3
    },
    async delete(session) {
      await deleteAt(session)
      for (let slot = 0; slot < slots; slot++)
        if (await isThere(slotKey(session, slot))) await deleteAt(slotKey(session, slot))
    },
  }
}

/** S4. Behind it stands the seal, as the last member. */
const sealMark = ',"seal":"'
/** JSON begins with it, and nothing that was compressed does. */
const brace = 0x7b
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** S1. */
const unpacked = (bytes: Uint8Array): Promise<string | undefined> =>
  unpack(bytes, { maxOutputLength: mostUnpacked }).then(textOf, () => undefined)

function snapshotIn(value: unknown): Snapshot | undefined {
  const { seq, n, hash, foldVersion, state } = fieldsOf(value)
  if (!isCount(seq) || !isCount(n) || !isCount(foldVersion) || typeof hash !== 'string') return undefined
  return state === undefined ? undefined : { seq, n, hash, foldVersion, state }
}

function indexIn(value: unknown): Index | undefined {
  const { seq, parts } = fieldsOf(value)
  return isCount(seq) && isCount(parts) && parts <= mostParts ? { seq, parts } : undefined
}
