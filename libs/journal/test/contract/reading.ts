// What a session log gives of a session, of a tree and of a fork.
import { emptyHead, headOf, toLog, type SessionEvent } from '@reins/contracts'
import { draftOn, newSession, type Trial } from './trial.ts'
import { describe, expect, it } from 'vitest'
import { brokenLink } from '@reins/session'

export function readingContract(on: Trial): void {
  describe('reading', () => {
    it('gives an empty head and no frames of a session that does not exist', async () => {
      const session = newSession()
      expect(await on.subject.sessions.head(session)).toEqual(emptyHead(session))
      expect(await on.subject.sessions.read(session)).toEqual([])
    })

    it('reads after a sequence, and no more than it was asked for', async () => {
      const session = newSession()
      const written = []
      for (const title of ['one', 'two', 'three', 'four']) written.push((await on.write(session, title)).head)
      const read = async (options: { after?: number; limit?: number }) =>
        (await on.subject.sessions.read(session, { ...options, leader: true })).map(({ n }) => n)
      expect(await read({})).toEqual([1, 2, 3, 4])
      expect(await read({ after: written[1]!.seq })).toEqual([3, 4])
      expect(await read({ after: written[0]!.seq, limit: 2 })).toEqual([2, 3])
      expect(await read({ after: written[3]!.seq })).toEqual([])
    })

    it('reads a tree in the one order of its frames', async () => {
      const root = newSession()
      const child = `${root}-0123456789abcdef`
      const heads = [
        await on.write(root, 'root'),
        await on.write(child, 'child'),
        await on.write(root, 'root again'),
        await on.write(child, 'child again'),
      ]
      await on.write(newSession(), 'elsewhere')
      const frames = await on.subject.sessions.readTree(root, { leader: true })
      expect(frames.map(({ frame }) => frame.id)).toEqual(heads.map(({ draft }) => draft.id))
      expect(frames.map(({ frame }) => frame.seq)).toEqual(heads.map(({ head }) => head.seq))
      expect(frames.map(({ session }) => session === child)).toEqual([false, true, false, true])
      const [first, , third] = heads
      const page = await on.subject.sessions.readTree(root, { after: first!.head.seq, limit: 2, leader: true })
      expect(page.map(({ frame }) => frame.seq)).toEqual(heads.slice(1, 3).map(({ head }) => head.seq))
      expect(await on.subject.sessions.head({ tree: root }, { leader: true })).toMatchObject({
        seq: heads[3]!.head.seq,
      })
      expect(await on.subject.sessions.head({ tree: root })).toMatchObject({ n: third!.head.n })
    })
  })

  describe('forks', () => {
    const fork = async (from: string, n: number) => {
      const session = newSession()
      const source = (await on.subject.sessions.read(from, { leader: true })).find((frame) => frame.n === n)!
      const head = { ...headOf(source), seq: 0 }
      const events: SessionEvent[] = [
        {
          type: 'session.forked',
          data: { from, n, hash: source.hash, agent: 'a', digest: 'd', model: 'm', principal: 'p' },
        },
      ]
      const draft = { ...draftOn(head, ''), role: 'g' as const, events }
      const outcome = await on.subject.sessions.append(session, draft, toLog, head.hash)
      if (outcome.kind !== 'appended') throw new Error('someone else wrote to a session of this test')
      return session
    }
    const numbers = async (session: string, options: { after?: number; limit?: number } = {}) =>
      (await on.subject.sessions.read(session, { ...options, leader: true })).map(({ n }) => n)

    it('reads the frames of before as its own beginning, in any pages, and copies none', async () => {
      const source = newSession()
      for (const title of ['one', 'two', 'three', 'four']) await on.write(source, title)
      const session = await fork(source, 3)
      await on.write(session, 'five')
      await on.write(source, 'elsewhere')
      const frames = await on.subject.sessions.read(session, { leader: true })
      expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
      expect(frames.map(({ id }) => id).slice(0, 3)).toEqual(
        (await on.subject.sessions.read(source, { leader: true })).map(({ id }) => id).slice(0, 3),
      )
      expect(frames.map(({ seq }) => seq)).toEqual(frames.map(({ seq }) => seq).sort((a, b) => a - b))
      for (const [at, { seq, id }] of frames.entries()) {
        expect(await numbers(session, { after: seq })).toEqual([1, 2, 3, 4, 5].slice(at + 1))
        expect(await numbers(session, { after: seq, limit: 2 })).toEqual([1, 2, 3, 4, 5].slice(at + 1, at + 3))
        expect(await on.subject.sessions.frameAt(session, seq)).toMatchObject({ id })
        expect((await numbers(session, { limit: at + 1 })).length).toBe(at + 1)
      }
      const tree = await on.subject.sessions.readTree(session, { leader: true })
      expect(tree.map(({ session: whose, frame }) => [whose, frame.n])).toEqual(
        [1, 2, 3, 4, 5].map((n) => [session, n]),
      )
      expect(await on.subject.sessions.forkOf(session)).toMatchObject({ from: source, n: 3, hash: frames[2]!.hash })
      expect(await on.subject.sessions.forkOf(source)).toBeUndefined()
      expect(await on.subject.sessions.head(session, { leader: true })).toMatchObject({ n: 5, seq: frames[4]!.seq })
      const written = frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) }))
      expect(brokenLink(session, written)).toBeNull()
      const forged = written.with(2, { ...written[2]!, eventsJson: '[]' })
      expect(brokenLink(session, forged)?.n).toBe(3)
    })

    it('reads forks of forks', async () => {
      const first = newSession()
      await on.write(first, 'one')
      await on.write(first, 'two')
      const second = await fork(first, 2)
      await on.write(second, 'four')
      const third = await fork(second, 4)
      await on.write(third, 'six')
      const frames = await on.subject.sessions.read(third, { leader: true })
      expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6])
      for (const [at, { seq }] of frames.entries()) {
        expect(await numbers(third, { after: seq, limit: 3 })).toEqual([1, 2, 3, 4, 5, 6].slice(at + 1, at + 4))
        expect(await on.subject.sessions.frameAt(third, seq)).toMatchObject({ n: at + 1 })
      }
      expect(
        brokenLink(
          third,
          frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) })),
        ),
      ).toBeNull()
    })

    it('refuses a second first frame, as of any session', async () => {
      const source = newSession()
      const { head } = await on.write(source, 'one')
      const session = await fork(source, 1)
      const again = draftOn({ ...head, seq: 0 }, 'again')
      const outcome = await on.subject.sessions.append(session, again, toLog, head.hash)
      expect(outcome).toMatchObject({ kind: 'refused', tail: [{ n: 2 }] })
    })
  })
}
