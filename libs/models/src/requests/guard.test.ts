import type { ModelEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { guard, type Telling } from './guard.ts'

const subject = { provider: 'p', model: 'm', baseUrl: '', secrets: [] }
const delta = (text: string): ModelEvent => ({ type: 'delta', block: 0, kind: 'text', text })
const outcome: ModelEvent = { type: 'failed', code: 'overloaded', message: 'busy' }
const never = new AbortController().signal

const events = (call: (telling: Telling) => Promise<void>, signal = never) => guard(call, subject, signal)

test('each event is handed over in the moment in which it is told, and nothing behind the outcome', async () => {
  const seen: string[] = []
  await events(async (telling) => {
    telling.tell(delta('a'))
    seen.push('told')
    telling.tell(outcome)
    telling.tell(delta('late'))
  }).each?.((event) => void seen.push(event.type))
  expect(seen).toEqual(['delta', 'told', 'failed'])
})

test('what whoever is handed an event throws comes back to them, and the call is let go', async () => {
  const broken = new Error('broken')
  let left = 0
  const handed: ModelEvent[] = []
  const each = events(async (telling) => {
    telling.onLeft(() => left++)
    telling.tell(delta('a'))
    telling.tell(delta('b'))
  }).each?.((event) => {
    handed.push(event)
    throw broken
  })
  await expect(each).rejects.toBe(broken)
  expect([left, handed]).toEqual([1, [delta('a')]])
})

test('who asks one by one gets all in order; an adapter that is far ahead waits, and hears of it when nobody asks any more', async () => {
  let told = 0
  let left = false
  const iterator = events(async (telling) => {
    telling.onLeft(() => {
      left = true
    })
    while (!telling.left) {
      telling.tell(delta(String(told++)))
      await telling.room()
    }
  })[Symbol.asyncIterator]()
  for (let at = 0; at < 200; at++) expect((await iterator.next()).value).toEqual(delta(String(at)))
  expect(told).toBeLessThan(300)
  expect(left).toBe(false)
  await iterator.return?.()
  expect(left).toBe(true)
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test('an adapter that ends without an outcome, or throws, has failed; so has one that was aborted', async () => {
  const last = async (call: (telling: Telling) => Promise<void>, signal = never): Promise<ModelEvent | undefined> => {
    let seen: ModelEvent | undefined
    for await (const event of events(call, signal)) seen = event
    return seen
  }
  expect(await last(async (telling) => telling.tell(delta('half')))).toMatchObject({ type: 'failed', code: 'network' })
  expect(await last(async () => Promise.reject(new Error('odd')))).toMatchObject({ type: 'failed' })
  const abort = new AbortController()
  const aborted = last(async (telling) => {
    telling.tell(delta('before'))
    abort.abort()
    telling.tell(delta('after'))
    throw new Error('aborted')
  }, abort.signal)
  expect(await aborted).toMatchObject({
    type: 'failed',
    code: 'network',
    message: expect.stringContaining('cancelled'),
  })
})
