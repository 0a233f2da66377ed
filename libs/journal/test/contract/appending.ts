// What a session log takes, and what it refuses.
import { emptyHead, headOf, protocolVersion, toLog } from '@reins/contracts'
import { draftOn, named, newSession, type Trial } from './trial.ts'
import { describe, expect, it } from 'vitest'
import { brokenLink } from '@reins/session'
import type { AppendOutcome } from '../../src/port.ts'

export function appendingContract(on: Trial): void {
  describe('appending', () => {
    it('takes a frame at the head, and answers with the head that it is now', async () => {
      const session = newSession()
      const { draft, head } = await on.write(session, 'one')
      expect(head).toMatchObject({ n: 1, status: 'idle', pool: 'default', needs: protocolVersion })
      expect(await on.subject.sessions.head(session, { leader: true })).toEqual(head)
      const [frame] = await on.subject.sessions.read(session, { leader: true })
      expect(frame).toMatchObject({ ...draft, seq: head.seq, hash: head.hash, prev: 0 })
    })

    it('refuses a frame whose prev is not the last sequence, and gives every frame after it', async () => {
      const session = newSession()
      const first = await on.write(session, 'one')
      const second = await on.write(session, 'two')
      const third = await on.write(session, 'three')
      const late = draftOn(first.head, 'late')
      const outcome = await on.subject.sessions.append(session, late, toLog, first.head.hash)
      expect(outcome).toMatchObject({ kind: 'refused', tail: [{ id: second.draft.id }, { id: third.draft.id }] })
      expect((await on.subject.sessions.read(session, { leader: true })).map(({ id }) => id)).not.toContain(late.id)
    })

    it('refuses a second first frame', async () => {
      const session = newSession()
      const { draft } = await on.write(session, 'one')
      const empty = emptyHead(session)
      const outcome = await on.subject.sessions.append(session, draftOn(empty, 'another'), toLog, empty.hash)
      expect(outcome).toMatchObject({ kind: 'refused', tail: [{ id: draft.id }] })
    })

    it('lets exactly one of 32 in that were written on the same head', async () => {
      const session = newSession()
      const { head } = await on.write(session, 'one')
      const drafts = Array.from({ length: 32 }, (_, at) => draftOn(head, `writer ${at}`))
      const outcomes = await Promise.all(
        drafts.map((draft) => on.subject.sessions.append(session, draft, toLog, head.hash)),
      )
      const winners = drafts.filter((_, at) => outcomes[at]?.kind === 'appended')
      expect(winners).toHaveLength(1)
      const firsts = outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? [outcome.tail[0]?.id] : []))
      expect(firsts).toEqual(Array.from({ length: 31 }, () => winners[0]?.id))
      expect(await on.subject.sessions.read(session, { leader: true })).toHaveLength(2)
    })

    it('finds its own frame under those of others when the answer was lost', async () => {
      const session = newSession()
      const { head } = await on.write(session, 'one')
      const mine = draftOn(head, 'mine')
      on.subject.loseNextAck(async () => {
        await on.write(session, 'on top')
        await on.write(session, 'on top of that')
      })
      const outcome = await on.subject.sessions.append(session, mine, toLog, head.hash)
      const ids = (await on.subject.sessions.read(session, { leader: true })).map(({ id }) => id)
      expect(ids).toHaveLength(4)
      expect(ids[1]).toBe(mine.id)
      expect(outcome).toMatchObject({ kind: 'appended', head: { n: 2 }, above: [{ id: ids[2] }, { id: ids[3] }] })
    })

    it('knows that it is in when the answer was lost and nobody wrote on top', async () => {
      const session = newSession()
      const { head } = await on.write(session, 'one')
      const mine = draftOn(head, 'mine')
      on.subject.loseNextAck(async () => {})
      const outcome = await on.subject.sessions.append(session, mine, toLog, head.hash)
      expect(outcome).toMatchObject({ kind: 'appended', head: { n: 2 } })
      expect(await on.subject.sessions.read(session, { leader: true })).toHaveLength(2)
    })

    it('is refused when the request was lost and another came first', async () => {
      const session = newSession()
      const { head } = await on.write(session, 'one')
      const mine = draftOn(head, 'mine')
      const others: string[] = []
      on.subject.loseNextRequest(async () => {
        others.push((await on.write(session, 'first')).draft.id, (await on.write(session, 'second')).draft.id)
      })
      const outcome = await on.subject.sessions.append(session, mine, toLog, head.hash)
      expect(outcome).toMatchObject({ kind: 'refused', tail: others.map((id) => ({ id })) })
    })

    it('sends again what was lost on its way', async () => {
      const session = newSession()
      const head = emptyHead(session)
      const mine = draftOn(head, 'mine')
      on.subject.loseNextRequest(async () => {})
      expect(await on.subject.sessions.append(session, mine, toLog, head.hash)).toMatchObject({ kind: 'appended' })
      expect(await on.subject.sessions.read(session, { leader: true })).toHaveLength(1)
    })

    it('chains the hashes of what it stores', async () => {
      const session = newSession()
      for (const title of ['one', 'two', 'three']) await on.write(session, title)
      const frames = await on.subject.sessions.read(session, { leader: true })
      const written = frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) }))
      expect(brokenLink(session, written)).toBeNull()
      const forged = written.with(1, { ...written[1]!, eventsJson: JSON.stringify([named('forged')]) })
      expect(brokenLink(session, forged)).toBe(frames[1])
    })

    it('goes on from a refusal: what was refused is written on the head that the tail shows', async () => {
      const session = newSession()
      const { head } = await on.write(session, 'one')
      await on.write(session, 'two')
      const refused: AppendOutcome = await on.subject.sessions.append(session, draftOn(head, 'late'), toLog, head.hash)
      if (refused.kind !== 'refused') throw new Error('a frame on an old head was taken')
      const top = headOf(refused.tail.at(-1)!)
      expect(await on.subject.sessions.append(session, draftOn(top, 'late'), toLog, top.hash)).toMatchObject({
        kind: 'appended',
        head: { n: 3 },
      })
    })
  })
}
