import {
  draftOn,
  emptyHead,
  type Frame,
  type Head,
  headOf,
  makeUlid,
  noUsage,
  type SessionEvent,
  toLog,
} from '@reins/contracts'
import { createMemoryJournal, type SessionLog } from '@reins/journal'
import { expect, test } from 'vitest'
import { SessionFolds } from './session-folds.ts'

const session = makeUlid(1, () => 0)
const started = {
  type: 'session.started',
  data: {
    ...{ agent: 'a', digest: 'd', model: 'm/m', pools: { executor: 'default', tools: 'default' } },
    limits: { maxToolCalls: 9 },
    tools: {},
  },
} satisfies SessionEvent

const wide = { kept: 9, keptBytes: 1e9, mostBytes: 1e9 }

async function setUp(frames: number, limits = wide, also: readonly SessionEvent[] = []) {
  const journal = createMemoryJournal({ clock: { now: () => 1 } })
  const appended: Frame[] = []
  let head: Head = emptyHead(session)
  for (let n = 1; n <= frames; n++) {
    const events: readonly SessionEvent[] =
      n === 1 ? [started] : [{ type: 'session.renamed', data: { title: `${n}` } }, ...also]
    const draft = draftOn(
      head,
      { frame: `f${n}`, by: 'user:a', role: 'g' },
      { events, to: toLog, status: 'idle', at: n },
    )
    await journal.sessions.append(session, draft, toLog, head.hash)
    const [frame] = await journal.sessions.read(session, { after: head.seq })
    if (!frame) throw new Error('the frame is not there')
    appended.push(frame)
    head = headOf(frame)
  }
  let reads = 0
  const limitsRead: number[] = []
  const sessions = {
    ...journal.sessions,
    read: (...asked: Parameters<SessionLog['read']>) => {
      reads += 1
      limitsRead.push(asked[1]?.limit ?? Number.POSITIVE_INFINITY)
      return journal.sessions.read(...asked)
    },
  }
  return { folds: new SessionFolds(sessions, limits), frames: appended, reads: () => reads, limitsRead }
}

const titleOf = (folded: { info: { title: string | null } } | undefined) => folded?.info.title

test('what is heard frame by frame from the beginning is folded without a read', async () => {
  const { folds, frames, reads } = await setUp(3)
  expect(frames.map((frame) => titleOf(folds.heard(session, frame)))).toEqual([null, '2', '3'])
  expect(titleOf(folds.heard(session, frames[0] as Frame))).toBe('3')
  expect(reads()).toBe(0)
  expect((await folds.folded(session)).info.last).toMatchObject({ n: 3 })
})

test('a frame that does not continue what is kept is left to a read', async () => {
  const { folds, frames } = await setUp(3)
  expect(folds.heard(session, frames[2] as Frame)).toBeUndefined()
  folds.heard(session, frames[0] as Frame)
  expect(folds.heard(session, frames[2] as Frame)).toBeUndefined()
  expect(titleOf(await folds.folded(session))).toBe('3')
})

test('a read that was begun before more was heard does not put the older state in its place', async () => {
  const { folds, frames, reads } = await setUp(3)
  folds.heard(session, frames[0] as Frame)
  const reading = folds.folded(session)
  folds.heard(session, frames[1] as Frame)
  folds.heard(session, frames[2] as Frame)
  await reading
  const before = reads()
  expect(titleOf(folds.heard(session, frames[2] as Frame))).toBe('3')
  expect(reads()).toBe(before)
})

test('a session that takes too much is not kept', async () => {
  const { folds, frames } = await setUp(1, { kept: 9, keptBytes: 1e9, mostBytes: 1 })
  expect(folds.heard(session, frames[0] as Frame)).toBeUndefined()
  await expect(folds.folded(session)).rejects.toMatchObject({ code: 'session_too_large' })
})

test('a long session is read in few pages, and in small ones where its frames are large', async () => {
  const small = await setUp(700)
  await small.folds.folded(session)
  expect(small.limitsRead).toEqual([64, 128, 256, 512])
  const content = [{ type: 'text' as const, text: 'x'.repeat(200_000) }]
  const answer = { call: 'c', attempt: 1, content, usage: { ...noUsage, inputTokens: 1 }, finish: 'stop' as const }
  const large = await setUp(150, wide, [{ type: 'model-call.completed', data: answer }])
  await large.folds.folded(session)
  expect(large.limitsRead).toEqual([64, 64, 64])
})
