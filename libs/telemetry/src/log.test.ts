import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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

test('a log is written through no link, neither in its place nor in that of its folder, and into no file with another name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reins-log-'))
  const victim = join(folder, 'victim')
  mkdirSync(victim)
  writeFileSync(join(victim, 'x.log'), 'of the machine')
  mkdirSync(join(folder, 'data'))
  symlinkSync(join(victim, 'x.log'), join(folder, 'data', 'x.log'))
  symlinkSync(victim, join(folder, 'data', 'logs'))
  linkSync(join(victim, 'x.log'), join(folder, 'data', 'second.log'))
  for (const name of ['x.log', 'logs/x.log', 'second.log'])
    expect(() => createLog({ level: 'info', destination: join(folder, 'data', name) })).toThrow(/Remove it/)
  // One that is put there later: what is said goes on to the file that was put aside.
  const destination = join(folder, 'data', 'y.log')
  const log = createLog({ level: 'info', destination, mostBytes: 100 })
  symlinkSync(join(victim, 'x.log'), join(folder, 'data', 'y.log.1'))
  for (let at = 0; at < 5; at++) log.info({}, `${at} ${'z'.repeat(200)}`)
  await expect.poll(() => existsSync(`${destination}.4`)).toBe(true)
  expect(readFileSync(join(victim, 'x.log'), 'utf8')).toBe('of the machine')
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
