import { newProgress } from '@reins/client'
import { ReinsError } from '@reins/contracts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Talk, TalkClient } from './talk.ts'
import { tell } from './tell.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const session = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const minute = 60_000
type Step = { readonly item: unknown } | { readonly error: Error }

/** A conversation whose stream the test plays. */
function world() {
  const steps: Step[] = []
  let wake = () => {}
  async function* follow() {
    for (;;) {
      const step = steps.shift()
      if (!step) await new Promise<void>((resolve) => (wake = resolve))
      else if ('error' in step) throw step.error
      else yield step.item
    }
  }
  const left = new AbortController()
  const closing = new AbortController()
  const talk: Talk = { session, made: false, after: 'c0', progress: newProgress(session, 0, 'm1') }
  const client = { sessions: { follow } } as unknown as TalkClient
  const parts = { client, server: 'http://reins', awayMs: minute, left: left.signal, closing: closing.signal }
  const told = tell(talk, parts)
  const play = async (step: Step) => {
    steps.push(step)
    wake()
    await vi.advanceTimersByTimeAsync(0)
  }
  const connection = (state: 'lost' | 'back') => play({ item: { type: 'connection', state } })
  return { ...{ told, play, connection, left, closing }, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}
const saying = (text: string) => ({
  done: false,
  value: { cursor: 'c0', event: { kind: 'error', message: expect.stringContaining(text) } },
})

test('a gateway that stays away for a minute ends the stream, which says where to go on', async () => {
  const { told, connection, pass } = world()
  const last = told.next()
  await connection('lost')
  await pass(minute)
  expect(await last).toEqual(saying('The server http://reins has not answered for 60 s.'))
  expect(await told.next()).toMatchObject({ done: true })
})

test('one that is back in time ends nothing, however often it goes', async () => {
  const { told, connection, pass, closing } = world()
  const last = told.next()
  for (let times = 0; times < 3; times++) {
    await connection('lost')
    await pass(minute - 1)
    await connection('back')
    await pass(10 * minute)
  }
  closing.abort()
  expect(await last).toEqual(saying('This process is shutting down.'))
})

test('a token that is revoked ends the stream with what the gateway says', async () => {
  const { told, play } = world()
  const last = told.next()
  await play({ error: new ReinsError('unauthorized', 'The token was revoked.') })
  expect(await last).toEqual(saying('The token was revoked.'))
})

test('a reader who has left is told nothing more', async () => {
  const { told, connection, left } = world()
  const last = told.next()
  left.abort()
  await connection('lost')
  expect(await last).toMatchObject({ done: true, value: undefined })
})
