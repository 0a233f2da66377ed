import { draftOn, emptyHead, type Frame, headOf, toLog } from '@reins/contracts'
import { createMemoryJournal } from '@reins/journal'
import { emptyFold, foldFrames, foldVersion } from '@reins/session'
import { expect, test } from 'vitest'
import { SessionFold } from './session-fold.ts'
import { loadFold, SessionTooLarge, worthwhile, writeSnapshot } from './snapshots.ts'

const id = 's'

/** A log of so many frames, and what was read of it. */
async function world(frames: number) {
  // One stream: what stands between the frames of a session is in it.
  const journal = createMemoryJournal({ clock: { now: () => 0 }, schedule: () => () => undefined, sessionStreams: 1 })
  const asked: string[] = []
  const { sessions, snapshots } = journal
  const context = {
    snapshots,
    sessions: {
      read: (...args: Parameters<typeof sessions.read>) => {
        asked.push(`read after ${args[1]?.after ?? 0}`)
        return sessions.read(...args)
      },
      frameAt: (session: string, seq: number) => {
        asked.push(`frame at ${seq}`)
        return sessions.frameAt(session, seq)
      },
    },
    reading: <T>(read: () => Promise<T>): Promise<T> => read(),
    report: (_: string, error: unknown) => {
      throw error
    },
  }
  async function grow(count: number): Promise<Frame> {
    for (let at = 0; at < count; at++) {
      // Another session's frame stands between each two.
      await append('other')
      await append(id)
    }
    const last = (await sessions.read(id)).at(-1)
    if (!last) throw new Error('there is no frame')
    return last
  }
  async function append(session: string): Promise<void> {
    const last = (await sessions.read(session)).at(-1)
    const head = last ? headOf(last) : emptyHead(session)
    const order = { events: [], to: toLog, status: head.status, pool: 'default', at: 0 }
    const draft = draftOn(head, { frame: `${session}${head.n}`, by: 'gateway', role: 'g' }, order)
    await sessions.append(session, draft, toLog, head.hash)
  }
  const near = await grow(frames)
  const whole = async () => foldFrames(emptyFold(id), await sessions.read(id))
  return { context, snapshots, asked, near, grow, whole }
}

test('the few frames before the one that was delivered are read by their places, and none is searched for', async () => {
  const { context, asked, near, whole } = await world(4)
  const fold = new SessionFold(id, context)
  await fold.reach(near)
  expect(fold.head).toEqual((await whole()).head)
  expect(fold.session).toEqual((await whole()).session)
  expect(asked).toEqual(['frame at 6', 'frame at 4', 'frame at 2'])
})

test('behind a snapshot only what came after it is read', async () => {
  const { context, asked, grow, whole } = await world(worthwhile)
  await writeSnapshot(context, await whole())
  const near = await grow(3)
  const fold = new SessionFold(id, context)
  await fold.reach(near)
  expect(fold.head).toEqual((await whole()).head)
  expect(asked).toEqual(['frame at 32', 'frame at 36', 'frame at 34'])
})

test('where many frames are new they are read together', async () => {
  const { context, asked, near, whole } = await world(100)
  const fold = new SessionFold(id, context)
  await fold.reach(near)
  expect(fold.head).toEqual((await whole()).head)
  expect(asked).toEqual(['read after 0'])
})

test('a replica that does not have a frame yet is not believed: everything is read', async () => {
  const { context, asked, near, whole } = await world(4)
  const stale = { ...context, sessions: { ...context.sessions, frameAt: async () => undefined } }
  const fold = await loadFold(stale, id, near)
  expect(fold).toEqual(await whole())
  expect(asked).toEqual(['read after 0'])
})

test('a snapshot that the log contradicts is deleted, and everything is read', async () => {
  const { context, snapshots, near, whole } = await world(worthwhile)
  await snapshots.write(id, {
    ...{ seq: 4, n: 2, hash: 'of another log', foldVersion },
    state: emptyFold(id).session,
  })
  const fold = new SessionFold(id, context)
  await fold.reach(near)
  expect(fold.head).toEqual((await whole()).head)
  expect(await snapshots.read(id)).toBeUndefined()
})

test('a session that leaves the memory before it has rested leaves a snapshot', async () => {
  const { context, snapshots, near, whole } = await world(worthwhile)
  const fold = new SessionFold(id, context)
  await fold.reach(near)
  fold.rest(() => false)
  expect(await snapshots.read(id)).toBeUndefined()
  fold.evicted()
  await expect.poll(async () => (await snapshots.read(id))?.n).toBe((await whole()).head.n)
})

test('a session that takes too much memory is not folded to its end', async () => {
  const { context, near } = await world(300)
  const small = { ...context, mostBytes: 1000 }
  await expect(loadFold(small, id)).rejects.toThrow(SessionTooLarge)
  await expect(new SessionFold(id, small).reach(near)).rejects.toThrow(/takes about .* MB in memory/)
  expect((await loadFold({ ...context, mostBytes: 1_000_000_000 }, id)).head.n).toBe(300)
})
