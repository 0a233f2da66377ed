import type { EventOf, SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  type Given,
  g,
  given,
  m,
  message,
  paused,
  requested,
  showing,
  started,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { archivedAs, archivedIn, mayArchive } from './archival.ts'

const long = { ms: 2000, afterMs: 1000 }
const may = (one: Given, rested = long, events: readonly SessionEvent[] = []): boolean =>
  mayArchive(one, { seq: one.head.seq, role: 'm', events }, rested)
const archived: EventOf<'session.archived'> = {
  type: 'session.archived',
  data: { object: 'o', first: 1, frames: 3, bytes: 10, digest: 'd' },
}

const begun = given(g(started(), message('m1')))
const calls = begun.and(e(turn('t2', 'm1'), calling('c2', 't2')))
const rested = calls.and(showing('idle', e(answered('c2', text('hi')), turnCompleted('t2', 'c2'))))

describe('a session goes to the archive', () => {
  it('when it has been at rest for long enough, and not before', () => {
    expect(may(rested)).toBe(true)
    expect(may(rested, { ms: 999, afterMs: 1000 })).toBe(false)
  })

  it('not while a message waits, a model is asked, a call is open, or a cancel is not answered', () => {
    const inCall = calls.and(e(answered('c2', asks('k1', 'shell')), requested('t2', ['k1', 'never'])))
    for (const one of [begun, calls, inCall, rested.and(g(message('m2'))), calls.and(g(cancel()))])
      expect(may(one)).toBe(false)
  })

  it('not while it is paused, or its head says something else than its fold', () => {
    expect(may(rested.and(showing('paused', g(paused))))).toBe(false)
    expect(may(rested.and(showing('waiting', e({ type: 'session.settled', data: {} }))))).toBe(false)
  })

  it('not where it was erased: what is left says so, and stays', () => {
    const ended = rested.and(showing('ended', e({ type: 'session.ended', data: { reason: 'done' } })))
    expect(may(ended)).toBe(true)
    const erased: SessionEvent = { type: 'session.erased', data: { hash: ended.head.hash } }
    expect(may(ended.and(showing('ended', g(erased))))).toBe(false)
  })

  it('not again, until something was said in it', () => {
    const once = rested.and(showing('idle', m(archived)))
    expect(may(once, long, [archived])).toBe(false)
    const again = once.and(g({ type: 'session.renamed', data: { title: 'x' } }))
    expect(may(again)).toBe(true)
  })
})

it('the frame that says so keeps the status and the pool, wakes nobody, and changes nothing of the session', () => {
  const { head } = rested
  expect(archivedAs(head, archived.data)).toEqual({
    ...{ events: [archived], status: 'idle', pool: head.pool },
    to: { kind: 'log' },
  })
  expect(rested.and(showing('idle', m(archived))).session).toEqual(rested.session)
})

it('only memory says where frames lie', () => {
  expect(archivedIn({ role: 'm', events: [archived] })).toEqual(archived.data)
  expect(archivedIn({ role: 'e', events: [archived] })).toBeUndefined()
})
