import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { SqliteFile } from './sqlite-file.ts'

it('says which column is wrong of a row that another program has written', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const at = path.join(folder, 'memory.db')
  new SqliteFile(at).close()
  const other = new DatabaseSync(at)
  other.exec(`insert into entries values ('user:ann', 'tea', 'first', 1, 2, 3, 4, null, '{}', '"green"')`)
  other.close()
  const file = new SqliteFile(at)
  onTestFinished(() => file.close())
  expect(() => file.recall('user:ann', 'tea', 10)).toThrow('The memory file has a row whose version is no number.')
})
