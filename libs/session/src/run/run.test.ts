import { type EventOf, noUsage, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  by,
  calling,
  cancel,
  e,
  g,
  given,
  m,
  message,
  paused,
  started,
  text,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { answerElicitation, waitingElicitations } from '../elicitation/answers.ts'
import { cover, statusOf } from '../deciding/status.ts'

const declared: SessionEvent = { type: 'run.declared', data: { file: './chat.ts', digest: 'd' } }
const began = (replay = 'r2', attempt = 1): SessionEvent => ({ type: 'run.replay-started', data: { replay, attempt } })
const over = (
  how: EventOf<'run.replay-ended'>['data']['how'] = 'suspended',
  replay = 'r2',
  attempt = 1,
): SessionEvent => ({ type: 'run.replay-ended', data: { replay, attempt, how } })
const says = (position: number, content: string): SessionEvent => ({
  type: 'run.paused',
  data: { position, name: 'pause', output: { type: 'chat_response', content, turn: position } },
})
const resumed = (position: number, name: string): SessionEvent => ({
  type: 'run.resumed',
  data: { position, message: name },
})
const step = (position: number, replay: 'safe' | 'never' = 'never', attempt = 1): SessionEvent => ({
  type: 'run.step-started',
  data: { position, name: 'charge', attempt, replay },
})
const stepEnded = (position: number, value: unknown, attempt = 1): SessionEvent => ({
  type: 'run.step-ended',
  data: { position, attempt, status: 'ok', value },
})
const called = (position: number): SessionEvent => ({
  type: 'run.called',
  data: { position, name: 'agent', message: `run-${position}`, content: [{ type: 'text', text: 'Hi' }] },
})
const slept = (position: number): readonly SessionEvent[] => [
  { type: 'run.slept', data: { position, name: 'sleep', timer: `sleep-${position}`, until: 9_000 } },
  { type: 'timer.armed', data: { timer: `sleep-${position}`, at: 9_000 } },
]

const question = (position: number): readonly SessionEvent[] => {
  const asked = { elicitation_id: 'q', url: 'https://a.example', message: 'Sure?', server_name: 'shop' }
  const output = { type: 'elicitation' as const, mode: 'url' as const, ...asked }
  return [{ type: 'run.paused', data: { position, name: 'terms', output, expiresAt: 9_000 } }]
}

const logged = (line: string, ofStep?: number): SessionEvent => ({
  type: 'run.logged',
  data: { level: 'info', message: line, ...(ofStep === undefined ? {} : { step: ofStep }) },
})

const begun = given(g(started(), declared), e(began()))
const dueOf = ({ session, head }: typeof begun) => due(session, head.n + 1)

describe('lines that the code writes', () => {
  it('are counted, those that each replay writes again by themselves; they are no news to the code', () => {
    const { session } = given(
      ...[g(started(), declared), e(began())],
      ...[
        e(logged('one'), step(0)),
        e(logged('in the step', 0), stepEnded(0, 1)),
        e(logged('two'), ...slept(1), over()),
      ],
    )
    expect(session.run).toMatchObject({ lines: { all: 3, replayed: 2 }, replay: null, done: 1, seen: 1 })
    expect(due(session, 9)).toBeNull()
  })

  it('count for nothing where no replay is under way, and behind the end', () => {
    const before = given(g(started(), declared), e(logged('early')))
    const after = given(g(started(), declared), e(began()), e({ type: 'run.ended', data: { status: 'completed' } }))
    expect(before.session.run?.lines).toBeUndefined()
    expect(
      given(
        g(started(), declared),
        e(began()),
        e({ type: 'run.ended', data: { status: 'completed' } }),
        e(logged('late')),
      ).session.run,
    ).toEqual(after.session.run)
  })
})

describe('the code of a session', () => {
  it('is run when the session begins, without a message', () => {
    const fresh = given(g(started(), declared))
    expect(dueOf(fresh)).toMatchObject({ effect: { kind: 'replay-run', call: 'r2', attempt: 1 } })
    expect(statusOf(fresh.session)).toBe('running')
  })

  it('begins nothing else while it runs, whatever people say', () => {
    const busy = begun.and(g(message('m1')))
    expect(dueOf(busy)).toBeNull()
    expect(busy.verdict('e1', ['r2/1'])).toEqual({ do: 'hold' })
    expect(cover(busy.session)).toEqual([{ kind: 'exec-trigger', why: 'its code is run' }])
  })

  it('waits idle for a message, is given one for each pause, and is run again', () => {
    const waits = begun.and(e(says(0, 'Hello.'), over()))
    expect([statusOf(waits.session), dueOf(waits), cover(waits.session)]).toEqual(['idle', null, [{ kind: 'rest' }]])
    const told = waits.and(g(message('m1'), message('m2')))
    expect(dueOf(told)?.events).toEqual([resumed(0, 'm1')])
    const given1 = told.and(e(resumed(0, 'm1')))
    expect(given1.session.run?.operations.at(0)).toMatchObject({
      state: 'done',
      result: { kind: 'value', value: { message: 'm1' } },
    })
    expect(given1.session.inbox.map((one) => one.message)).toEqual(['m2'])
    expect(dueOf(given1)?.effect?.kind).toBe('replay-run')
  })

  it('asks a person until its timer fires; then it is told so, and an answer is of nobody any more', () => {
    const asks = begun.and(e(...question(0), { type: 'timer.armed', data: { timer: 'ask-0', at: 9_000 } }, over()))
    expect(statusOf(asks.session)).toBe('waiting')
    expect(cover(asks.session)).toEqual([
      { kind: 'person', why: 'its code waits at terms' },
      { kind: 'timer', timer: 'ask-0' },
    ])
    expect(waitingElicitations(asks.session)[0]?.state.expiresAt).toBe(9_000)
    const late = asks.and(m({ type: 'timer.fired', data: { timer: 'ask-0' } }))
    expect(late.session.run?.operations.at(0)).toMatchObject({
      result: { value: { elicitation_response: { elicitation_id: 'q', action: 'cancel', expired: true } } },
    })
    expect(dueOf(late)?.effect?.kind).toBe('replay-run')
    expect(waitingElicitations(late.session)).toEqual([])
    expect(answerElicitation(late, { elicitation: 'q', action: 'accept' }, 'user:ada')).toMatchObject({
      code: 'not-waiting',
    })
  })

  it('that was answered in time is not told of the timer', () => {
    const asks = begun.and(e(...question(0), { type: 'timer.armed', data: { timer: 'ask-0', at: 9_000 } }, over()))
    const data = { call: 'run-0', elicitation: 'q', action: 'accept' as const, person: 'gateway' }
    const told = asks.and(g({ type: 'elicitation.answered', data }))
    expect(told.and(m({ type: 'timer.fired', data: { timer: 'ask-0' } })).session.run).toEqual(told.session.run)
  })

  it('calls the agent: a turn of its message, whose end is the value', () => {
    const asks = begun.and(e(called(0), over()))
    expect(dueOf(asks)?.events).toEqual([{ type: 'turn.started', data: { turn: 't4', messages: ['run-0'] } }])
    const answers = asks.and(
      e({ type: 'turn.started', data: { turn: 't4', messages: ['run-0'] } }, calling('c4', 't4')),
      e(answered('c4', text('Good.'))),
      g(message('m1', 'join')),
    )
    expect(types(dueOf(answers)?.events ?? [])).toEqual(['turn.completed'])
    const ended = answers.and(e(turnCompleted('t4', 'c4')))
    expect(ended.session.run?.operations.at(0)).toMatchObject({
      result: { value: { status: 'completed', content: 'Good.', turn: 1 } },
    })
    expect(dueOf(ended)?.effect?.kind).toBe('replay-run')
  })

  it('is told of a turn that was cancelled or failed as of any other', () => {
    const asks = begun.and(e(called(0), over()), e({ type: 'turn.started', data: { turn: 't4', messages: ['run-0'] } }))
    const failed = asks.and(
      e({ type: 'turn.failed', data: { turn: 't4', usage: noUsage, error: { code: 'auth', message: 'No key.' } } }),
    )
    expect(failed.session.run?.operations.at(0)).toMatchObject({
      result: { value: { status: 'failed', error: { code: 'auth' } } },
    })
  })

  it('sleeps until its timer fires', () => {
    const asleep = begun.and(e(...slept(0), over()))
    expect([statusOf(asleep.session), dueOf(asleep), cover(asleep.session)]).toEqual([
      'waiting',
      null,
      [{ kind: 'timer', timer: 'sleep-0' }],
    ])
    expect(dueOf(asleep.and(m({ type: 'timer.fired', data: { timer: 'sleep-0' } })))?.effect?.kind).toBe('replay-run')
  })

  it('records what it asks for at the next position alone, and once', () => {
    expect(begun.and(e(step(1))).session).toBe(begun.session)
    const recorded = begun.and(e(step(0)))
    expect(recorded.and(e(says(0, 'x'))).session).toBe(recorded.session)
    const ended = recorded.and(e(stepEnded(0, 7)))
    expect(ended.and(e(stepEnded(0, 8))).session).toBe(ended.session)
  })

  it('is not run again for what its own replay brought about', () => {
    const waits = begun.and(e(step(0)), e(stepEnded(0, 7)), e(says(1, 'x'), over()))
    expect(dueOf(waits)).toBeNull()
  })

  it('that has ended ends the session; what waits in line is dropped', () => {
    const ended = begun.and(g(message('m1')), e({ type: 'run.ended', data: { status: 'completed', output: 5 } }))
    expect(ended.session.settled).toMatchObject({ status: 'completed', output: '5', result: 5 })
    expect(dueOf(ended)?.events).toEqual([
      { type: 'message.dropped', data: { message: 'm1', reason: 'ended' } },
      { type: 'session.ended', data: { reason: 'completed' } },
    ])
  })
})

describe('a replay that is lost with its process', () => {
  const inStep = (replay: 'safe' | 'never') => begun.and(e(step(0, replay)), e(over('lost')))

  it('ends a step that must not run twice as unknown, before the code is run again', () => {
    const lost = inStep('never')
    expect(dueOf(lost)?.events).toMatchObject([
      {
        type: 'run.step-ended',
        data: { position: 0, attempt: 1, status: 'unknown', error: { code: 'outcome-unknown' } },
      },
    ])
  })

  it('lets a safe step run as the next attempt, and an outcome of the lost one changes nothing', () => {
    const lost = inStep('safe')
    expect(dueOf(lost)?.effect).toEqual({ kind: 'replay-run', call: 'r5', attempt: 2 })
    const again = lost.and(e(began('r5', 2)), e(step(0, 'safe', 2)))
    expect(again.session.run?.operations.at(0)).toMatchObject({ waits: { attempt: 2 } })
    expect(again.and(e(stepEnded(0, 'late', 1))).session).toBe(again.session)
    expect(again.and(e(stepEnded(0, 'now', 2))).session.run?.operations.at(0)).toMatchObject({ state: 'done' })
  })

  it('is taken over in one frame', () => {
    expect(begun.verdict('e2')).toEqual({ do: 'ask', owner: 'e1', call: 'r2', attempt: 1 })
  })

  it('fails the run where it happens four times in a row', () => {
    let lost = begun
    for (const [at, attempt] of [1, 2, 3, 4].entries()) {
      const replay = at === 0 ? 'r2' : `x${at}`
      lost =
        at === 0
          ? lost.and(e(over('lost')))
          : lost.and(by('e1', e(began(replay, attempt))), e(over('lost', replay, attempt)))
    }
    expect(dueOf(lost)?.events).toMatchObject([
      { type: 'run.ended', data: { status: 'failed', error: { code: 'crashed' } } },
    ])
  })
})

describe('a cancel', () => {
  it('closes the replay and its step, and the code is run again to learn of it', () => {
    const cancelled = begun.and(e(step(0)), g(cancel()))
    const answer = dueOf(cancelled)
    expect(answer?.events).toMatchObject([
      { type: 'run.step-ended', data: { position: 0, status: 'cancelled' } },
      { type: 'run.replay-ended', data: { how: 'cancelled' } },
    ])
    const after = cancelled.and(e(...(answer?.events ?? [])))
    expect(after.session.cancel).toBeNull()
    expect(dueOf(after)?.effect?.kind).toBe('replay-run')
  })

  it('wakes a sleeping run', () => {
    const cancelled = begun.and(e(...slept(0), over()), g(cancel()))
    expect(dueOf(cancelled)?.events).toEqual([{ type: 'run.withdrawn', data: { position: 0 } }])
  })

  it('of a run that waits for a message changes nothing', () => {
    const waits = begun.and(e(says(0, 'x'), over()))
    expect(waits.and(g(cancel())).session.cancel).toBeNull()
  })

  it('to the end closes everything', () => {
    const ends = begun.and(e(step(0)), g(cancel(true)))
    expect(types(dueOf(ends)?.events ?? [])).toEqual(['run.step-ended', 'run.replay-ended', 'session.ended'])
  })
})

describe('a pause of the session', () => {
  it('lets a replay that is held be run again after the resume', () => {
    const held = begun.and(g(paused), e(over('held')))
    expect(dueOf(held)).toBeNull()
    expect(dueOf(held.and(g({ type: 'session.resumed', data: {} })))?.effect?.kind).toBe('replay-run')
  })
})

describe('a question to a person', () => {
  const question: SessionEvent = {
    type: 'run.paused',
    data: {
      ...{ position: 0, name: 'pause' },
      output: {
        ...{ type: 'elicitation', mode: 'url', elicitation_id: 'el-1', url: 'https://x.example' },
        ...{ message: 'Please sign in.', server_name: 'shop' },
      },
    },
  }
  const asks = begun.and(e(question, over()))
  const answer = (person: string): SessionEvent => ({
    type: 'elicitation.answered',
    data: { call: 'run-0', elicitation: 'el-1', action: 'accept', person },
  })

  it('waits for people, and messages wait behind it', () => {
    const waits = asks.and(g(message('m1')))
    expect([statusOf(waits.session), dueOf(waits)]).toEqual(['waiting', null])
    expect(cover(waits.session)).toEqual([{ kind: 'person', why: 'its code waits at pause' }])
  })

  it('is answered once, by who says so', () => {
    expect(asks.and(g(answer('someone else'))).session).toBe(asks.session)
    const told = asks.and(g(answer('gateway')))
    expect(told.session.run?.operations.at(0)).toMatchObject({
      result: { value: { elicitation_response: { elicitation_id: 'el-1', action: 'accept' } } },
    })
    expect(told.and(g(answer('gateway'))).session).toBe(told.session)
  })

  it('that is cancelled is answered so', () => {
    const cancelled = asks.and(g(cancel()))
    const after = cancelled.and(e(...(dueOf(cancelled)?.events ?? [])))
    expect(after.session.run?.operations.at(0)).toMatchObject({
      result: { value: { elicitation_response: { action: 'cancel' } } },
    })
  })
})
