import { describe, expect, it } from 'vitest'
import { toLog } from '../broker/subjects.ts'
import type { SessionEvent } from '../events/catalogue.ts'
import { protocolVersion, type WrittenEvent } from '../events/codec.ts'
import { draftOn } from './draft.ts'
import {
  decodeFrame,
  emptyHead,
  encodeFrame,
  eventsJsonOf,
  eventsOf,
  everyEvent,
  type Frame,
  frameHash,
  headFromHeaders,
  headOf,
  knownEvents,
  upToEvent,
} from './frame.ts'

const session = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const renamed: SessionEvent = { type: 'session.renamed', data: { title: 'a title' } }
const newer = { type: 'turn.imagined', data: { turn: 't1' } }

const draft = draftOn(
  emptyHead(session),
  { frame: 'f1', by: 'gateway', role: 'g' },
  { events: [renamed], to: toLog, status: 'idle', pool: 'default', trace: 't', at: 1000 },
)
const encoded = encodeFrame(draft, emptyHead(session).hash)

/** As the broker would hand it out, with another body or other headers. */
function decoded(change: { body?: string | object; headers?: Record<string, string> } = {}): Frame {
  const headers = { ...Object.fromEntries(encoded.headers), ...change.headers }
  const body =
    typeof change.body === 'object' ? JSON.stringify({ ...JSON.parse(encoded.body), ...change.body }) : change.body
  return decodeFrame({ seq: 7, role: 'g', body: body ?? encoded.body, header: (name) => headers[name] ?? '' })
}

describe('a frame', () => {
  it('that says where the broker has read it is an answer of the broker, put there by somebody else', () => {
    const put = decoded({ headers: { 'Nats-Stream': 'SES' } })
    expect(put).toMatchObject({ events: [], fault: 'an answer of the broker, put where a frame belongs', n: 1 })
    expect(everyEvent(put)).toEqual([])
  })

  it('with an event that is not its role’s to say is acted on by nobody, keeps its hash, and is shown as it was written', () => {
    const answered: SessionEvent = { type: 'tool-call.cancelled', data: { call: 'c' } }
    const forged = encodeFrame({ ...draft, events: [renamed, answered] }, emptyHead(session).hash)
    const headers = new Map(forged.headers)
    const frame = decodeFrame({ seq: 7, role: 'g', body: forged.body, header: (name) => headers.get(name) ?? '' })
    expect([frame.events, frame.fault, frame.beyond]).toEqual([[], undefined, undefined])
    expect(everyEvent(frame)).toEqual([renamed, answered])
    expect(frameHash(emptyHead(session).hash, draft, eventsJsonOf(frame))).toBe(forged.hash)
  })

  it('in which memory says that a session was erased is believed of sessions below another alone', () => {
    const erased: SessionEvent = { type: 'session.erased', data: { hash: 'h', root: { by: 'user:admin', at: 1 } } }
    const { body, headers } = encodeFrame({ ...draft, role: 'm', events: [erased] }, emptyHead(session).hash)
    const named = new Map(headers)
    const events = (whose?: string) =>
      decodeFrame({
        seq: 7,
        ...(whose === undefined ? {} : { session: whose }),
        role: 'm',
        body,
        header: (name) => named.get(name) ?? '',
      }).events
    expect([events(), events(session), events(`${session}-1`)]).toEqual([[], [], [erased]])
  })

  it('is read as it was written, and its hash is over the bytes of its events', () => {
    const { id, n, prev, at, by, trace, role, needs, status, pool, events } = draft
    expect(decoded()).toEqual({
      seq: 7,
      hash: encoded.hash,
      id,
      n,
      prev,
      at,
      by,
      trace,
      role,
      needs,
      status,
      pool,
      events,
    })
    expect(frameHash(emptyHead(session).hash, draft, eventsOf(encoded.body) ?? '')).toBe(encoded.hash)
    expect(eventsJsonOf(decoded())).toBe(eventsOf(encoded.body))
  })

  it.each([
    ['a body that is no JSON', '{'],
    ['a body that is no object', '7'],
    ['an unknown frame version', { v: 2 }],
    ['an id that differs from its header', { id: 'other' }],
    ['a body that differs from its headers', { n: 2 }],
    ['a body that differs from its headers', { prev: null }],
    ['a body that differs from its headers', { at: 'now' }],
    ['a body that differs from its headers', { by: 7 }],
    ['no events', { events: {} }],
    ['an event without a type', { events: [{}] }],
    ['a session.renamed whose data is not of its schema', { events: [{ type: 'session.renamed', data: {} }] }],
  ])('that has %s is a fault, and the next one can still be chained on it', (fault, body) => {
    const frame = decoded({ body })
    expect(frame).toMatchObject({ fault, events: [] })
    expect(headOf(frame)).toEqual(headOf(decoded()))
  })

  it('whose headers say nothing that is known is a head at rest in quarantine', () => {
    expect(headFromHeaders(7, () => '')).toEqual({ seq: 7, n: 0, hash: '', needs: 1, status: 'quarantined', pool: '' })
  })
})

const newerProtocol = String(protocolVersion + 1)

describe('a frame that is beyond this version', () => {
  const again = { ...renamed, v: 2 }
  it.each<[string, unknown, WrittenEvent, Record<string, string>]>([
    ['an event of an unknown type', newer, newer, {}],
    ['an event of an unknown version', again, again, {}],
    ['a protocol that is newer', null, { type: 'unknown', data: null }, { 'Reins-Needs': newerProtocol }],
  ])('for %s is no fault: its events are none to act on, and all there to show', (_, second, written, headers) => {
    const events = [renamed, second]
    const frame = decoded({ body: { events }, headers })
    expect(frame).toMatchObject({ n: 1, events: [], beyond: expect.any(String) })
    expect(frame.fault).toBeUndefined()
    expect(everyEvent(frame)).toEqual([renamed, { type: '?', written }])
    expect(knownEvents(frame)).toEqual([renamed])
    expect(eventsJsonOf(frame)).toBe(JSON.stringify(events))
    expect(everyEvent(upToEvent(frame, 0))).toEqual([renamed])
  })

  it('may be of a form that is newer, where it says that it needs one', () => {
    expect(decoded({ body: { v: 2 }, headers: { 'Reins-Needs': newerProtocol } })).toMatchObject({
      n: 1,
      events: [],
      beyond: expect.any(String),
    })
  })
})
