// Bundles of code in the object store, each by the digest of its bytes. They are immutable, and nothing deletes them: versions of agents
// that name them are for ever.
//   B1. Only the registry writes here (its NATS user alone may). Whoever reads checks the digest: what comes back is what was asked for.
//   B2. An object is there whole or not at all: its description is written behind its last chunk. Chunks of a writer that died name nothing.
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { type Broker, BrokerUnavailable, objectBytes, untilAnswered } from '@reins/broker'
import { bundleDigest, maxBundlesBytes, objectStores } from '@reins/contracts'
import type { BundleStore } from '../port.ts'

const apiMs = 5000

export async function createJetStreamBundles(broker: Broker): Promise<BundleStore> {
  const objects = new Objm(jetstream(broker.nc, { timeout: apiMs }))
  const store = await untilAnswered(() => objects.open(objectStores.bundles))
  const answered = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask()
    } catch (cause) {
      throw new BrokerUnavailable(what, { cause })
    }
  }
  return {
    put: (digest, bytes) =>
      answered(`storing the bundle ${digest}`, async () => {
        // Written again, it would take its old chunks away, which nobody may.
        if (await store.info(digest)) return
        await store.putBlob({ name: digest }, bytes)
      }),
    get: async (digest) => {
      const bytes = await objectBytes(broker, objectStores.bundles, digest, { mostBytes: maxBundlesBytes })
      if (!bytes) return undefined
      if (bundleDigest(bytes) !== digest) throw new Error(`the bundle ${digest} is damaged in the object store`) // B1
      return bytes
    },
  }
}
