import { type EventOf, emptyHead, headOf, toExec } from '@reins/contracts'
import { createMemoryJournal, type SessionLog } from '@reins/journal'
import { expect, onTestFinished, test } from 'vitest'
import { Appender } from '../src/api/writes/appender.ts'
import type { Decided } from '../src/api/sessions/decisions.ts'

const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
const renamed = (title: string): EventOf<'session.renamed'> => ({ type: 'session.renamed', data: { title } })

/** A session of one frame. `other` appends the request's frame, as the gateway does that was asked at the same time. */
async function world() {
  const journal = createMemoryJournal({ clock: { now: () => 0 } })
  onTestFinished(() => journal.close())
  const append = async (id: string): Promise<void> => {
    const last = (await journal.sessions.read(session)).at(-1)
    const head = last ? headOf(last) : emptyHead(session)
    const draft = {
      id,
      n: head.n + 1,
      prev: head.seq,
      at: 0,
      by: 'other',
      role: 'g' as const,
      needs: 1,
      status: 'idle' as const,
      pool: 'default',
      events: [renamed(id)],
    }
    await journal.sessions.append(session, draft, toExec('default'), head.hash)
  }
  await append('first')
  const before = await journal.sessions.head(session)
  const appender = (sessions: SessionLog): Appender =>
    new Appender({
      sessions,
      now: () => 0,
      withinMs: 1000,
      headsKept: 8,
      admission: undefined,
      refused: () => undefined,
    })
  const request = {
    session,
    frame: 'mine',
    by: 'user',
    searchAfter: before.seq,
    decide: (): Decided => ({
      kind: 'append',
      decision: { events: [renamed('mine')], to: toExec('default'), status: 'idle' },
    }),
  }
  return { sessions: journal.sessions, append, appender, request }
}

const mine = async (sessions: SessionLog) => (await sessions.read(session)).filter(({ id }) => id === 'mine').length

test('a frame that another gateway has appended before the head was read is not appended again', async () => {
  const { sessions, append, appender, request } = await world()
  await append('mine')
  expect(await appender(sessions).append(request)).toMatchObject({ kind: 'appended', frame: { n: 2 } })
  expect(await mine(sessions)).toBe(1)
})

for (const between of ['head', 'read'] as const)
  test(`a frame that another gateway appends just behind the reading of the ${between} is not appended again`, async () => {
    const { sessions, append, appender, request } = await world()
    let raced = false
    const race = async <T>(read: Promise<T>): Promise<T> => {
      const answer = await read
      if (!raced) {
        raced = true
        await append('mine')
      }
      return answer
    }
    const racing: SessionLog = {
      head: (...of) => (between === 'head' ? race(sessions.head(...of)) : sessions.head(...of)),
      read: (...of) => (between === 'read' ? race(sessions.read(...of)) : sessions.read(...of)),
      readTree: (...of) => sessions.readTree(...of),
      frameAt: (...of) => sessions.frameAt(...of),
      forkOf: sessions.forkOf,
      append: (...frame) => sessions.append(...frame),
    }
    await appender(racing).append(request)
    expect(await mine(sessions)).toBe(1)
  })
