import { silentLog } from '@reins/telemetry'
import { expect, onTestFinished, test } from 'vitest'
import { healthOf, runLoop } from './loop.ts'

function running(follow: (round: number) => Promise<void>) {
  let round = 0
  const failures: string[] = []
  const loop = runLoop({
    what: 'the test',
    log: silentLog,
    follow: async ({ signal, enter }) => {
      await follow(++round)
      enter({ kind: 'following' })
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    failed: (why) => failures.push(why),
  })
  onTestFinished(() => loop.close())
  return { loop, failures }
}

test('what fails is tried again, and Postgres that is away is said in those words', async () => {
  let release = () => {}
  const { loop, failures } = running(async (round) => {
    if (round === 1) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    if (round === 2)
      await new Promise<void>((resolve) => {
        release = resolve
      })
  })
  await expect.poll(() => healthOf(loop.state())).toBe('Postgres does not answer')
  await expect
    .poll(() => {
      release()
      return healthOf(loop.state())
    })
    .toBe('ok')
  expect(failures).toEqual(['connect'])
})

test('records that were passed over stay said', () => {
  expect(healthOf({ kind: 'following' })).toBe('ok')
  const passedOver = { count: 1, why: 'the record 7 is malformed' }
  expect(healthOf({ kind: 'following', passedOver })).toBe('the record 7 is malformed, and left out of the lists')
  expect(healthOf({ kind: 'following', passedOver: { ...passedOver, count: 3 } })).toContain('(3 such records in all)')
})

test('whoever asks at once waits until it has begun, or has failed to', async () => {
  const { promise: prepared, resolve } = Promise.withResolvers<void>()
  const { loop } = running(() => prepared)
  await loop.begun(1)
  expect(loop.state().kind).toBe('starting')
  const begun = loop.begun(60_000)
  resolve()
  await begun
  expect(loop.state().kind).toBe('following')

  const { loop: failing } = running(() => Promise.reject(new Error('no')))
  await failing.begun(60_000)
  expect(failing.state().kind).toBe('waiting')
})
