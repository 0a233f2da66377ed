import type { Broker } from '@reins/broker'
import { sessionStreamsOf } from '@reins/contracts'
import { expect, it } from 'vitest'
import { CopyAway, copyOfSplit, overwriteAll } from './copies.ts'

/** What the server says of a stream, one description after the other; the last one stays. */
function says(...descriptions: readonly object[]): Broker {
  let asked = 0
  const request = async () => {
    const text = JSON.stringify(descriptions[Math.min(asked++, descriptions.length - 1)])
    return { kind: 'reply', msg: { string: () => text } }
  }
  return { request } as unknown as Broker
}

const level = { name: 'node-1', current: true, active: 2e8 }
const stream = (...replicas: readonly object[]) => ({ cluster: { leader: 'node-0', replicas } })
const overwritten = async (broker: Broker): Promise<readonly string[]> => {
  const done: string[] = []
  const outcome = await overwriteAll(broker, ['SES'], async () => void done.push('overwritten'), 0).catch(
    (error: unknown) => {
      expect(error).toBeInstanceOf(CopyAway)
      done.push(String(error))
    },
  )
  expect(outcome).toBeUndefined()
  return done
}

it('overwrites where every copy is level, and where there is one only', async () => {
  expect(await overwritten(says(stream(level, { ...level, name: 'node-2' })))).toEqual(['overwritten'])
  expect(await overwritten(says({ state: {} }))).toEqual(['overwritten'])
})

it.each([
  ['is offline', { offline: true }],
  ['is not current', { current: false }],
  ['lags', { lag: 3 }],
  ['was not heard of lately', { active: 6e9 }],
])('overwrites nothing while a copy %s', async (_, how) => {
  const done = await overwritten(says(stream(level, { ...level, name: 'node-2', ...how })))
  expect(done).toEqual([expect.stringContaining('node-2 (SES): away or behind')])
})

it('says so where a copy went away meanwhile', async () => {
  const done = await overwritten(says(stream(level), stream({ ...level, lag: 1 })))
  expect(done).toEqual(['overwritten', expect.stringContaining('node-1 (SES): has not heard in time')])
})

it('waits for a copy that is behind for a moment', async () => {
  const broker = says(stream({ ...level, lag: 1 }), stream(level))
  expect(await overwriteAll(broker, ['SES'], async () => 'done')).toBe('done')
})

it('takes a copy for level that lags by less than was appended meanwhile', async () => {
  const busy = (end: number) => ({ ...stream({ ...level, lag: 2 }), state: { last_seq: end } })
  expect(await overwriteAll(says(busy(5), busy(7), busy(7), busy(9)), ['SES'], async () => 'done', 1000)).toBe('done')
})

it('names the copy of a split that has begun, once it is level, and none where there is none', async () => {
  const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
  const [one, four] = [sessionStreamsOf(1), sessionStreamsOf(4)]
  const mirror = (lag: number) => ({ config: { mirror: { name: 'SES' } }, mirror: { name: 'SES', lag } })
  expect(await copyOfSplit(says(mirror(2), mirror(0)), one, session)).toBe(four.of(session))
  expect(await copyOfSplit(says({ config: {} }), one, session)).toBe(four.of(session))
  expect(await copyOfSplit(says({ error: { err_code: 10059 } }), one, session)).toBeUndefined()
  expect(await copyOfSplit(says({}), four, session)).toBeUndefined()
})
