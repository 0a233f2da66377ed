import { createHash, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { KV } from '@nats-io/kv'
import { expect, test } from 'vitest'
import type { Snapshot } from '../port.ts'
import { snapshotsIn } from './snapshots.ts'

/** A bucket that takes no entry above its limit, as a server takes no message above its own. */
function bucket(limit: number) {
  const entries = new Map<string, Uint8Array>()
  const kv = {
    get: async (key: string) => {
      const value = entries.get(key)
      return value && { value, length: value.length }
    },
    put: async (key: string, value: string | Uint8Array) => {
      if (Buffer.byteLength(value) > limit) throw new Error(`${key} is too large`)
      entries.set(key, typeof value === 'string' ? Buffer.from(value) : value)
      return 1
    },
    delete: async (key: string) => void entries.delete(key),
  } as unknown as Pick<KV, 'get' | 'put' | 'delete'>
  return { snapshots: snapshotsIn(kv, () => limit), entries }
}

const snapshot = (seq: number, state: unknown): Snapshot => ({ seq, n: seq, hash: 'h', foldVersion: 1, state })
/** Does not shrink. */
const noise = (bytes: number): string => randomBytes(bytes).toString('base64')

test('a small snapshot is one entry', async () => {
  const { snapshots, entries } = bucket(1000)
  await snapshots.write('s', snapshot(1, 'small'))
  expect([...entries.keys()]).toEqual(['s'])
  expect(await snapshots.read('s')).toEqual(snapshot(1, 'small'))
})

test('a large one is one entry when it shrinks enough', async () => {
  const { snapshots, entries } = bucket(100_000)
  const large = snapshot(1, 'again and again '.repeat(100_000))
  await snapshots.write('s', large)
  expect(entries.size).toBe(1)
  expect(await snapshots.read('s')).toEqual(large)
})

test('a larger one is cut into parts, and read whole; the next one leaves nothing of it behind', async () => {
  const { snapshots, entries } = bucket(50_000)
  const larger = snapshot(7, noise(300_000))
  await snapshots.write('s', larger)
  expect(entries.size).toBeGreaterThan(3)
  expect(await snapshots.read('s')).toEqual(larger)
  await snapshots.write('s', snapshot(8, noise(300_000)))
  expect([...entries.keys()].filter((key) => key.startsWith('s.7.'))).toEqual([])
  await snapshots.write('s', snapshot(9, 'small again'))
  expect([...entries.keys()]).toEqual(['s'])
})

test('one whose part is missing is none, and a deleted one leaves nothing', async () => {
  const { snapshots, entries } = bucket(50_000)
  await snapshots.write('s', snapshot(7, noise(300_000)))
  entries.delete('s.7.2')
  expect(await snapshots.read('s')).toBeUndefined()
  await snapshots.write('s', snapshot(8, noise(300_000)))
  await snapshots.delete('s')
  expect(entries.size).toBe(0)
})

test('what is no snapshot is none, and the next one is written over it', async () => {
  const { snapshots, entries } = bucket(1000)
  const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024, ' '))
  for (const bytes of ['garbage', '{', '{}', 'null', '[]', '{"parts":1e9,"seq":1}', '{"seq":-1,"state":{}}', bomb]) {
    entries.set('s', Buffer.from(bytes as string))
    expect(await snapshots.read('s')).toBeUndefined()
    await snapshots.write('s', snapshot(2, {}))
    expect(await snapshots.read('s')).toEqual(snapshot(2, {}))
  }
})

test('parts without end are not gathered', async () => {
  const { snapshots, entries } = bucket(50_000)
  entries.set('s', Buffer.from('{"parts":1000,"seq":7}'))
  const large = Buffer.alloc(8 * 1024 * 1024)
  for (let part = 0; part < 1000; part++) entries.set(`s.7.${part}`, large)
  expect(await snapshots.read('s')).toBeUndefined()
})

test('a snapshot that no executor has signed is none, where that can be checked', async () => {
  const entries = new Map<string, Uint8Array>()
  const kv = {
    get: async (key: string) => {
      const value = entries.get(key)
      return value && { value, length: value.length }
    },
    put: async (key: string, value: string | Uint8Array) => void entries.set(key, Buffer.from(value)),
    delete: async (key: string) => void entries.delete(key),
  } as unknown as Pick<KV, 'get' | 'put' | 'delete'>
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
  let newest = true
  const seals = {
    sign: (_: unknown, text: string) => digest(text),
    check: (_: unknown, text: string, seal: string) =>
      seal === '' ? ('none' as const) : seal === digest(text) ? ('sound' as const) : ('wrong' as const),
    isNewest: () => newest,
  }
  const snapshots = snapshotsIn(kv, () => 100_000, seals)
  for (const state of ['small', 'again and again '.repeat(100_000), noise(200_000)]) {
    await snapshots.write('s', snapshot(1, state))
    expect((await snapshots.read('s'))?.state).toBe(state)
  }
  await snapshots.write('s', snapshot(1, 'small'))
  const text = Buffer.from(entries.get('s') ?? '').toString()
  expect(await snapshotsIn(kv, () => 100_000).read('s')).toEqual(snapshot(1, 'small')) // an older reader, or one without keys
  for (const [key, forged] of [
    ['s', text.replace('small', 'other')],
    ['s', JSON.stringify(snapshot(1, 'forged'))],
    ['s', text.replace(/"seal":".{4}/, '"seal":"0000')],
    ['another', text],
  ] as const) {
    entries.set(key, Buffer.from(forged))
    expect(await snapshots.read(key)).toBeUndefined()
  }
  entries.set('s', Buffer.from(text))
  expect(await snapshots.read('s')).toEqual(snapshot(1, 'small'))
  newest = false // the key was replaced since
  expect(await snapshots.read('s')).toBeUndefined()
})
