import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileHistory } from './history-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'reins-history-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('what was typed is there the next time, for its owner only', async () => {
  const state = path.join(folder, 'state')
  const history = fileHistory(state)
  expect(await history.load()).toEqual([])
  await history.add('one')
  await history.add('two\nlines')
  appendFileSync(path.join(state, 'history'), 'not JSON\n42\n')
  expect(await fileHistory(state).load()).toEqual(['one', 'two\nlines'])
  expect([statSync(state).mode & 0o777, statSync(path.join(state, 'history')).mode & 0o777]).toEqual([0o700, 0o600])
})

test('a folder that cannot be written costs the history, not the chat', async () => {
  appendFileSync(path.join(folder, 'file'), '')
  const history = fileHistory(path.join(folder, 'file', 'state'))
  await history.add('one')
  expect(await history.load()).toEqual([])
})
