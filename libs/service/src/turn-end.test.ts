import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { atEndOfTurn } from './turn-end.ts'

test('everything of one turn happens at its end, in order, but for what was called off', async () => {
  const happened: string[] = []
  atEndOfTurn(() => void happened.push('first'))
  const callOff = atEndOfTurn(() => void happened.push('never'))
  await Promise.resolve()
  atEndOfTurn(() => void happened.push('second'))
  callOff()
  expect(happened).toEqual([])
  await turn()
  expect(happened).toEqual(['first', 'second'])
})

test('what is asked for at the end of a turn happens at the end of the next', async () => {
  const happened: string[] = []
  atEndOfTurn(() => {
    happened.push('now')
    atEndOfTurn(() => void happened.push('next'))
  })
  await turn()
  expect(happened).toEqual(['now'])
  await turn()
  expect(happened).toEqual(['now', 'next'])
})

test('what one throws keeps no other from happening', async () => {
  const happened: string[] = []
  const { promise: thrown, resolve } = Promise.withResolvers<unknown>()
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', resolve)
  const broken = new Error('broken')
  atEndOfTurn(() => {
    throw broken
  })
  atEndOfTurn(() => void happened.push('the other'))
  expect(await thrown).toBe(broken)
  for (const other of others) process.on('uncaughtException', other)
  await turn()
  await turn()
  expect(happened).toEqual(['the other'])
})
