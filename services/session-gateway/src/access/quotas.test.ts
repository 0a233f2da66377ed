import { expect, test } from 'vitest'
import type { Caller } from '../api/caller.ts'
import { PlacesOfEach } from './places-of-each.ts'
import { Quotas } from './quotas.ts'

const caller = (principal: string, permissions: readonly string[] = ['sessions:write']): Caller => ({
  ...{ principal, kind: 'service', by: `user:${principal}`, roles: [], permissions },
})
const limits = {
  writesPerMinute: 60,
  bytesPerMinute: 1000,
  sessionsPerMinute: 2,
  readsPerMinute: 4,
  readsAtOnce: 2,
  streams: 2,
}

function quotas() {
  const clock = { now: 0 }
  return { clock, quotas: new Quotas(limits, () => clock.now) }
}
const refused = (error: Error) => error as Error & { code: string; details: { retryAfter: number } }
function refusal(run: () => void) {
  try {
    run()
  } catch (error) {
    return refused(error as Error)
  }
  return undefined
}

test('a principal that has used up its share waits as long as it is told, and others do not', () => {
  const { clock, quotas: shares } = quotas()
  for (let at = 0; at < 60; at++) shares.write(caller('ann'), 1, 'nothing')
  const no = refusal(() => shares.write(caller('ann'), 1, 'nothing'))
  expect([no?.code, no?.details.retryAfter]).toEqual(['too_many_requests', 1])
  shares.write(caller('ben'), 1, 'nothing')
  clock.now += 1000
  shares.write(caller('ann'), 1, 'nothing')
  expect(refusal(() => shares.write(caller('ann'), 1, 'nothing'))?.code).toBe('too_many_requests')
})

test('bytes and sessions have shares of their own, and what is refused takes nothing of the others', () => {
  const { clock, quotas: shares } = quotas()
  shares.write(caller('ann'), 900, 'session')
  expect(refusal(() => shares.write(caller('ann'), 200, 'nothing'))?.message).toContain('bytes: 1000 a minute')
  shares.write(caller('ann'), 10, 'session')
  expect(refusal(() => shares.write(caller('ann'), 10, 'session'))?.details.retryAfter).toBe(30)
  clock.now += 60_000
  // More than the whole share: once that is full.
  shares.write(caller('ann'), 5000, 'nothing')
  expect(refusal(() => shares.write(caller('ann'), 1, 'nothing'))?.code).toBe('too_many_requests')
})

test('a large answer counts for several requests that read, and the next one waits for them', async () => {
  const { clock, quotas: shares } = quotas()
  const ask = (principal = 'ann') => refusal(() => void shares.reading(caller(principal)))
  expect(ask()).toBeUndefined()
  shares.read(caller('ann'), 15_000)
  expect(ask()).toBeUndefined()
  shares.read(caller('ann'), 80_000)
  expect([ask()?.details.retryAfter, ask('ben')]).toEqual([60, undefined])
  clock.now += 60_000
  expect(ask()).toBeUndefined()
})

test('a few requests of one principal that read are answered at once, the others in order', async () => {
  const places = new PlacesOfEach(2)
  const answered: number[] = []
  const leave: (() => void)[] = []
  const asked = [0, 1, 2, 3].map(async (at) => {
    leave[at] = await places.enter('ann')
    answered.push(at)
  })
  await Promise.all(asked.slice(0, 2))
  await places.enter('ben')
  expect(answered).toEqual([0, 1])
  leave[0]?.()
  leave[0]?.()
  await asked[2]
  expect(answered).toEqual([0, 1, 2])
  leave[2]?.()
  await asked[3]
  for (let waiting = 0; waiting < 100; waiting++) void places.enter('ann')
  expect(refusal(() => void places.enter('ann'))?.details.retryAfter).toBe(1)
})

test('streams that are open count, each once, until they close', () => {
  const { quotas: shares } = quotas()
  const may = (): string | undefined => refusal(() => shares.mayStream(caller('ann')))?.code
  const first = shares.streamOpened(caller('ann'))
  expect(may()).toBeUndefined()
  shares.streamOpened(caller('ann'))
  expect(may()).toBe('too_many_requests')
  first()
  first()
  expect(may()).toBeUndefined()
  shares.streamOpened(caller('ann'))
  expect(may()).toBe('too_many_requests')
  shares.mayStream(caller('ben'))
})

test('who may do everything has no share', () => {
  const { quotas: shares } = quotas()
  for (let at = 0; at < 200; at++) {
    shares.write(caller('admin', ['*']), 1e9, 'session')
    shares.streamOpened(caller('admin', ['*']))
    shares.mayStream(caller('admin', ['*']))
  }
})
