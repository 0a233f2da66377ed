import { expect, onTestFinished, test } from 'vitest'
import type { Trigger } from '../port.ts'
import { WorkGate } from './work-gate.ts'

function world({ holdMs = 60_000 } = {}) {
  const state = { free: 1 }
  const taken: string[] = []
  const back: string[] = []
  const gate = new WorkGate({
    free: () => state.free,
    on: ({ session }) => {
      taken.push(session)
      state.free--
    },
    holdMs,
  })
  onTestFinished(() => gate.close())
  const trigger = (session: string) =>
    ({ session, nak: (delayMs: number) => back.push(`${session} ${delayMs}`) }) as unknown as Trigger
  return { state, taken, back, gate, offer: (session: string) => gate.offer(trigger(session)) }
}

test('what there is room for is taken at once, and the rest waits in order', () => {
  const { state, taken, gate, offer } = world()
  for (const session of ['a', 'b', 'c']) offer(session)
  expect(taken).toEqual(['a'])
  expect(gate.free()).toBe(-2)
  state.free = 1
  gate.serve()
  expect(taken).toEqual(['a', 'b'])
})

test('room is looked for whenever it is asked how much there is', () => {
  const { state, taken, gate, offer } = world()
  for (const session of ['a', 'b']) offer(session)
  state.free = 3
  expect(gate.free()).toBe(2)
  expect(taken).toEqual(['a', 'b'])
})

test('what waits too long goes back to the broker', async () => {
  const { taken, back, offer } = world({ holdMs: 1 })
  for (const session of ['a', 'b']) offer(session)
  await expect.poll(() => back, { timeout: 60_000 }).toEqual(['b 0'])
  expect(taken).toEqual(['a'])
})

test('a gate that is closed gives back what waits, and what comes later', () => {
  const { back, gate, offer } = world()
  for (const session of ['a', 'b']) offer(session)
  gate.close()
  offer('c')
  expect(back).toEqual(['b 0', 'c 0'])
})
