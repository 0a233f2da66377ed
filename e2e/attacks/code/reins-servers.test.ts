// Attacks on the command line by the server that it was pointed to: a part of `npm run test:long`.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tryReinsServers } from './reins-servers.ts'
import { Tally } from '../tally.ts'

test('no server that the command line was pointed to fills it, keeps it, leads it elsewhere or drives the terminal', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-attacks-'))
  const tally = new Tally()
  try {
    await tryReinsServers(folder, tally)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough()).toEqual([])
}, 600_000)
