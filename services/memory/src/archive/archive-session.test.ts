import { draftOn, emptyHead, type Head, headOf, makeUlid, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { type Archivist, createMemoryJournal } from '@reins/journal'
import { expect, it } from 'vitest'
import { archiveSession } from './archive-session.ts'

const id = makeUlid(1_700_000_000_000, () => 0.5)
const named: SessionEvent = { type: 'session.renamed', data: { title: 'x' } }
const started: SessionEvent = {
  type: 'session.started',
  data: {
    ...{ agent: 'a', digest: 'd', model: 'scripted/x', pools: { executor: 'p', tools: 'p' }, tools: {} },
    limits: { maxToolCalls: 1 },
  },
}

/** One session, and an archivist that notes what it is asked for. */
function world() {
  let now = 1_700_000_000_000
  let count = 0
  const clock = { now: () => now, random: () => (count++ % 97) / 97 }
  const journal = createMemoryJournal({ clock })
  const dropped: string[] = []
  const say = async (event: SessionEvent, to = toLog): Promise<void> => {
    const last = (await journal.sessions.read(id)).at(-1)
    const head: Head = last ? headOf(last) : emptyHead(id)
    const order = { events: [event], to, status: 'idle', pool: 'p', at: now } as const
    const draft = draftOn(head, { frame: `f${count++}`, by: 'x', role: 'g' }, order)
    await journal.sessions.append(id, draft, to, head.hash)
  }
  const archivist: Archivist = {
    store: async (session, { n }, as) => ({ object: `${session}/${as}`, first: 1, frames: n, bytes: 1, digest: 'd' }),
    drop: async (object) => void dropped.push(object),
    takeOut: async () => {},
    tree: async (root) => [root],
    eraseFrames: async () => 0,
    eraseKept: async () => 0,
    sweep: async () => 0,
    sessionsSaid: async function* () {},
    look: async () => undefined,
  }
  const archive = (pauseAt?: (name: string) => Promise<void>) =>
    archiveSession(
      {
        ...{ sessions: journal.sessions, archivist, clock, instance: 'm', afterMs: 1000 },
        ...(pauseAt ? { pauseAt } : {}),
      },
      id,
    )
  const types = async () => (await journal.sessions.read(id)).flatMap(({ events }) => events.map(({ type }) => type))
  const later = (ms: number): void => {
    now += ms
  }
  return { journal, say, archive, dropped, types, later }
}

it('a session goes to the archive once it has been at rest for long enough, and once only', async () => {
  const { say, archive, dropped, types, later } = world()
  await say(started)
  expect(await archive()).toEqual({ kind: 'stays' })
  later(1000)
  expect(await archive()).toEqual({ kind: 'archived', frames: 1, bytes: 1 })
  later(5000)
  expect(await archive()).toEqual({ kind: 'stays' })
  expect(await types()).toEqual(['session.started', 'session.archived'])
  expect(dropped).toEqual([])
})

it('a message that comes when the object is written wins, and the object is dropped', async () => {
  const { say, archive, dropped, types, later } = world()
  await say(started)
  later(2000)
  const meanwhile = async (name: string) => {
    if (name === 'memory.archive-stored') await say(named)
  }
  expect(await archive(meanwhile)).toEqual({ kind: 'overtaken' })
  expect(await types()).toEqual(['session.started', 'session.renamed'])
  expect(dropped).toHaveLength(1)
})

it('of two processes one is in, and the other drops its own object', async () => {
  const { say, archive, dropped, types, later, journal } = world()
  await say(started)
  later(2000)
  const outcomes = await Promise.all([archive(), archive()])
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['archived', 'overtaken'])
  expect(await types()).toEqual(['session.started', 'session.archived'])
  const [event] = (await journal.sessions.read(id)).at(-1)!.events
  expect(dropped).toHaveLength(1)
  expect(event).not.toMatchObject({ data: { object: dropped[0] } })
})

it('a session that has a message to answer, or is not there, stays', async () => {
  const { say, archive, later } = world()
  expect(await archive()).toEqual({ kind: 'stays' })
  await say(started)
  const content = [{ type: 'text' as const, text: 'hi' }]
  await say({ type: 'message.received', data: { message: 'm1', content, onBusy: 'queue' } }, toExec('p'))
  later(5000)
  expect(await archive()).toEqual({ kind: 'stays' })
})
