// What is kept beside the log.
import { bundleDigest } from '@reins/contracts'
import { newId, newSession, type Trial } from './trial.ts'
import { describe, expect, it } from 'vitest'

export function bundlesContract(on: Trial): void {
  describe('bundles', () => {
    const bundle = (length = 300_000) => {
      const bytes = Buffer.alloc(length, newId())
      return { bytes, digest: bundleDigest(bytes) }
    }

    it('keeps what it was given, and nothing else', async () => {
      const { bundles } = on.subject
      const { bytes, digest } = bundle()
      expect(await bundles.get(digest)).toBeUndefined()
      for (const _ of [1, 2]) await bundles.put(digest, bytes)
      expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
    })

    it('removes a bundle, once and again, and keeps it again behind that removal', async () => {
      const { bundles } = on.subject
      const { bytes, digest } = bundle()
      await bundles.remove(digest, 3)
      await bundles.put(digest, bytes)
      for (const _ of [1, 2]) await bundles.remove(digest, 7)
      expect(await bundles.get(digest)).toBeUndefined()
      for (const _ of [1, 2]) await bundles.put(digest, bytes, 7)
      await bundles.remove(digest, 7) // It comes late.
      expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
      await bundles.remove(digest, 9)
      expect(await bundles.get(digest)).toBeUndefined()
    })

    it('keeps a bundle again that is not removed yet, and one that was never there', async () => {
      const { bundles } = on.subject
      const [old, unknown] = [bundle(), bundle(10)]
      await bundles.put(old.digest, old.bytes)
      for (const { digest, bytes } of [old, unknown]) {
        await bundles.put(digest, bytes, 5)
        await bundles.remove(digest, 5)
        expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
      }
    })

    it('is whole, however many remove and keep a bundle at once', async () => {
      const { bundles } = on.subject
      const { bytes, digest } = bundle()
      await bundles.put(digest, bytes)
      await Promise.all([
        ...[1, 2].map(() => bundles.remove(digest, 5)),
        ...[1, 2, 3].map(() => bundles.put(digest, bytes, 5)),
      ])
      expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
    })
  })
}

export function storesContract(on: Trial): void {
  describe('snapshots and kept outputs', () => {
    it('keeps the latest snapshot of a session until it is deleted', async () => {
      const session = newSession()
      const snapshot = { seq: 7, n: 3, hash: 'h', foldVersion: 1, state: { id: session, list: [1, 2] } }
      expect(await on.subject.snapshots.read(session)).toBeUndefined()
      await on.subject.snapshots.write(session, { ...snapshot, n: 2 })
      await on.subject.snapshots.write(session, snapshot)
      expect(await on.subject.snapshots.read(session)).toEqual(snapshot)
      await on.subject.snapshots.delete(session)
      expect(await on.subject.snapshots.read(session)).toBeUndefined()
    })

    it('keeps some older snapshots, so that one is found before any frame of a long session', async () => {
      const session = newSession()
      for (let n = 32; n <= 4096; n += 32)
        await on.subject.snapshots.write(session, { seq: n, n, hash: `h${n}`, foldVersion: 1, state: {} })
      expect((await on.subject.snapshots.read(session))?.n).toBe(4096)
      expect(await on.subject.snapshots.read(session, { upTo: 63 })).toBeUndefined()
      for (const upTo of [64, 100, 1000, 2047, 2048, 4095]) {
        const found = await on.subject.snapshots.read(session, { upTo })
        expect(found?.n).toBeLessThanOrEqual(upTo)
        expect(found?.n).toBeGreaterThan(upTo * 0.6)
      }
      await on.subject.snapshots.delete(session)
      expect(await on.subject.snapshots.read(session, { upTo: 4096 })).toBeUndefined()
    })

    it('keeps bytes by their digest, whole or in pieces', async () => {
      const bytes = new TextEncoder().encode(`some bytes ${newId()}`)
      async function* pieces() {
        yield bytes.subarray(0, 4)
        yield bytes.subarray(4)
      }
      const session = newSession()
      const { ref = '' } = await on.subject.outputs.put(session, bytes)
      expect(await on.subject.outputs.put(session, pieces())).toEqual({ ref, dropped: 0 })
      const stored = await on.subject.outputs.get(session, ref)
      expect(stored?.size).toBe(bytes.length)
      const read: Uint8Array[] = []
      for await (const part of stored?.bytes ?? []) read.push(part)
      expect(Buffer.concat(read).toString()).toBe(new TextDecoder().decode(bytes))
      expect(await on.subject.outputs.get(session, '0'.repeat(64))).toBeUndefined()
      expect(await on.subject.outputs.get(newSession(), ref)).toBeUndefined()
    })

    it('keeps no more than its limit of a session whose outputs end at the same moment', async () => {
      const session = newSession()
      const quarter = on.subject.outputBytesOfSession / 4 + 1
      const kept = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map((letter) => on.subject.outputs.put(session, Buffer.alloc(quarter, letter))),
      )
      expect(kept.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 4, quarter])
    })

    it('cuts what a session keeps beyond its limit, and says by how much', async () => {
      const session = newSession()
      const half = on.subject.outputBytesOfSession / 2
      expect(await on.subject.outputs.put(session, Buffer.alloc(half, 'a'))).toMatchObject({ dropped: 0 })
      const { ref = '', dropped } = await on.subject.outputs.put(session, Buffer.alloc(half + 3, 'b'))
      expect(dropped).toBe(3)
      expect((await on.subject.outputs.get(session, ref))?.size).toBe(half)
      expect(await on.subject.outputs.put(session, Buffer.alloc(5, 'c'))).toEqual({ ref: undefined, dropped: 5 })
      expect(await on.subject.outputs.put(newSession(), Buffer.alloc(5, 'c'))).toMatchObject({ dropped: 0 })
    })
  })
}
