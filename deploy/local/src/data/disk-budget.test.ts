import { expect, test } from 'vitest'
import { DiskWatch, diskState, type Space } from './disk-budget.ts'

const limits = { newSessionsPercent: 90, appendsPercent: 97 }
const space = (usedPercent: number): Space => ({
  ...{ blocks: 1000, bfree: 1000 - usedPercent * 10, bavail: 1000 - usedPercent * 10, files: 0, ffree: 0 },
})

test('new sessions are refused before appends are', () => {
  expect(diskState(space(89), limits)).toEqual({ level: 'roomy', usedPercent: 89, text: 'ok' })
  expect(diskState(space(90), limits)).toEqual({
    level: 'no-new-sessions',
    usedPercent: 90,
    text: 'the disk of the data folder is 90 % full: no session is started from 90 % on, those that are there go on. Make room.',
  })
  expect(diskState(space(97), limits)).toEqual({
    level: 'no-appends',
    usedPercent: 97,
    text: 'the disk of the data folder is 97 % full: nothing is appended from 97 % on. Make room; everything goes on by itself.',
  })
})

test('what only root may use is not counted as room, and a disk without files left is full', () => {
  expect(diskState({ ...space(50), bavail: 0 }, limits).usedPercent).toBe(100)
  const { level, text } = diskState({ ...space(50), files: 100, ffree: 2 }, limits)
  expect([level, text.split(':')[0]]).toEqual([
    'no-appends',
    'the disk of the data folder is 98 % full of files (df -i counts them)',
  ])
})

test('an append waits for room, or for its signal, and goes at once where there is room', async () => {
  let used = 50
  const levels: string[] = []
  const watch = new DiskWatch({
    ...limits,
    folder: '/data',
    measure: async () => space(used),
    changed: ({ level }) => levels.push(level),
  })
  await watch.look()
  expect(watch.room()).toBeUndefined()
  used = 99
  await watch.look()
  const stop = new AbortController()
  const [patient, impatient] = [watch.room(), watch.room(stop.signal)]
  stop.abort()
  await impatient
  used = 91
  await watch.look()
  await patient
  expect(levels).toEqual(['no-appends', 'no-new-sessions'])
  await watch.close()
})

test('a file system that cannot be asked leaves what was known', async () => {
  let broken = false
  const measure = async () => {
    if (broken) throw new Error('EIO: i/o error, statfs')
    return space(98)
  }
  const watch = new DiskWatch({ ...limits, folder: '/data', measure })
  await watch.look()
  broken = true
  await watch.look()
  expect(watch.state().level).toBe('no-appends')
})
