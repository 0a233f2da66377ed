import { expect, test } from 'vitest'
import { AskingCalls } from './asking-calls.ts'

const never = new AbortController().signal
/** Whether it is settled by now, and with what. */
async function now<T>(promise: Promise<T>): Promise<T | 'waits'> {
  return Promise.race([promise, Promise.resolve().then(() => Promise.resolve('waits' as const))])
}

test('the only call that runs is the one that asks; without a call there is none', async () => {
  const calls = new AskingCalls<string>()
  expect(await calls.asks(undefined, never)).toBeUndefined()
  calls.begin('a')
  expect(await calls.asks(undefined, never)).toBe('a')
})

test('what a stream names is that call, also where others run; a call that asks already asks nothing else', async () => {
  const calls = new AskingCalls<string>()
  for (const call of ['a', 'b', 'c']) calls.begin(call)
  expect(await calls.asks('b', never)).toBe('b')
  expect(await calls.asks('b', never)).toBeUndefined()
  calls.answered('b')
  expect(await calls.asks('b', never)).toBe('b')
})

test('where several may have asked, a question waits until the others have ended', async () => {
  const calls = new AskingCalls<string>()
  calls.begin('slow')
  calls.begin('asks')
  const question = calls.asks(undefined, never)
  expect(await now(question)).toBe('waits')
  calls.end('slow')
  expect(await question).toBe('asks')
})

test('as many questions as calls are taken in their order', async () => {
  const calls = new AskingCalls<string>()
  for (const call of ['a', 'b']) calls.begin(call)
  const questions = [calls.asks(undefined, never), calls.asks(undefined, never)]
  expect(await Promise.all(questions)).toEqual(['a', 'b'])
})

test('a question that its server takes back waits no more', async () => {
  const calls = new AskingCalls<string>()
  for (const call of ['a', 'b']) calls.begin(call)
  const gone = new AbortController()
  const question = calls.asks(undefined, gone.signal)
  gone.abort(new Error('taken back'))
  await expect(question).rejects.toThrow('taken back')
  const next = calls.asks(undefined, never)
  calls.end('a')
  expect(await next).toBe('b')
})
