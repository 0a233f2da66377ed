import { childId, type EventData, type SessionEvent, toExec } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { cancel, e, g, given, id, m, started, types } from '../../test/given.ts'
import { promptChild } from '../delegation/errand-frames.ts'
import { standingErrands } from '../delegation/errands.ts'
import { due } from '../deciding/due.ts'
import { cover } from '../deciding/status.ts'
import { stopOf } from '../delegation/stop.ts'

const child = childId(id, 'default/default')
const workflow: readonly SessionEvent[] = [
  { type: 'agents.declared', data: { agents: [], levels: 2, fanOut: 4, perTurn: 8, sessions: 9 } },
  { type: 'run.declared', data: { file: 'w.ts', digest: 'd' } },
  { type: 'run.invoked', data: { workflow: 'report', project: 'p', payload: 1 } },
]
const replay = { replay: 'r2', attempt: 1 }
const began: SessionEvent = { type: 'run.replay-started', data: replay }
const over: SessionEvent = { type: 'run.replay-ended', data: { ...replay, how: 'suspended' } }
const init: SessionEvent = {
  type: 'run.initialized',
  data: { position: 0, name: 'default', agent: 'helper', digest: 'h1', pool: 'helpers' },
}
const prompt = (position: number): SessionEvent => ({
  type: 'run.prompted',
  data: {
    ...{ position, name: 'default/default', harness: 'default', child, pool: 'helpers', levels: 1, sessions: 0 },
    content: [{ type: 'text', text: 'look' }],
  },
})
const settled = (call: string, more: Partial<EventData<'delegation.settled'>> = {}): SessionEvent => ({
  type: 'delegation.settled',
  data: { call, child, status: 'completed', output: 'seen', ...more },
})
const waits = (position: number): SessionEvent => ({
  type: 'run.waited',
  data: { position, name: 'paid', event: 'paid' },
})
const delivered = (value: number): SessionEvent => ({
  type: 'run.delivered',
  data: { delivery: `d${value}`, event: 'paid', value },
})
const run = given(g(started(), ...workflow), e(began))
const prompting = run.and(e(init, prompt(1), over))
const resultAt = ({ session }: typeof run, position: number) => {
  const one = session.run?.operations.at(position)
  return one?.state === 'done' ? one.result : one?.state
}

describe('a prompt of a run', () => {
  it('is seen to by whoever rests the run, and is covered by the session below', () => {
    expect(standingErrands(prompting.session)).toMatchObject([{ kind: 'prompt-child', child, position: 1 }])
    expect(cover(prompting.session)).toEqual([{ kind: 'child', call: 'run-1', child }])
  })

  it('is said once, also by one who looks at a run of before', () => {
    const [errand] = standingErrands(prompting.session)
    if (errand?.kind !== 'prompt-child') throw new Error('no prompt')
    const below = given(e(started(), { type: 'delegation.prompted', data: { call: 'run-0', position: 0 } }))
    const said = promptChild({ session: below.session, head: below.head }, errand, prompting.session, null)
    expect(types(said?.events ?? [])).toEqual(['delegation.prompted', 'message.received'])
    const later = below.and(e({ type: 'delegation.prompted', data: { call: 'run-7', position: 7 } }))
    expect(promptChild({ session: later.session, head: later.head }, errand, prompting.session, null)).toBeNull()
  })

  it('ends with the answer of the session below, and then the code has news', () => {
    const answered = prompting.and(e(settled('run-1', { model: 'm/m' })))
    expect(resultAt(answered, 1)).toEqual({ kind: 'value', value: { text: 'seen', model: 'm/m' } })
    expect(due(answered.session, 9)?.effect?.kind).toBe('replay-run')
    expect(answered.and(e(settled('run-1'))).session).toBe(answered.session)
  })

  it('is one at a time for each session below', () => {
    const twice = run.and(e(init, prompt(1), prompt(2)))
    expect(twice.session.run?.operations).toHaveLength(2)
  })

  it('that is cancelled asks the session below first, and throws in the code', () => {
    const cancelled = prompting.and(g(cancel()))
    const first = due(cancelled.session, 9)
    expect([types(first?.events ?? []), first?.to]).toEqual([
      ['delegation.cancel-requested', 'timer.armed'],
      toExec('helpers'),
    ])
    const sent = cancelled.and(e(...(first?.events ?? [])))
    const closed = sent.and(e(...(due(sent.session, 10)?.events ?? [])))
    expect(resultAt(closed, 1)).toMatchObject({ kind: 'error', error: { code: 'cancelled' } })
    expect(closed.session.cancel).toBeNull()
  })

  it('that is cancelled is a part of a pause until its session has said that it stopped', () => {
    const cancelled = prompting.and(g(cancel()), g({ type: 'session.paused', data: { tree: true } }))
    const closed = [10, 11].reduce((now, n) => now.and(e(...(due(now.session, n)?.events ?? []))), cancelled)
    expect(closed.session.cancel).toBeNull()
    expect(stopOf(closed.session)).toMatchObject({ what: 'pause', complete: false, pending: [{ session: child }] })
    expect(types(due(closed.session, 12)?.events ?? [])).toEqual(['delegation.pause-requested'])
    const stopped = { sessions: 1, ran: [] }
    const told = closed.and(e(settled('run-1', { status: 'cancelled', output: 'It was cancelled.', stopped })))
    expect(stopOf(told.session)).toMatchObject({ what: 'pause', complete: true })
    expect(due(told.session, 13)).toBeNull()
  })

  it('after one that was cancelled stands for itself: what its session said of the cancel is forgotten', () => {
    const stopped = { sessions: 1, ran: [] }
    const before = prompting.and(e(settled('run-1', { status: 'cancelled', output: '', stopped })))
    expect(before.session.team?.children[child]?.stopped).toEqual(stopped)
    const again = before.and(e({ ...began, data: { replay: 'r9', attempt: 1 } }, prompt(2)))
    expect(again.session.team?.children[child]).toEqual({
      agent: 'helper',
      call: 'run-2',
      pool: 'helpers',
      status: 'open',
      taken: 1,
    })
  })

  it('that nobody waits for any more stops with the run', () => {
    const left = run.and(e(init, prompt(1), { type: 'run.ended', data: { status: 'completed' } }))
    expect(types(due(left.session, 9)?.events ?? [])).toEqual(['delegation.cancel-requested'])
  })
})

