import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from './log.ts'

test('a log in a file is for its owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reins-log-'))
  const destination = join(folder, 'logs', 'x.log')
  createLog({ service: 's', level: 'info', destination }).info({}, 'said')
  await expect.poll(() => (statSync(destination, { throwIfNoEntry: false })?.mode ?? 0) & 0o777).toBe(0o600)
  rmSync(folder, { recursive: true })
})
