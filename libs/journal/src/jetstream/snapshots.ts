// Snapshots in a KV bucket: one entry a session, and where that would be too large for one message, parts beside it.
//   S1. Parts are named by the sequence of their snapshot and are written before the entry that names them, so a reader finds a whole
//       snapshot or none. A snapshot that is none costs the reading of the log, and nothing else.
//   S2. What is large is compressed: states are JSON, and shrink to a tenth.
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { Broker } from '@reins/broker'
import { buckets } from '@reins/contracts'
import type { Snapshot, Snapshots } from '../port.ts'

/** Bytes from which on a snapshot is compressed. */
const plainBytes = 64 * 1024
/** Of a message, for its headers and its subject. */
const overhead = 1024
const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** What an entry holds where the snapshot does not stand in it: how many parts there are, of which sequence. */
interface Index {
  readonly seq: number
  readonly parts: number
}

export async function createJetStreamSnapshots(broker: Broker): Promise<Snapshots> {
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.snapshots)
  return snapshotsIn(kv, () => (broker.nc.info?.max_payload ?? 1_048_576) - overhead)
}

/** `largest`: bytes that one entry can hold. */
export function snapshotsIn(kv: Pick<KV, 'get' | 'put' | 'delete'>, largest: () => number): Snapshots {
  const partKey = (session: string, seq: number, part: number): string => `${session}.${seq}.${part}`

  async function indexOf(session: string): Promise<Index | undefined> {
    const entry = await kv.get(session)
    const value = entry && entry.length > 0 && entry.value[0] === brace ? entry.json<Snapshot | Index>() : undefined
    return value !== undefined && 'parts' in value ? value : undefined
  }
  async function forget(session: string, index: Index | undefined): Promise<void> {
    for (let part = 0; part < (index?.parts ?? 0); part++) await kv.delete(partKey(session, index?.seq ?? 0, part))
  }

  return {
    async read(session) {
      const entry = await kv.get(session)
      if (!entry || entry.length === 0) return undefined
      if (entry.value[0] !== brace) return parse(await unpack(entry.value))
      const value = entry.json<Snapshot | Index>()
      if (!('parts' in value)) return value
      const parts: Uint8Array[] = []
      for (let part = 0; part < value.parts; part++) {
        const found = await kv.get(partKey(session, value.seq, part))
        if (!found || found.length === 0) return undefined // S1: a newer one is being written
        parts.push(found.value)
      }
      return parse(await unpack(Buffer.concat(parts)))
    },
    async write(session, snapshot) {
      const before = await indexOf(session)
      const text = JSON.stringify(snapshot)
      const bytes = Buffer.byteLength(text) < plainBytes ? Buffer.from(text) : await pack(text) // S2
      const size = largest()
      if (bytes.length <= size) await kv.put(session, bytes)
      else {
        const parts = Math.ceil(bytes.length / size)
        for (let part = 0; part < parts; part++)
          await kv.put(partKey(session, snapshot.seq, part), bytes.subarray(part * size, (part + 1) * size))
        await kv.put(session, JSON.stringify({ seq: snapshot.seq, parts } satisfies Index))
      }
      if (before?.seq !== snapshot.seq) await forget(session, before)
    },
    async delete(session) {
      const index = await indexOf(session)
      await kv.delete(session)
      await forget(session, index)
    },
  }
}

/** JSON begins with it, and nothing that was compressed does. */
const brace = 0x7b
const parse = (bytes: Uint8Array): Snapshot => JSON.parse(Buffer.from(bytes).toString('utf8'))