describe('a run that is cancelled before its code was run', () => {
  it('is ended as cancelled, and its code is not run', () => {
    const early = given(g(started(), ...workflow), g(cancel()))
    const answer = due(early.session, 9)?.events ?? []
    expect(answer).toEqual([
      { type: 'run.ended', data: { status: 'failed', error: { code: 'cancelled', message: 'It was cancelled.' } } },
    ])
    const after = early.and(e(...answer))
    expect([after.session.cancel, types(due(after.session, 10)?.events ?? [])]).toEqual([null, ['session.ended']])
  })
})

describe('a run that is cancelled between the end of an operation and the next replay', () => {
  const at = 1_000_000
  const between = run.and(e(waits(0), over), g(delivered(1)), g(cancel()))
  const next = between.and(e({ ...began, data: { replay: 'r6', attempt: 1 } }))
  const step: SessionEvent = {
    type: 'run.step-started',
    data: { position: 1, name: 's', attempt: 1, replay: 'never' },
  }

  it('goes on, and what its code asks for next is cancelled', () => {
    expect(due(between.session, 9)?.effect?.kind).toBe('replay-run')
    const asked = next.and(e(step))
    expect(types(due(asked.session, 10, at)?.events ?? [])).toEqual([
      'run.step-ended',
      'run.replay-ended',
      'timer.armed',
    ])
    const told = asked.and(e(...(due(asked.session, 10, at)?.events ?? [])))
    expect([resultAt(told, 1), told.session.cancel, told.session.run?.cancelNext]).toMatchObject([
      { kind: 'error', error: { code: 'cancelled' } },
      null,
      undefined,
    ])
    expect(due(told.session, 11)?.effect?.kind).toBe('replay-run')
  })

  it('is not answered by an event that was there before it was waited for', () => {
    const early = between.and(g(delivered(2)), e({ ...began, data: { replay: 'r7', attempt: 1 } }), e(waits(1)))
    expect([early.session.cancel, early.session.run?.cancelNext]).toEqual([null, true])
    expect(early.and(e(step)).session.cancel).toBeNull()
    expect(early.and(e({ ...step, data: { ...step.data, position: 2 } })).session.cancel).not.toBeNull()
  })

  it('may end before its code asks for anything more', () => {
    const done = next.and(e({ type: 'run.ended', data: { status: 'completed' } }))
    expect(types(due(done.session, 10)?.events ?? [])).toEqual(['session.ended'])
  })

  it('is cancelled in the midst of a replay as well', () => {
    const early = next.session.run?.replay
    expect(early).not.toBeNull()
    const running = run.and(e(waits(0), over), g(delivered(1)), e({ ...began, data: { replay: 'r5', attempt: 1 } }))
    const stopped = running.and(g(cancel()))
    const closed = stopped.and(e(...(due(stopped.session, 10, at)?.events ?? [])))
    expect([closed.session.run?.replay, closed.session.run?.cancelNext]).toEqual([null, true])
  })
})

