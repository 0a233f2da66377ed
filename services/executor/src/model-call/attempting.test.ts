import { expect, test } from 'vitest'
import { Attempting } from './attempting.ts'
import { EarlyCall } from './early-call.ts'
import type { CallOutcome } from './model-caller.ts'

function world() {
  const said: string[] = []
  const disposable = (name: string): Disposable => ({ [Symbol.dispose]: () => void said.push(name) })
  const attempting = new Attempting({
    effect: { kind: 'call-model', call: 'c2', attempt: 1 },
    ...{ slot: disposable('slot'), claim: disposable('claim'), startedAt: 0 },
    prepared: { kind: 'impossible', failure: { type: 'failed', code: 'auth', message: 'no key' } },
    owner: { dropped: () => void said.push('dropped') },
  })
  return { said, attempting }
}

test('what is let go frees its slot once, and is answered for no more before that', () => {
  const { said, attempting } = world()
  attempting[Symbol.dispose]()
  attempting[Symbol.dispose]()
  expect([said, attempting.abort.signal.aborted]).toEqual([['claim', 'slot'], false])
})

test('one that went out early and that nobody heard is aborted, and keeps its slot until it has ended', async () => {
  const { said, attempting } = world()
  const { promise, resolve } = Promise.withResolvers<CallOutcome>()
  attempting.goesEarly(new EarlyCall(() => promise))
  attempting[Symbol.dispose]()
  expect([said, attempting.abort.signal.aborted]).toEqual([['claim', 'dropped'], true])
  resolve({ kind: 'aborted', partial: '' })
  await promise
  await new Promise(setImmediate)
  expect(said).toEqual(['claim', 'dropped', 'slot'])
})

test('one that was heard is let go as any other', () => {
  const { said, attempting } = world()
  attempting.goesEarly(new EarlyCall(() => new Promise(() => {})))
  expect(attempting.takeEarly()).not.toBeNull()
  attempting[Symbol.dispose]()
  expect(said).toEqual(['claim', 'slot'])
})

test('what it sends is given once, and not kept', () => {
  const { attempting } = world()
  expect([attempting.takePrepared()?.kind, attempting.takePrepared()]).toEqual(['impossible', null])
})
