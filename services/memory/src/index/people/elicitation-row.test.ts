import { type Frame, noUsage, type Role, type SessionEvent } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { applyElicitations, askedOf, type ElicitationRow } from './elicitation-row.ts'

const owner = { session: 's1', root: 's1' }
const asked = (more: object = {}, elicitation = 'e1', call = 'k1'): SessionEvent => ({
  type: 'elicitation.requested',
  data: {
    ...{ call, elicitation, attempt: 1, server: 'tracker', mode: 'url', message: 'Please allow it', key: 'q' },
    ...{ url: 'https://example.com/a', timer: 't', expiresAt: 900, ...more },
  },
})
const first = (elicitation?: string, call?: string) => asked({ nothingRan: true }, elicitation, call)
const said = (action: 'accept' | 'decline' | 'cancel', more: object = {}): SessionEvent => ({
  type: 'elicitation.answered',
  data: { call: 'k1', elicitation: 'e1', action, person: 'user:ada', ...more },
})
const of = (type: 'completed' | 'remembered' | 'expired' | 'withdrawn'): SessionEvent => ({
  type: `elicitation.${type}`,
  data: { call: 'k1', elicitation: 'e1' },
})
const roles: Readonly<Record<string, Role>> = {
  'elicitation.requested': 't',
  'elicitation.completed': 't',
  'tool-call.completed': 't',
  'elicitation.answered': 'g',
  'timer.fired': 'm',
}

/** Each event in a frame of its own, said by who may say it. */
function rows(...events: readonly SessionEvent[]): readonly ElicitationRow[] {
  const kept = new Map<string, ElicitationRow>()
  for (const [at, event] of events.entries()) {
    const frame = { seq: at + 1, at: 100 + at, role: roles[event.type] ?? 'e', events: [event] } as unknown as Frame
    for (const row of applyElicitations([...kept.values()], owner, 'helper', frame)) kept.set(row.id, row)
  }
  return [...kept.values()]
}
const states = (...events: readonly SessionEvent[]) => rows(...events).map(({ state }) => state)
const completed: SessionEvent = {
  type: 'tool-call.completed',
  data: { call: 'k1', attempt: 1, status: 'ok', output: 'done' },
}

describe('the row of a question', () => {
  test('has what a person needs to answer it', () => {
    expect(rows(asked()).map(askedOf)).toEqual([
      {
        ...{ session: 's1', agent: 'helper', call: 'k1', elicitation_id: 'e1', mode: 'url', state: 'waiting' },
        ...{ url: 'https://example.com/a', message: 'Please allow it', server_name: 'tracker' },
        ...{ requestedAt: 100, expiresAt: 900 },
      },
    ])
  })

  test('of the code that decides for the session is a row as well, until it is answered, withdrawn or its timer fires', () => {
    const question = { elicitation_id: 'e1', url: 'https://shop.example', message: 'Sure?', server_name: 'shop' }
    const output = { type: 'elicitation' as const, mode: 'url' as const, ...question }
    const asks: SessionEvent = { type: 'run.paused', data: { position: 2, name: 'terms', output, expiresAt: 900 } }
    expect(rows(asks).map(askedOf)).toMatchObject([
      { call: 'run-2', elicitation_id: 'e1', server_name: 'shop', state: 'waiting', expiresAt: 900 },
    ])
    const turn: SessionEvent = { type: 'turn.cancelled', data: { turn: 't1', usage: noUsage, reason: 'cancelled' } }
    const fired = (timer: string): SessionEvent => ({ type: 'timer.fired', data: { timer } })
    expect(states(asks, turn, fired('ask-1'))).toEqual(['waiting'])
    expect(states(asks, fired('ask-2'))).toEqual(['expired'])
    expect(states(asks, { type: 'run.withdrawn', data: { position: 2 } })).toEqual(['withdrawn'])
    expect(states(asks, said('accept', { call: 'run-2' }), fired('ask-2'))).toEqual(['answered'])
    expect(states(asks, { type: 'session.ended', data: { reason: 'completed' } })).toEqual(['withdrawn'])
  })

  test.each([
    ['answered', [asked(), said('accept')]],
    ['declined', [asked(), said('decline')]],
    ['cancelled', [asked(), said('cancel')]],
    ['expired', [asked(), of('expired')]],
    ['withdrawn', [asked(), of('withdrawn')]],
    ['remembered', [first(), of('remembered')]],
    ['accepted', [first(), said('accept')]],
    ['answered', [first(), said('accept'), said('accept')]],
    ['answered', [first(), said('accept', { completed: true })]],
    ['answered', [first(), said('accept'), of('completed')]],
    ['answered', [first(), of('completed'), said('accept')]],
    ['declined', [first(), said('accept'), said('decline')]],
  ] as const)('is %s in the end', (state, events) => {
    expect(states(...events)).toEqual([state])
  })

  test.each([
    ['its call has an outcome', completed],
    [
      'its call is asked for again',
      { type: 'tool-calls.requested', data: { turn: 't', digest: 'd', calls: [{ call: 'k1' }] } },
    ],
    ['its turn is cancelled', { type: 'turn.cancelled', data: { turn: 't' } }],
    ['its session has ended', { type: 'session.ended', data: {} }],
  ] as const)('is over where %s', (_, event) => {
    expect(states(first(), said('accept'), event as unknown as SessionEvent)).toEqual(['withdrawn'])
  })

  test('is replaced by the next question of its call, and left alone by other calls', () => {
    expect(states(first(), first('e2'))).toEqual(['withdrawn', 'waiting'])
    expect(states(first('e3', 'k2'), completed)).toEqual(['waiting'])
  })

  test('stays as it ended, whatever comes later', () => {
    expect(states(asked(), said('decline'), said('accept'), of('expired'), asked())).toEqual(['declined'])
    expect(rows(asked(), said('decline'), completed)[0]).toMatchObject({ answered_by: 'user:ada', ended_at: 101 })
  })

  test('counts nothing that a role may not say', () => {
    const frame = { seq: 1, at: 1, role: 'g', events: [asked()] } as unknown as Frame
    expect(applyElicitations([], owner, 'helper', frame)).toEqual([])
  })

  test('leaves out a long schema, and keeps what a database takes', () => {
    const [row] = rows(asked({ message: 'a\0b', schema: { type: 'object', title: 'x'.repeat(30_000) } }))
    expect([row?.message, row?.schema]).toEqual(['ab', null])
  })
})
