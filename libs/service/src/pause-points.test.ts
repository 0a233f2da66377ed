import { expect, test } from 'vitest'
import { noPausePoints, pausePoints } from './pause-points.ts'

test('the first to reach the named point says so and waits for ever; all others go on', async () => {
  const said: string[] = []
  const pauseAt = pausePoints('executor.before-ack', (line) => said.push(line))
  expect(pauseAt('executor.before-intent')).toBeUndefined()
  const paused = pauseAt('executor.before-ack')
  const turn = new Promise((resolve) => setImmediate(resolve, 'later'))
  expect(await Promise.race([paused, turn])).toBe('later')
  expect(pauseAt('executor.before-ack')).toBeUndefined()
  expect(said).toEqual(['paused executor.before-ack'])
})

test('of a point with a number, only the one that comes so late waits', () => {
  const pauseAt = pausePoints('executor.before-ack#2', () => undefined)
  expect(pauseAt('executor.before-ack')).toBeUndefined()
  expect(pauseAt('executor.before-ack')).toBeInstanceOf(Promise)
  expect(pauseAt('executor.before-ack')).toBeUndefined()
})

test('nobody waits where no point is named', () => {
  expect(pausePoints(undefined, () => undefined)).toBe(noPausePoints)
  expect(noPausePoints('executor.before-ack')).toBeUndefined()
})
