import { draftOn, emptyHead, encodeFrame, type Frame, type Head, type SessionEvent, toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  calling,
  cancel,
  e,
  g,
  given,
  id,
  m,
  message,
  showing,
  started,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { checkLog } from '../folding/check-log.ts'
import { evolve } from '../folding/evolve.ts'
import { emptyFold, foldFrames } from '../folding/fold.ts'
import { emptyInfo, foldInfo } from '../shown/session-info.ts'
import {
  type ErasureAbout,
  erasedBelow,
  erasedIn,
  eraseSession,
  eraseUnreadable,
  erasureCompleted,
  fromErasure,
} from './erasure.ts'

const nobody = { forks: [], busy: [] }
const ended: SessionEvent = { type: 'session.ended', data: { reason: 'ended' } }
const rested = given(g(started(), message('m1')))
  .and(e(turn('t2', 'm1'), calling('c2', 't2')))
  .and(showing('idle', e(answered('c2', text('hi')), turnCompleted('t2', 'c2'))))
const over = rested.and(g(cancel(true))).and(showing('ended', e(ended)))

describe('a session may be erased', () => {
  it('when it has ended, and says what it was and nothing of what was said', () => {
    const { head } = over
    const data = { hash: head.hash, agent: 'agent', began: expect.any(Number) as number }
    expect(eraseSession(over, nobody)).toMatchObject({
      kind: 'append',
      decision: { events: [{ type: 'session.erased', data }], to: toLog, status: 'ended' },
    })
  })

  it('not before, and the refusal says what to do', () => {
    expect(eraseSession(rested, nobody)).toMatchObject({
      code: 'session_conflict',
      why: expect.stringContaining(`reins session end ${id}`) as string,
    })
  })

  it('not while others were forked from it, work below it, or stand above it', () => {
    const why = (text: string) => ({ kind: 'refused', why: expect.stringContaining(text) as string })
    expect(eraseSession(over, { forks: ['F1'], busy: [] })).toMatchObject(why('F1. Erase them first'))
    expect(eraseSession(over, { forks: [], busy: ['B1'] })).toMatchObject(why('B1'))
    const child = { ...over, session: { ...over.session, id: `${id}-0123456789abcdef01234567` } }
    expect(eraseSession(child, nobody)).toMatchObject(why('the root of its tree'))
  })

  it('without an end where it cannot be read, once it is at rest, by its head and what is left of its first frame', () => {
    const { head } = rested
    const unreadable = (status: Head['status'], about: ErasureAbout = nobody) =>
      eraseUnreadable({ id, head: { ...head, status }, first: undefined }, about)
    const order = { events: [{ type: 'session.erased', data: { hash: head.hash } }], to: toLog, status: 'ended' }
    for (const status of ['idle', 'ended', 'quarantined', 'paused'] as const)
      expect(unreadable(status)).toMatchObject({ kind: 'append', decision: order })
    for (const status of ['running', 'waiting'] as const)
      expect(unreadable(status)).toMatchObject({ kind: 'refused', code: 'session_conflict' })
    expect(unreadable('idle', { forks: ['F1'], busy: [] })).toMatchObject({ kind: 'refused' })
    expect(unreadable('idle', { forks: [], busy: ['B1'] })).toMatchObject({ kind: 'refused' })
    const below = { id: `${id}-0123456789abcdef01234567`, head, first: undefined }
    expect(eraseUnreadable(below, nobody)).toMatchObject({ kind: 'refused' })
  })

  it('once: then nothing is left of it, and nothing is due', () => {
    const erased = over.and(showing('ended', g({ type: 'session.erased', data: { hash: over.head.hash } })))
    expect(erased.session).toMatchObject({
      ...{ born: null, title: null, mode: { kind: 'ended' }, erased: { by: 'gateway' } },
    })
    expect(JSON.stringify(erased.session)).not.toContain('hi')
    expect(eraseSession(erased, nobody)).toEqual({ kind: 'unchanged' })
  })

  it('by nobody but a gateway, and below a root by memory', () => {
    const order: SessionEvent = { type: 'session.erased', data: { hash: 'h' } }
    for (const said of [e(order), m(order)]) expect(over.and(said).session.erased).toBeUndefined()
    const root = { by: 'user:ada', at: 1 }
    const below: SessionEvent = { type: 'session.erased', data: { hash: 'h', root } }
    expect(over.and(m(below)).session.erased).toBeUndefined()
    const child = { ...over.session, id: `${id}-1` }
    expect(evolve(child, below, { role: 'm', n: 9, at: 2, by: 'memory' }).erased).toEqual(root)
  })
})

describe('what is left of its log', () => {
  let seq = 40
  const frame = (head: Head, role: 'g' | 'm', events: readonly SessionEvent[]): Frame => {
    const draft = draftOn(head, { frame: `f${seq}`, by: 'x', role }, { events, to: toLog, status: 'ended', at: 7 })
    return { ...draft, seq: seq++, hash: encodeFrame(draft, head.hash).hash }
  }
  const head = { ...emptyHead(id), seq: 30, n: 12, hash: 'of frame 12' }
  const order = frame(head, 'g', [{ type: 'session.erased', data: { hash: head.hash, agent: 'a', began: 3 } }])
  const done = frame({ ...head, seq: order.seq, n: 13, hash: order.hash, needs: 15 }, 'm', [
    { type: 'session.erasure-completed', data: { sessions: 1, frames: 12, objects: 0 } },
  ])
  const log = [order, done]
  const stored = (frames: readonly Frame[]) =>
    frames.map((one) => ({
      frame: one,
      eventsJson: JSON.stringify(one.events.map(({ type, data }) => ({ type, data }))),
    }))

  it('begins with the order, folds, and is verified from there', () => {
    const { session, head: last } = foldFrames(emptyFold(id), log)
    expect([last.n, session.mode.kind, session.erased?.completed]).toEqual([14, 'ended', true])
    expect(checkLog(id, stored(log)).problems).toEqual([])
    const changed = { ...order, events: [{ type: 'session.erased' as const, data: { hash: 'another' } }] }
    expect(checkLog(id, stored([changed, done])).problems).not.toEqual([])
  })

  it('shows who erased it and when, whatever was known of it', () => {
    const said = { ...emptyInfo, title: 'a secret', turns: 3, agent: 'a', createdAt: 3 }
    for (const before of [emptyInfo, said])
      expect(log.reduce((info, one) => foldInfo(info, one), before)).toMatchObject({
        ...{ title: null, turns: 0, agent: 'a', createdAt: 3, status: 'ended' },
        erased: { by: 'x', at: 7, completed: true },
      })
  })

  it('is all that a reader gets while the rest is still there', () => {
    const before = frame(emptyHead(id), 'g', [{ type: 'session.renamed', data: { title: 'a secret' } }])
    expect(fromErasure([before, ...log])).toEqual(log)
    expect(fromErasure([before])).toEqual([before])
  })

  it('of a session below says who erased the root', () => {
    const root = { by: 'user:ada', at: 5 }
    const decision = erasedBelow(head, undefined, root)
    expect(erasedIn(frame(head, 'm', decision.events))).toEqual({ hash: head.hash, root })
    expect(erasureCompleted({ sessions: 1, frames: 0, objects: 0 }).status).toBe('ended')
  })
})