describe('a run whose operation ends by itself before its cancel is answered', () => {
  it.each([
    ['an event', g(delivered(1))],
    ['the end of the session below', e(settled('run-1'))],
  ] as const)('%s: nothing of the cancel is left, and what its code asks for next is cancelled', (what, ending) => {
    const open = what === 'an event' ? run.and(e(init, waits(1), over)) : prompting
    const raced = open.and(g(cancel()), ending)
    expect([raced.session.cancel, raced.session.run?.cancelNext]).toEqual([null, true])
    expect(due(raced.session, 9)?.effect?.kind).toBe('replay-run')
  })

  it('is not told twice', () => {
    const both = run.and(e(init, prompt(1), waits(2), over), g(cancel()), g(delivered(1)))
    const first = both.and(e(...(due(both.session, 9)?.events ?? [])))
    const closed = first.and(e(...(due(first.session, 10)?.events ?? [])))
    expect([closed.session.cancel, closed.session.run?.cancelNext]).toEqual([null, undefined])
  })
})

describe('the clean-up of a run that was cancelled', () => {
  const at = 1_000_000
  const fired: SessionEvent = { type: 'timer.fired', data: { timer: 'clean-up' } }
  const waiting = run.and(e(waits(0), over))
  const cancelled = waiting.and(g(cancel()))
  const answer = due(cancelled.session, 9, at)?.events ?? []
  const cleaning = cancelled.and(e(...answer), e({ ...began, data: { replay: 'r5', attempt: 1 } }))

  it('has a deadline from the cancel on, and a second cancel gives no more time', () => {
    expect(answer).toEqual([
      { type: 'run.withdrawn', data: { position: 0 } },
      { type: 'timer.armed', data: { timer: 'clean-up', at: at + 300_000 } },
    ])
    expect(cleaning.session.cancel).toBeNull()
    const again = cleaning.and(g(cancel()))
    expect(types(due(again.session, 10, at + 7)?.events ?? [])).toEqual(['run.replay-ended'])
  })

  it('is ended at its deadline with all that it does, and says why', () => {
    const late = cleaning.and(m(fired))
    expect(due(late.session, 10, at)?.events).toEqual([
      { type: 'run.replay-ended', data: { replay: 'r5', attempt: 1, how: 'cancelled' } },
      { type: 'session.ended', data: { reason: 'its clean-up took longer than 300 s' } },
    ])
  })

  it('that is done in time is not touched by the timer', () => {
    const done = cleaning.and(e({ type: 'run.ended', data: { status: 'completed' } }))
    expect(done.and(m(fired)).session.cancel).toBeNull()
  })

  it('has no deadline in a chat that code leads', () => {
    const chat = given(g(started(), { type: 'run.declared', data: { file: 'c.ts', digest: 'd' } }), e(began))
    const asleep = chat.and(
      ...[
        e({ type: 'run.slept', data: { position: 0, name: 'sleep', timer: 'sleep-0', until: 9 } }, over),
        g(cancel()),
      ],
    )
    expect(types(due(asleep.session, 9, at)?.events ?? [])).toEqual(['run.withdrawn'])
  })
})

describe('what comes from outside', () => {
  it('is taken once, in its order, also where it came before anybody waited', () => {
    const early = run.and(g(delivered(1), delivered(2)))
    const taken = early.and(e(waits(0), waits(1), over))
    expect([resultAt(taken, 0), resultAt(taken, 1)]).toEqual([
      { kind: 'value', value: 1 },
      { kind: 'value', value: 2 },
    ])
    expect(taken.session.run?.mail).toEqual([])
  })
})

describe('what ends beside a replay', () => {
  it('stands in line behind what the code was told of in it', () => {
    const step = (type: 'run.step-started' | 'run.step-ended', position: number): SessionEvent =>
      type === 'run.step-started'
        ? { type, data: { position, name: 's', attempt: 1, replay: 'never' } }
        : { type, data: { position, attempt: 1, status: 'ok', value: 5 } }
    const beside = run.and(
      e(waits(0), step('run.step-started', 1)),
      g(delivered(1)),
      e(step('run.step-ended', 1)),
      e(over),
    )
    const orders = beside.session.run?.operations.toArray().map((one) => (one.state === 'done' ? one.order : null))
    expect(orders).toEqual([1, 0])
    expect(due(beside.session, 9)?.effect?.kind).toBe('replay-run')
  })
})
