// Attacks on signing in by a browser: they need no product, and take a moment.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tryCallbacks, tryProviders } from './sign-in.ts'
import { Tally } from '../tally.ts'

test('no page that guesses the port ends a sign-in or takes its place, and no provider leaves out what keeps it one', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-attacks-'))
  const tally = new Tally()
  try {
    await tryCallbacks(folder, tally)
    await tryProviders(folder, tally)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough()).toEqual([])
})
