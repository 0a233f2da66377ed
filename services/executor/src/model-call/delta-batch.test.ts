import { setImmediate as turn } from 'node:timers/promises'
import type { Delta } from '@reins/contracts'
import { expect, test } from 'vitest'
import { DeltaBatch, type DeltaClock } from './delta-batch.ts'
import { DeltaPace } from './delta-pace.ts'

const delta = (offset: number, text: string, more: Partial<Delta> = {}): Delta => ({
  ...{ call: 'c', attempt: 1, block: 0, kind: 'text', offset, text },
  ...more,
})

function batch() {
  const published: Delta[] = []
  return { published, deltas: new DeltaBatch((one) => void published.push(one), new DeltaPace()) }
}

test('tokens of one turn of the event loop leave as one delta', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  await Promise.resolve()
  deltas.push(delta(5, ' there'))
  expect(published).toEqual([])
  await turn()
  expect(published).toEqual([delta(0, 'Hello there')])
})

test('a token that arrives alone leaves alone', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  await turn()
  deltas.push(delta(5, ' there'))
  await turn()
  expect(published).toEqual([delta(0, 'Hello'), delta(5, ' there')])
})

test('what does not continue the text is a delta of its own, in order', () => {
  const { published, deltas } = batch()
  const call = { block: 1, kind: 'arguments', tool: 'shell', toolCall: 'c-0' } as const
  const given = [
    delta(0, 'a'),
    delta(0, 'thought', { kind: 'reasoning' }),
    delta(1, 'b'),
    delta(0, '{', call),
    delta(2, 'gap', call),
    delta(5, '}', { ...call, attempt: 2 }),
  ]
  for (const one of given) deltas.push(one)
  deltas.flush()
  expect(published).toEqual(given)
})

test('a flush leaves nothing behind for later', async () => {
  const { published, deltas } = batch()
  deltas.push(delta(0, 'Hello'))
  deltas.flush()
  deltas.flush()
  await turn()
  expect(published).toEqual([delta(0, 'Hello')])
})

/** Stepped by hand. A turn ends with each step. */
class HandClock implements DeltaClock {
  #now = 1000
  #due: { readonly at: number; readonly run: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const one = { at: this.#now + ms, run }
    this.#due.push(one)
    return () => {
      this.#due = this.#due.filter((other) => other !== one)
    }
  }

  endOfTurn(run: () => void): () => void {
    return this.after(0, run)
  }

  step(ms = 0): void {
    this.#now += ms
    for (const one of this.#due.filter(({ at }) => at <= this.#now)) {
      this.#due = this.#due.filter((other) => other !== one)
      one.run()
    }
  }
}

test('where many answers stream, those of one session that come within the window leave together', () => {
  const clock = new HandClock()
  const pace = new DeltaPace({ busyPerSecond: 100, togetherMs: 15 })
  const published: (readonly [number, string])[] = []
  const deltas = new DeltaBatch(({ text }) => void published.push([clock.now(), text]), pace, clock)
  for (let other = 0; other < 10; other++) pace.published(clock.now())
  deltas.push(delta(0, 'The first waits for nobody,'))
  clock.step()
  clock.step(5)
  deltas.push(delta(27, ' the next'))
  clock.step(5)
  deltas.push(delta(36, ' ones'))
  clock.step(4)
  deltas.push(delta(41, ' do'))
  clock.step()
  expect(published).toEqual([[1000, 'The first waits for nobody,']])
  clock.step(1)
  clock.step()
  expect(published.slice(1)).toEqual([[1015, ' the next ones do']])
  clock.step(20)
  deltas.push(delta(44, '; a late one does not.'))
  clock.step()
  expect(published.slice(2)).toEqual([[1035, '; a late one does not.']])
})

test('where few stream, none waits, however fast it comes', () => {
  const clock = new HandClock()
  const pace = new DeltaPace({ busyPerSecond: 1000, togetherMs: 15 })
  const published: string[] = []
  const deltas = new DeltaBatch(({ text }) => void published.push(text), pace, clock)
  for (let at = 0; at < 20; at++) {
    deltas.push(delta(at, `${at % 10}`))
    clock.step()
    clock.step(5)
  }
  expect(published).toHaveLength(20)
})

test('what waits leaves before the outcome of its call, once', () => {
  const clock = new HandClock()
  const pace = new DeltaPace({ busyPerSecond: 10, togetherMs: 15 })
  const published: string[] = []
  const deltas = new DeltaBatch(({ text }) => void published.push(text), pace, clock)
  pace.published(clock.now())
  deltas.push(delta(0, 'a'))
  clock.step()
  deltas.push(delta(1, 'b'))
  deltas.flush()
  expect(published).toEqual(['a', 'b'])
  clock.step(100)
  expect(published).toEqual(['a', 'b'])
})
