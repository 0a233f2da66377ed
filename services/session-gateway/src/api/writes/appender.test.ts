import { type EventOf, type Head, makeUlid, ReinsError, type Status, toLog } from '@reins/contracts'
import { createMemoryJournal, type MemoryFaults, type SessionLog } from '@reins/journal'
import { describe, expect, test } from 'vitest'
import { refused } from '../outcomes.ts'
import { Appender, type AppendRequest } from './appender.ts'
import type { Decided } from '../sessions/decisions.ts'

const session = makeUlid(1, () => 0)
const renamed = (title: string): EventOf<'session.renamed'> => ({ type: 'session.renamed', data: { title } })

const title = (status: Status): Decided => ({
  kind: 'append',
  decision: { events: [renamed('x')], to: toLog, status },
})

function setUp(faults: MemoryFaults = {}, withinMs = 1000) {
  const journal = createMemoryJournal({ clock: { now: () => 1 }, faults })
  const asked: string[] = []
  const sessions: SessionLog = {
    head: (...args) => {
      asked.push('head')
      return journal.sessions.head(...args)
    },
    readTree: journal.sessions.readTree,
    forkOf: journal.sessions.forkOf,
    read: (...args) => {
      asked.push('read')
      return journal.sessions.read(...args)
    },
    frameAt: (...args) => {
      asked.push('frameAt')
      return journal.sessions.frameAt(...args)
    },
    append: (...args) => {
      asked.push('append')
      return journal.sessions.append(...args)
    },
  }
  const appender = new Appender({
    sessions,
    now: () => 5,
    withinMs,
    headsKept: 2,
    admission: undefined,
    refused: () => asked.push('refused'),
  })
  let frame = 0
  const append = (decide: AppendRequest['decide'] = (head) => title(head.status)) =>
    appender.append({ session, frame: `f${++frame}`, by: 'user:a', decide })
  /** As somebody else, behind the appender's back. */
  const other = async (status: Head['status']) => {
    const head = await journal.sessions.head(session)
    const draft = {
      id: `o${head.n}`,
      n: head.n + 1,
      prev: head.seq,
      at: 1,
      by: 'e',
      role: 'e',
      needs: 1,
      status,
    } as const
    await journal.sessions.append(session, { ...draft, pool: head.pool, events: [] }, toLog, head.hash)
    return journal.sessions.head(session)
  }
  const frames = async () => (await journal.sessions.read(session)).map(({ id }) => id)
  return { journal, appender, append, other, frames, asked }
}

describe('an append', () => {
  test('costs one direct get and one append', async () => {
    const { append, asked } = setUp()
    await append()
    await append()
    expect(asked).toEqual(['head', 'append', 'head', 'append'])
  })

  test('into a session that is followed here costs no direct get', async () => {
    const { append, appender, asked, other } = setUp()
    const unfollow = appender.follows(session)
    await append()
    asked.length = 0
    await append()
    appender.learn(session, await other('idle'))
    await append()
    expect(asked).toEqual(['append', 'append'])
    unfollow()
    await append()
    expect(asked).toEqual(['append', 'append', 'append'])
  })

  test('on a head that is old is refused, and decided again on the newer one', async () => {
    const { append, appender, asked, other, frames } = setUp()
    appender.follows(session)
    await append()
    await other('running')
    asked.length = 0
    const seen: string[] = []
    await append((head) => {
      seen.push(head.status)
      return title(head.status)
    })
    expect(seen).toEqual(['idle', 'running'])
    expect(asked).toEqual(['append', 'refused', 'append'])
    expect(await frames()).toEqual(['f1', 'o1', 'f2'])
  })

  test('is refused to a client only on the word of the log', async () => {
    const { append, appender, other } = setUp()
    appender.follows(session)
    await append()
    await other('paused')
    const onlyPaused: AppendRequest['decide'] = (head) =>
      head.status === 'paused' ? title('idle') : refused(new ReinsError('session_conflict'))
    expect((await append(onlyPaused)).kind).toBe('appended')
    expect(await append(onlyPaused)).toMatchObject({ kind: 'refused', code: 'session_conflict' })
    await other('paused')
    const unlessIdle = await append((head) => (head.status === 'idle' ? { kind: 'unchanged' } : title('idle')))
    expect(unlessIdle.kind).toBe('appended')
  })

  test('goes on the head that its caller has read, and reads it no more', async () => {
    const { append, appender, asked, other } = setUp()
    await append()
    const known = await appender.known(session)
    asked.length = 0
    await appender.append({ session, frame: 'known', by: 'user:a', on: known, decide: () => title('idle') })
    expect(asked).toEqual(['append'])
    await other('running')
    asked.length = 0
    await appender.append({ session, frame: 'stale', by: 'user:a', on: known, decide: () => title('idle') })
    expect(asked).toEqual(['append', 'refused', 'append'])
  })

  test('that had to wait for another one reads the head itself', async () => {
    const { append, appender, asked } = setUp()
    await append()
    const known = await appender.known(session)
    asked.length = 0
    const request = { session, by: 'user:a', on: known, decide: () => title('idle') }
    await Promise.all(['one', 'two', 'three'].map((frame) => appender.append({ ...request, frame })))
    expect(asked).toEqual(['append', 'head', 'append', 'head', 'append'])
  })

  test('whose ack was lost, with another writer on top, is in once', async () => {
    let lost = 0
    const faults: MemoryFaults = {
      loseAck: (_session, frame) => frame === 'f2' && lost++ === 0,
      beforeRetry: async () => {
        await world.other('running')
      },
    }
    const world = setUp(faults)
    await world.append()
    expect((await world.append()).kind).toBe('appended')
    expect(await world.frames()).toEqual(['f1', 'f2', 'o2'])
  })

  test('that an earlier request may have made is looked for first', async () => {
    const { append, appender, other, frames } = setUp()
    await append()
    await other('running')
    const request = {
      session,
      frame: 'f1',
      by: 'user:a',
      decide: () => title('idle'),
    }
    const found = await appender.append({ ...request, searchAfter: 0 })
    expect(found).toMatchObject({ kind: 'appended', frame: { id: 'f1', n: 1, prev: 0 } })
    await appender.append({ ...request, frame: 'f9', searchAfter: 0 })
    expect(await frames()).toEqual(['f1', 'o1', 'f9'])
  })

  test('many at once of one session go one after the other', async () => {
    const { append, asked } = setUp()
    await Promise.all(Array.from({ length: 10 }, () => append()))
    expect(asked).not.toContain('refused')
  })

  test('that is not answered in time is in doubt', async () => {
    const { appender } = setUp(
      { loseRequest: () => true, beforeRetry: () => new Promise((resolve) => setImmediate(resolve)) },
      1,
    )
    const request = {
      session,
      frame: 'f1',
      by: 'user:a',
      decide: () => title('idle'),
    }
    expect(await appender.append(request)).toEqual({ kind: 'in-doubt' })
  })
})
