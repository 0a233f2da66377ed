// Attacks on signing in by a code: a part of `npm run test:long`, for some of them last as long as a provider is waited for.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tryDevice } from './device.ts'
import { Tally } from '../tally.ts'

test('no provider has a person shown, sent or asked what it likes, or keeps the command', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-attacks-'))
  const tally = new Tally()
  try {
    await tryDevice(folder, tally)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough()).toEqual([])
}, 240_000)
