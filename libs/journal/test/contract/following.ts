// What a feed says of a session while it goes on.
import { childId, toExec } from '@reins/contracts'
import { newId, newSession, type Trial } from './trial.ts'
import { describe, expect, it } from 'vitest'
import type { RepublishedFrame } from '../../src/port.ts'

export function followingContract(on: Trial): void {
  describe('following', () => {
    it('hears of every frame of a session in order, and of no other', async () => {
      const session = newSession()
      const heard: string[] = []
      const last = Promise.withResolvers<void>()
      const subscription = on.subject.feed.frames(session, ({ frame }) => {
        heard.push(frame.id)
        if (heard.length === 3) last.resolve()
      })
      const written: string[] = []
      for (const title of ['one', 'two', 'three']) {
        written.push((await on.write(session, title)).draft.id)
        await on.write(newSession(), 'elsewhere')
      }
      await last.promise
      subscription.close()
      expect(heard).toEqual(written)
    })

    it('hears the frames of its own process as they stand in the log', async () => {
      const session = newSession()
      const heard: RepublishedFrame[] = []
      const all = Promise.withResolvers<void>()
      const subscription = on.subject.feed.framesHere(session, (one) => {
        heard.push(one)
        if (heard.length === 2) all.resolve()
      })
      await on.write(session, 'one')
      await on.write(newSession(), 'elsewhere')
      await on.write(session, 'two')
      await all.promise
      subscription.close()
      expect(heard.map(({ frame }) => frame)).toEqual(await on.subject.sessions.read(session, { leader: true }))
    })

    it('hears of a whole tree, with the address of each frame', async () => {
      const root = newSession()
      const child = `${root}-0123456789abcdef`
      const heard: [string, string][] = []
      const last = Promise.withResolvers<void>()
      const subscription = on.subject.feed.frames({ tree: root }, ({ session, to, frame }) => {
        heard.push([session, to.kind])
        if (frame.n === 2) last.resolve()
      })
      await on.write(root, 'root')
      await on.write(child, 'child', toExec(newId()))
      await on.write(root, 'root again')
      await last.promise
      subscription.close()
      expect(heard).toEqual([
        [root, 'log'],
        [child, 'exec'],
        [root, 'log'],
      ])
    })

    it('reads the frame at a sequence, and none of another session', async () => {
      const session = newSession()
      const other = childId(session, 'c1') // in the same stream, so with another sequence
      const { draft } = await on.write(session, 'one')
      await on.write(other, 'two')
      const [mine] = await on.subject.sessions.read(session)
      const [foreign] = await on.subject.sessions.read(other)
      expect(await on.subject.sessions.frameAt(session, mine?.seq ?? 0)).toMatchObject({ id: draft.id, n: 1 })
      expect(await on.subject.sessions.frameAt(session, foreign?.seq ?? 0)).toBeUndefined()
      expect(await on.subject.sessions.frameAt(session, 1_000_000)).toBeUndefined()
      expect(await on.subject.sessions.frameAt(session, 0)).toBeUndefined()
    })

    it('hears deltas as they are published, and finds them again', async () => {
      const session = newSession()
      const delta = (offset: number) => ({ call: 'c1', attempt: 1, block: 0, kind: 'text', offset, text: 'x' }) as const
      const heard: number[] = []
      const last = Promise.withResolvers<void>()
      const subscription = on.subject.feed.deltas(session, (one) => {
        heard.push(one.delta.offset)
        if (one.delta.offset === 2) last.resolve()
      })
      for (const offset of [0, 1, 2]) on.subject.feed.publishDelta(session, 'e', delta(offset))
      await last.promise
      subscription.close()
      expect(heard).toEqual([0, 1, 2])
      // The broker may say a delta before it has it.
      const kept = () => on.subject.feed.recentDeltas(session, { limit: 2 })
      const lastTwo = [1, 2].map((offset) => ({ session, role: 'e', delta: delta(offset) }))
      await expect.poll(kept, { timeout: 20_000 }).toEqual(lastTwo)
    })
  })
}
