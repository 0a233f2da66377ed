import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
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

test.runIf(existsSync('/dev/full'))('a log that cannot be written ends nothing, and counts what it drops', async () => {
  // Every write to it fails with ENOSPC.
  const log = createLog({ level: 'info', destination: '/dev/full' })
  const line = 'x'.repeat(100_000)
  await expect
    .poll(
      () => {
        log.info({}, line)
        return log.lost()
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(2)
})

test('a log whose folder cannot be made ends nothing either', async () => {
  const log = createLog({ level: 'info', destination: '/dev/null/logs/x.log' })
  log.info({}, 'said to nobody')
  await new Promise((resolve) => setImmediate(resolve))
  expect(log.lost()).toBe(0)
})

test('what a line holds goes through whoever takes secrets out, whichever field or error it stands in', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reins-log-'))
  const destination = join(folder, 'x.log')
  const log = createLog({ level: 'info', destination, redact: (line) => line.replaceAll('sesame', '[redacted]') })
  log.child({ deep: { down: 'a sesame' } }).error({ err: new Error('sesame, open') }, 'said sesame')
  await expect
    .poll(() => (existsSync(destination) ? readFileSync(destination, 'utf8') : ''))
    .toContain('said [redacted]')
  expect(readFileSync(destination, 'utf8')).not.toContain('sesame')
  rmSync(folder, { recursive: true })
})

test('an error is told with its message', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reins-log-'))
  const destination = join(folder, 'x.log')
  createLog({ level: 'info', destination }).error({ error: new Error('the disk is full') }, 'failed')
  await expect.poll(() => readFileSync(destination, 'utf8')).toContain('the disk is full')
  rmSync(folder, { recursive: true })
})

test('a log in a file that has grown large is put aside, and the oldest of those goes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reins-log-'))
  const destination = join(folder, 'x.log')
  const log = createLog({ level: 'info', destination, mostBytes: 1000 })
  const there = () => readdirSync(folder).toSorted()
  const wanted = ['x.log', 'x.log.1', 'x.log.2', 'x.log.3', 'x.log.4']
  for (let round = 0; round < 8; round++) {
    await expect.poll(() => existsSync(destination)).toBe(true)
    log.info({}, `${round} ${'y'.repeat(1200)}`)
    // What was handed over before is in the file that was put aside.
    await expect.poll(() => textsIn(folder)).toContain(`"${round} yyy`)
  }
  await expect.poll(there).toEqual(wanted)
  expect(textsIn(folder)).not.toContain('"0 yyy')
  rmSync(folder, { recursive: true })
})

const textsIn = (folder: string): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')
