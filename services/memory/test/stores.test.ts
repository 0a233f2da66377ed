// The providers that need no server, and what a file of the memory service may be.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { inProcessStore } from '../src/entries/in-process.ts'
import { SqliteStores } from '../src/entries/sqlite/sqlite-stores.ts'
import { type StoreSubject, storesContract } from './stores-contract.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-memories-'))
const files = path.join(folder, 'memory')
let stores = new SqliteStores(files)
afterAll(async () => {
  await stores.close()
  rmSync(folder, { recursive: true, force: true })
})

const inProcess: StoreSubject = { store: inProcessStore() }
storesContract('memory', () => inProcess)
storesContract('sqlite', () => ({
  store: stores.store('team/notes.db'),
  again: async () => {
    await stores.close()
    stores = new SqliteStores(files)
    return stores.store('team/notes.db')
  },
}))

describe('a file of the memory service', () => {
  const recall = (file: string) => stores.store(file).recall('s', 'k', 0)
  const store = (file: string) =>
    stores.store(file).apply({ kind: 'store', scope: 's', key: 'k', value: 1, op: 'o', by: { principal: 'p' }, at: 0 })

  it('is not made by reading', async () => {
    expect(await recall('team/none/none.db')).toBeUndefined()
    expect(await stores.store('none.db').list('s', { limit: 1 }, 0)).toEqual({ entries: [], total: 0 })
    expect([existsSync(path.join(files, 'team/none')), existsSync(path.join(files, 'none.db'))]).toEqual([false, false])
  })

  it('is for its owner alone', async () => {
    await store('own.db')
    expect(statSync(path.join(files, 'own.db')).mode & 0o777).toBe(0o600)
    expect(statSync(files).mode & 0o777).toBe(0o700)
  })

  it('is no link, and lies behind none', async () => {
    mkdirSync(path.join(folder, 'elsewhere'))
    writeFileSync(path.join(folder, 'elsewhere', 'x.db'), '')
    symlinkSync(path.join(folder, 'elsewhere', 'x.db'), path.join(files, 'link.db'))
    symlinkSync(path.join(folder, 'elsewhere'), path.join(files, 'away'))
    symlinkSync(path.join(folder, 'nothing'), path.join(files, 'dangling.db'))
    mkdirSync(path.join(files, 'folder.db'))
    await expect(recall('link.db')).rejects.toThrow('"link.db" is a symbolic link')
    await expect(recall('dangling.db')).rejects.toThrow('"dangling.db" is a symbolic link')
    await expect(recall('away/x.db')).rejects.toThrow('lies outside of its folder')
    await expect(recall('../elsewhere/x.db')).rejects.toThrow('lies outside of its folder')
    await expect(recall('folder.db')).rejects.toThrow('is no file')
    expect(statSync(path.join(folder, 'elsewhere', 'x.db')).size).toBe(0)
  })

  it('that is no database is named, and the others work on', async () => {
    writeFileSync(path.join(files, 'text.db'), 'This is no database at all. '.repeat(100))
    await expect(recall('text.db')).rejects.toMatchObject({
      code: 'memory_unusable',
      message: 'The memory file "text.db" is no database of SQLite.',
    })
    expect(await recall('fine.db')).toBeUndefined()
  })
})
