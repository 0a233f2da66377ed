import { draftOn, emptyHead, type Frame, type Head, headOf, makeUlid, type SessionEvent, toLog } from '@reins/contracts'
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

async function setUp(frames: number, limits = { kept: 9, keptBytes: 1e9, mostBytes: 1e9 }) {
  const journal = createMemoryJournal({ clock: { now: () => 1 } })
  const appended: Frame[] = []
  let head: Head = emptyHead(session)
  for (let n = 1; n <= frames; n++) {
    const events: readonly SessionEvent[] = n === 1 ? [started] : [{ type: 'session.renamed', data: { title: `${n}` } }]
    const draft = draftOn(
      head,
      { frame: `f${n}`, by: 'user:a', role: 'g' },
      { events, to: toLog, status: 'idle', at: n },
    )
    await journal.sessions.append(session, draft, toLog, head.hash)
    const frame = (await journal.sessions.read(session)).at(-1)
    if (!frame) throw new Error('the frame is not there')
    appended.push(frame)
    head = headOf(frame)
  }
  let reads = 0
  const sessions = {
    ...journal.sessions,
    read: (...asked: Parameters<SessionLog['read']>) => {
      reads += 1
      return journal.sessions.read(...asked)
    },
  }
  return { folds: new SessionFolds(sessions, limits), frames: appended, reads: () => reads }
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
