// Bundles of code in the object store, each by the digest of its bytes. They are immutable. Versions of agents that name them are for ever,
// so they stay, but for builds of `reins dev` that nobody needs: the registry has written that down before it takes their bytes away.
//   B1. Only the registry writes here (its NATS user alone may). Whoever reads checks the digest: what comes back is what was asked for.
//   B2. An object is there whole or not at all: its description is written behind its last chunk. Chunks of a writer that died name nothing.
//   B3. Nobody may purge or delete here. Bytes go by a message without bytes that takes the place of all others of its subject (a rollup),
//       before the description says that they are gone: where it says so, nothing is left to do.
//   B4. A description is replaced only where it is still the one that was read, and says after which removal it was kept again: so a removal
//       that comes late takes nothing away that was kept again after it.
import { randomUUID } from 'node:crypto'
import { JetStreamApiError, jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { type Broker, BrokerUnavailable, lastMessage, makeHeaders, objectBytes, untilAnswered } from '@reins/broker'
import {
  bundleDigest,
  fieldsOf,
  jsonValue,
  maxBundlesBytes,
  objectChunksSubject,
  objectInfoSubject,
  objectStores,
  objectStream,
} from '@reins/contracts'
import type { BundleStore } from '../port.ts'

const apiMs = 5000
const { bundles: name } = objectStores
const attempts = 10
/** "wrong last sequence": of a single server, and of a cluster. */
const refusals: readonly number[] = [10071, 10164]

/** An object as its description says it. */
interface Described {
  readonly seq: number
  readonly info: Record<string, unknown>
  readonly nuid: string
  readonly deleted: boolean
  /** The latest removal after which it was kept again; 0: it is there since the beginning. */
  readonly again: number
}

export async function createJetStreamBundles(broker: Broker): Promise<BundleStore> {
  const js = jetstream(broker.nc, { timeout: apiMs })
  const store = await untilAnswered(() => new Objm(js).open(name))
  const answered = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask()
    } catch (cause) {
      throw new BrokerUnavailable(what, { cause })
    }
  }

  async function described(digest: string): Promise<Described | undefined> {
    const found = await lastMessage(broker, objectStream(name), objectInfoSubject(name, digest), { leader: true })
    const info = fieldsOf(found && jsonValue(found.body))
    const { nuid, deleted, metadata } = info
    if (!found || typeof nuid !== 'string' || !/^[A-Za-z0-9_-]+$/.test(nuid)) return undefined
    return { seq: found.seq, info, nuid, deleted: deleted === true, again: Number(fieldsOf(metadata).again ?? 0) }
  }

  const rollup: [string, string] = ['Nats-Rollup', 'sub']
  /** B3. */
  const takeAway = ({ nuid }: Described) =>
    js.publish(objectChunksSubject(name, nuid), '', { headers: makeHeaders([rollup]) })
  /** B4. False: it is not the one that was read any more. */
  async function describe(digest: string, seq: number, info: object): Promise<boolean> {
    const headers = makeHeaders([rollup, ['Nats-Expected-Last-Subject-Sequence', String(seq)]])
    try {
      await js.publish(objectInfoSubject(name, digest), JSON.stringify(info), { headers })
      return true
    } catch (error) {
      if (error instanceof JetStreamApiError && refusals.includes(error.code)) return false
      throw error
    }
  }

  /** The bytes are those of before, and so is all that the description says of them. */
  async function putAgain(digest: string, bytes: Uint8Array, removal: number): Promise<void> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const found = await described(digest)
      if (!found) return void (await store.putBlob({ name: digest, metadata: { again: String(removal) } }, bytes))
      if (!found.deleted && found.again >= removal) return
      if (!found.deleted) await takeAway(found)
      const nuid = randomUUID()
      const size = Number(fieldsOf(found.info.options).max_chunk_size) || bytes.length
      for (let from = 0; from < bytes.length; from += size)
        await js.publish(objectChunksSubject(name, nuid), bytes.subarray(from, from + size))
      const metadata = { again: String(removal) }
      if (await describe(digest, found.seq, { ...found.info, nuid, deleted: false, metadata })) return
    }
    throw new Error(`the bundle ${digest} was changed by others ${attempts} times while it was stored`)
  }

  return {
    put: (digest, bytes, removal = 0) =>
      answered(`storing the bundle ${digest}`, async () => {
        if (removal > 0) return putAgain(digest, bytes, removal)
        // Written again, it would take its old chunks away, which nobody may.
        if (await store.info(digest)) return
        await store.putBlob({ name: digest }, bytes)
      }),
    remove: (digest, removal) =>
      answered(`removing the bundle ${digest}`, async () => {
        const found = await described(digest)
        if (!found || found.deleted || found.again >= removal) return
        await takeAway(found)
        await describe(digest, found.seq, { ...found.info, deleted: true }) // B4
      }),
    get: async (digest) => {
      const bytes = await objectBytes(broker, name, digest, { mostBytes: maxBundlesBytes })
      if (!bytes) return undefined
      if (bundleDigest(bytes) !== digest) throw new Error(`the bundle ${digest} is damaged in the object store`) // B1
      return bytes
    },
  }
}
