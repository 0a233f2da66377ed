// One at a time, and nobody waits for the dead.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdingLock } from './file-lock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reins-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('work under a lock is done one after the other, and leaves no file', async () => {
  const file = path.join(folder, 'a.lock')
  const seen: string[] = []
  const work = (name: string) => async () => {
    seen.push(`${name} begins`)
    await new Promise((resolve) => setImmediate(resolve))
    seen.push(`${name} ends`)
  }
  await Promise.all(['a', 'b', 'c'].map((name) => holdingLock(file, work(name))))
  for (let at = 0; at < seen.length; at += 2) expect(seen[at]?.slice(0, 1)).toBe(seen[at + 1]?.slice(0, 1))
  expect(seen).toHaveLength(6)
  expect(readdirSync(folder)).toEqual([])
})

test('the lock of a process that is gone is taken by one of those who wait', async () => {
  const file = path.join(folder, 'a.lock')
  writeFileSync(file, '2147483646 gone')
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  await Promise.all([holdingLock(file, work), holdingLock(file, work), holdingLock(file, work)])
  expect(most).toBe(1)
  expect(readdirSync(folder)).toEqual([])
})

test('work that fails gives the lock back', async () => {
  const file = path.join(folder, 'a.lock')
  await expect(holdingLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await holdingLock(file, async () => 'done')).toBe('done')
})
