import type { Delta } from '@reins/contracts'
import { expect, test } from 'vitest'
import { EarlyCall } from './early-call.ts'
import type { CallOutcome } from './model-caller.ts'

const delta = (offset: number, text: string): Delta => ({
  call: 'c2',
  attempt: 1,
  block: 0,
  kind: 'text',
  offset,
  text,
})
const outcome: CallOutcome = { kind: 'aborted', partial: '' }

test('nothing that it says is heard before somebody hears it; then all of it is, in its order', async () => {
  const { promise, resolve } = Promise.withResolvers<CallOutcome>()
  let say: (delta: Delta) => void = () => undefined
  const early = new EarlyCall((onDelta) => {
    say = onDelta
    return promise
  })
  say(delta(0, 'one '))
  say(delta(4, 'two '))
  const heard: string[] = []
  const ended = early.hear(({ text }) => heard.push(text))
  expect(heard).toEqual(['one ', 'two '])
  say(delta(8, 'three'))
  resolve(outcome)
  expect(await ended).toBe(outcome)
  expect(heard).toEqual(['one ', 'two ', 'three'])
})

test('one that fails is heard to fail; where nobody hears it, it has ended', async () => {
  const failing = () => Promise.reject(new Error('no'))
  await expect(new EarlyCall(failing).hear(() => undefined)).rejects.toThrow('no')
  await new EarlyCall(failing).ended()
})
