// Long-term memory on real servers: the contract of all providers, and what holds while Postgres is away.
import { openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type EntryStore,
  type OpenBuiltin,
  openBuiltin,
  openDatabase,
  postgresStore,
  Vectors,
} from '../../services/memory/test/open-stores.ts'
import { storesContract } from '../../services/memory/test/stores-contract.ts'
import { eventually, type TestServers, testServers } from './servers.ts'

let servers: TestServers
let builtin: OpenBuiltin
let own: EntryStore
let url: string

const open = async (): Promise<OpenBuiltin> => openBuiltin(await servers.broker('memories'), servers.databaseUrl ?? '')

beforeAll(async () => {
  servers = await testServers({ postgres: true })
  await openJournal(await servers.broker('topology'), { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
  const admin = new pg.Client({ connectionString: servers.databaseUrl })
  await admin.connect()
  await admin.query('create database own_memory')
  await admin.end()
  const at = new URL(servers.databaseUrl ?? '')
  at.pathname = '/own_memory'
  url = at.href
  own = postgresStore(url)
  builtin = await open()
}, 120_000)
afterAll(async () => {
  await own?.close()
  await builtin?.close()
  await servers?.close()
})

storesContract('postgresql', () => ({
  store: own,
  again: async () => {
    await own.close()
    own = postgresStore(url)
    return own
  },
}))
storesContract('builtin', () => ({
  store: builtin.store,
  again: async () => {
    await builtin.close()
    builtin = await open()
    return builtin.store
  },
}))

describe('vectors of entries', () => {
  const entry = (key: string, version: number) => ({ key, version, updatedAt: 1000 + version })
  const vector = Float32Array.of(0.6, 0.8)

  it('are there for the next process, for one version and one model alone; forgetting takes them away', async () => {
    const db = openDatabase<Record<string, never>>(url)
    const problems: unknown[] = []
    const opened = (model: string) =>
      new Vectors({ model, db, bytes: 1e6, onAway: (problem) => void problems.push(problem) })
    const kept = async (all = [entry('a', 1), entry('b', 1), entry('c', 2)], model = 'lab/small') =>
      Object.fromEntries(await opened(model).of('builtin', 'user:ann', all))
    const three = ['a', 'b', 'c'].map((key) => ({ ...entry(key, 1), vector }))
    await opened('lab/small').keep('builtin', 'user:ann', three)
    expect(await kept()).toEqual({ a: vector, b: vector })
    expect(await kept(undefined, 'lab/large')).toEqual({})
    await opened('lab/small').forget('builtin', 'user:ann', 'a')
    expect(await kept()).toEqual({ b: vector })
    expect(await kept([entry('a', 1)])).toEqual({})
    expect(await kept()).toEqual({})
    expect(problems).toEqual([])
    await db.destroy()
  })
})

describe('the built-in provider', () => {
  const by = { principal: 'ann' }
  const store = (key: string, value: unknown, op: string) =>
    builtin.store.apply({ kind: 'store', scope: 'away', key, value, op, by, at: 1000 })

  it('stores, recalls one key and forgets while Postgres is away; lists wait, and hold all of it afterwards', async () => {
    await store('before', 1, 'op-1')
    await servers.killPostgres()
    expect(await store('during', 2, 'op-2')).toMatchObject({ kind: 'recorded' })
    expect(await builtin.store.recall('away', 'during', 5000)).toMatchObject({ value: 2 })
    expect(
      await builtin.store.apply({ kind: 'forget', scope: 'away', key: 'before', op: 'op-3', by, at: 2000 }),
    ).toMatchObject({ kind: 'recorded' })
    await expect(builtin.store.list('away', { limit: 10 }, 5000)).rejects.toMatchObject({ code: 'unavailable' })
    await servers.restartPostgres()
    const listed = await eventually(() => builtin.store.list('away', { limit: 10 }, 5000).catch(() => undefined))
    expect(listed.entries.map(({ key }) => key)).toEqual(['during'])
  }, 120_000)

  it('makes its index anew where its tables are gone', async () => {
    await store('again', 3, 'op-4')
    await builtin.close()
    const admin = new pg.Client({ connectionString: servers.databaseUrl })
    await admin.connect()
    await admin.query('drop table memory_entries, memory_entries_checkpoint, memory_entries_migrations')
    await admin.end()
    builtin = await open()
    const listed = await eventually(() => builtin.store.list('away', { limit: 10 }, 5000).catch(() => undefined))
    expect(listed.entries.map(({ key }) => key)).toEqual(['again', 'during'])
  }, 120_000)
})

describe('a database of a user', () => {
  it('that is not as it should be is told in words without its address', async () => {
    const nowhere = postgresStore(url.replace('own_memory', 'no_such_database'))
    await expect(nowhere.recall('s', 'k', 0)).rejects.toMatchObject({
      code: 'memory_unusable',
      message: 'The database of this memory has no database of this name.',
    })
    const away = postgresStore('postgresql://u:not-to-be-shown@127.0.0.1:9/x')
    await expect(away.recall('s', 'k', 0)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The database of this memory does not answer.',
    })
    await away.close()
    await nowhere.close()
  })
})
