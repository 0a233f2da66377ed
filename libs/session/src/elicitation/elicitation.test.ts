import type { SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  by,
  calling,
  cancel,
  e,
  type Given,
  g,
  given,
  m,
  message,
  requested,
  result,
  started,
  t,
  turn,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'
import { cover, statusOf } from '../deciding/status.ts'
import { afterLoss, evolveView, runnerVerdict, viewOf } from '../tool-call/runner.ts'
import { answerElicitation } from './answers.ts'

const user = 'user:ada'
const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const claim = (call: string): SessionEvent => ({ type: 'tool-call.started', data: { call, attempt: 1 } })
const question = (call: string, more: object = {}): SessionEvent => ({
  type: 'elicitation.requested',
  data: {
    ...{ call, attempt: 1, elicitation: `e-${call}`, server: 'bank', mode: 'url', message: 'Allow it' },
    ...{ url: 'https://bank.example/allow', key: 'k', timer: `elicitation-${call}`, expiresAt: 9000, ...more },
  },
})
const form = { mode: 'form', url: undefined, schema: { properties: { age: { type: 'integer', minimum: 18 } } } }
const nothingRan = { nothingRan: true }
const says = (call: string, action: 'accept' | 'decline' | 'cancel', more: object = {}, who = user) =>
  by(who, g({ type: 'elicitation.answered', data: { call, elicitation: `e-${call}`, action, person: who, ...more } }))
const onward = (one: Given): Given => {
  const next = plan(one.session, [], said(one.head.n + 1), true)
  return next ? one.and(e(...next.events)) : one
}
const nextOf = (one: Given) => plan(one.session, [], said(one.head.n + 1), true)?.events ?? []
const output = (one: Given, call = 0): string | undefined => {
  const state = one.session.turn?.calls[call]?.state
  return state?.kind === 'done' ? state.output : undefined
}

/** What the session itself answers a call with. */
const toldIn = (events: readonly SessionEvent[]): string | undefined =>
  events.find((event) => event.type === 'tool-call.completed')?.data.output

/** Calls that a runner has claimed. */
const claimed = (...calls: readonly string[]) =>
  given(
    by(user, g(started({ tools: Object.fromEntries(calls.map(() => ['pay', 'never'])) }), message('m1'))),
    e(turn('t1', 'm1'), calling('c1', 't1')),
    e(answered('c1', ...calls.map((call) => asks(call, 'pay')))),
    e(requested('t1', ...calls.map((call): [string, 'never'] => [call, 'never']))),
    by('r1', t(...calls.map(claim))),
  )
const asked = (more: object = {}) => onward(claimed('k1').and(by('r1', t(question('k1', more)))))

describe('a call whose server asks a person', () => {
  it('waits for people and for its timer, and for no runner', () => {
    const waits = asked()
    expect(statusOf(waits.session)).toBe('waiting')
    expect(due(waits.session, 9)).toBeNull()
    expect(cover(waits.session)).toEqual([
      { kind: 'person', why: 'k1 waits for an answer to bank' },
      { kind: 'timer', timer: 'elicitation-k1' },
    ])
  })

  it('is asked for again with the answer, and belongs to the attempt that asked', () => {
    const after = asked(form).and(says('k1', 'accept', { content: { age: 20 } }))
    expect(nextOf(after)).toMatchObject([
      {
        type: 'tool-calls.requested',
        data: {
          calls: [
            { call: 'k1', resume: { attempt: 1, by: 'r1', answers: [{ action: 'accept', content: { age: 20 } }] } },
          ],
        },
      },
    ])
    const goesOn = onward(after)
    expect(goesOn.session.turn?.calls[0]?.state).toMatchObject({ kind: 'claimed', attempt: 1, by: 'r1' })
    expect(goesOn.session.timers).toEqual([])
    expect(output(goesOn.and(by('r1', t(result('k1')))))).toBeDefined()
  })

  it('may end by itself while it waits, and then waits for nobody', () => {
    const ended = asked().and(by('r1', t(result('k1'))))
    expect(output(ended)).toBeDefined()
    expect(ended.session.timers).toEqual([])
  })

  it('of which another runner has made a further attempt asks nobody', () => {
    const lost = claimed('k1').and(
      by('r2', t({ type: 'tool-call.started', data: { call: 'k1', attempt: 2 } })),
      by('r1', t(question('k1'))),
    )
    expect(lost.session.turn?.calls[0]?.state).toMatchObject({ kind: 'claimed', attempt: 2 })
  })

  it('goes with its turn', () => {
    const cancelled = asked().and(g(cancel()))
    expect(types(nextOf(cancelled))).toEqual(['elicitation.withdrawn', 'tool-call.cancelled', 'turn.cancelled'])
    expect(onward(cancelled).session.timers).toEqual([])
  })
})

describe('declined, cancelled and expired', () => {
  it.each([
    ['decline', 'the person declined'],
    ['cancel', 'the person cancelled'],
  ] as const)('%s before anything ran: the model is told which', (action, words) => {
    expect(toldIn(nextOf(asked(nothingRan).and(says('k1', action))))).toContain(words)
  })

  it('expired is no refusal', () => {
    const fired = asked(nothingRan).and(m({ type: 'timer.fired', data: { timer: 'elicitation-k1' } }))
    expect(toldIn(nextOf(fired))).toContain('nobody answered in time')
  })

  it('an answer after the time has passed changes nothing', () => {
    const late = asked().and(m({ type: 'timer.fired', data: { timer: 'elicitation-k1' } }), says('k1', 'accept'))
    expect(types(nextOf(late))[0]).toBe('elicitation.expired')
  })
})

describe('a page that has to be opened before anything runs', () => {
  it('is waited for after it was accepted, until the server or the person says that it is done', () => {
    const accepted = asked(nothingRan).and(says('k1', 'accept'))
    expect(nextOf(accepted)).toEqual([])
    const notice: SessionEvent = { type: 'elicitation.completed', data: { call: 'k1', elicitation: 'e-k1' } }
    for (const word of [t(notice), says('k1', 'accept')])
      expect(nextOf(accepted.and(word))).toMatchObject([
        { type: 'tool-calls.requested', data: { calls: [{ resume: { nothingRan: true } }] } },
      ])
    expect(nextOf(asked(nothingRan).and(t(notice), says('k1', 'accept')))).toMatchObject([
      { type: 'tool-calls.requested' },
    ])
  })

  it('is opened once for a server and session: other calls are repeated without asking, once', () => {
    const both = onward(claimed('k1', 'k2').and(by('r1', t(question('k1', nothingRan), question('k2', nothingRan)))))
    const first = both.and(says('k1', 'accept', { completed: true }))
    expect(types(nextOf(first))).toEqual(['elicitation.remembered', 'tool-calls.requested'])
    const again = onward(first).and(by('r1', t(question('k2', { ...nothingRan, elicitation: 'e-2' }))))
    expect(types(nextOf(again))).toEqual(['timer.armed'])
  })
})

describe('an answer at the door', () => {
  const { session, head } = asked(form)
  const fold = { ...asked(form), session, head }
  const answer = (action: 'accept' | 'decline', content?: Record<string, number>) =>
    answerElicitation(fold, { elicitation: 'e-k1', action, content }, user)

  it('is checked against the form, and the field is named', () => {
    expect(answer('accept', { age: 3 })).toMatchObject({ code: 'invalid', why: 'content.age: it must be 18 or more.' })
    expect(answer('accept', { size: 3 })).toMatchObject({
      code: 'invalid',
      why: expect.stringContaining('It has: age'),
    })
    expect(answer('decline', { age: 20 })).toMatchObject({ code: 'invalid' })
    expect(answer('accept', { age: 20 })).toMatchObject({ kind: 'append' })
  })

  it('is bounded: a long text is refused, and a long default is left to the server', () => {
    const schema = { properties: { note: { type: 'string' }, long: { type: 'string', default: 'x'.repeat(3_000) } } }
    const given = { ...fold, session: asked({ ...form, schema }).session }
    const said = (content: Record<string, string>) =>
      answerElicitation(given, { elicitation: 'e-k1', action: 'accept', content }, user)
    expect(said({ note: 'x'.repeat(20_000) })).toMatchObject({ code: 'invalid', why: expect.stringMatching(/16000/) })
    expect(said({ note: 'short' })).toMatchObject({ decision: { events: [{ data: { content: { note: 'short' } } }] } })
  })

  it('has the defaults of what was left out, where they fit, and only if it is accepted', () => {
    const properties = {
      ...{ age: { type: 'integer', default: 30 }, name: { type: 'string', default: 7 }, on: { type: 'boolean' } },
      ...{ plan: { type: 'string', enum: ['free', 'paid'], default: 'free' } },
    }
    const schema = { properties, required: ['plan'] }
    const given = { ...fold, session: asked({ ...form, schema }).session }
    const said = (action: 'accept' | 'decline', content?: Record<string, number>) =>
      answerElicitation(given, { elicitation: 'e-k1', action, content }, user)
    expect(said('accept')).toMatchObject({ decision: { events: [{ data: { content: { age: 30, plan: 'free' } } }] } })
    expect(said('accept', { age: 4 })).toMatchObject({
      decision: { events: [{ data: { content: { age: 4, plan: 'free' } } }] },
    })
    expect(JSON.stringify(said('decline'))).not.toContain('content')
  })

  it('that comes second is told who was first', () => {
    const decided = onward(asked(form).and(says('k1', 'decline', {}, 'user:bea')))
    const late = (who: string, action: 'accept' | 'decline') =>
      answerElicitation({ ...fold, session: decided.session, head: decided.head }, { elicitation: 'e-k1', action }, who)
    expect(late(user, 'accept')).toMatchObject({ code: 'answered', by: 'user:bea' })
    expect(late('user:bea', 'decline')).toMatchObject({ kind: 'unchanged' })
  })
})

describe('a runner', () => {
  const holder = (runs: boolean) => ({
    instance: 'r1',
    runs: () => runs,
    started: () => false,
    asksNobody: () => false,
  })
  const resume = (more: object = {}) => ({
    ...{ attempt: 1, by: 'r1', answers: [{ elicitation: 'e', key: 'k', action: 'accept' as const }], ...more },
  })
  const call = { call: 'k1', name: 'pay', arguments: {}, replay: 'never' as const }

  it('goes on with a call that lives here, and looks after one that is lost', () => {
    const [goesOn] = viewOf([{ ...call, resume: resume() }])
    if (!goesOn) throw new Error('no call')
    expect(runnerVerdict(goesOn, holder(true), true)).toEqual({ do: 'nothing' })
    expect(runnerVerdict(goesOn, holder(false), true)).toEqual({ do: 'ask', owner: 'r1', attempt: 1 })
    expect(afterLoss(goesOn, 1)).toMatchObject({ outcome: { type: 'tool-call.outcome-unknown' } })
    const [free] = viewOf([{ ...call, resume: resume({ nothingRan: true }) }])
    expect(free && afterLoss(free, 1)).toEqual({ claim: 2 })
    expect(free && afterLoss(free, 2)).toMatchObject({ outcome: { type: 'tool-call.outcome-unknown' } })
  })

  it('has nothing to do with a call that waits, until its outcome is in', () => {
    const waits = [claim('k1'), question('k1')].reduce(
      (view, event) => evolveView(view, { events: [event], by: 'r1' }),
      viewOf([call]),
    )
    expect(waits[0]?.state).toEqual({ kind: 'parked', attempt: 1, by: 'r1' })
    expect(evolveView(waits, { events: [result('k1')], by: 'r1' })[0]?.state.kind).toBe('done')
  })
})
