import { emptyHead, protocolVersion, toLog } from '@reins/contracts'
import { createMemoryJournal } from '@reins/journal'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { Following } from './following.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function world() {
  const journal = createMemoryJournal({ clock: { now: () => 0 }, schedule: () => () => undefined })
  const said: string[] = []
  const runs = { some: true }
  const following = new Following(
    's',
    { instance: 'me', feed: journal.feed, followAfterMs: 100 },
    {
      wanted: () => runs.some,
      heard: ({ by }) => void said.push(`heard ${by}`),
      began: () => void said.push('began'),
    },
  )
  onTestFinished(() => {
    following.stop()
    journal.close()
  })
  let head = emptyHead('s')
  const append = async (by: string) => {
    const { n, seq: prev, hash } = head
    const draft = { id: `${n}`, n: n + 1, prev, at: 0, by, role: 'e', needs: protocolVersion, events: [] } as const
    const outcome = await journal.sessions.append('s', { ...draft, status: 'idle', pool: 'default' }, toLog, hash)
    if (outcome.kind === 'appended') head = outcome.head
    await vi.advanceTimersByTimeAsync(0)
  }
  return { following, said, runs, append }
}

test('it begins after a while, says that what came before is to be read, and hears others but not itself', async () => {
  const { following, said, append } = world()
  following.startSoon()
  following.startSoon()
  await append('other')
  await vi.advanceTimersByTimeAsync(100)
  await append('me')
  await append('other')
  expect(said).toEqual(['began', 'heard other'])
  following.stop()
  await append('other')
  expect(said).toEqual(['began', 'heard other'])
})

test('what has ended by then is not followed', async () => {
  const { following, said, runs } = world()
  following.startSoon()
  runs.some = false
  await vi.advanceTimersByTimeAsync(1000)
  expect(said).toEqual([])
})
