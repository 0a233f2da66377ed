import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { spoolFolder } from './spool-folder.ts'

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'reins-spool-test-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a spool lies in the data folder, and begins empty: what a killed process left is gone, a link is not followed', () => {
  const [dataDir, elsewhere] = [folder(), folder()]
  writeFileSync(path.join(elsewhere, 'kept'), '')
  symlinkSync(elsewhere, path.join(dataDir, 'spool'))
  const spool = spoolFolder(dataDir)
  expect(spool).toMatchObject({ path: path.join(dataDir, 'spool'), masked: [] })
  writeFileSync(path.join(spool.path, 'left'), 'by a process that was killed')
  expect(readdirSync(spoolFolder(dataDir).path)).toEqual([])
  expect(readdirSync(elsewhere)).toEqual(['kept'])
})

test.each([
  ['no data folder', undefined],
  ['one that nothing can be made in', '/proc/self'],
])('with %s it is a masked folder of its own, which goes at the end', (_what, dataDir) => {
  const spool = spoolFolder(dataDir)
  expect(spool.masked).toEqual([spool.path])
  spool.remove()
  expect(existsSync(spool.path)).toBe(false)
})
