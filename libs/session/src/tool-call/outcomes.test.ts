import { type EventOf, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { claimed, result } from '../../test/given.ts'
import { nextStep } from './next-step.ts'
import { addressOf, type EndedCall, outcomeEvents } from './outcomes.ts'
import { evolveView, followsSeen, mayRun, type RunnerView, viewOf } from './runner.ts'

const view = (...calls: readonly (readonly [string, 'safe' | 'never'])[]): RunnerView =>
  viewOf(calls.map(([call, replay]) => ({ call, name: 'x', arguments: {}, replay })))
const after = (start: RunnerView, by: string, ...events: readonly SessionEvent[]) => evolveView(start, { events, by })
const r1 = (begun: readonly string[] = []) => ({
  instance: 'r1',
  runs: () => false,
  started: (call: string, attempt: number) => begun.includes(`${call}/${attempt}`),
  asksNobody: () => false,
})
const completed = (call: string, attempt = 1) => result(call, 'done', attempt) as EventOf<'tool-call.completed'>
const ended = (state: EndedCall['state'], change: Partial<EndedCall> = {}): EndedCall => ({
  event: completed('k1'),
  state,
  stopped: false,
  ...change,
})
const late: SessionEvent = { type: 'tool-call.late-result', data: completed('k1').data }

describe('what bodies of tools have come to', () => {
  it('counts where the call is asked for, or claimed at this attempt', () => {
    expect(outcomeEvents([ended({ kind: 'asked' })], 'r1')).toEqual([completed('k1')])
    expect(outcomeEvents([ended({ kind: 'claimed', attempt: 1, by: 'r1' })], 'r1')).toEqual([completed('k1')])
  })

  it('is evidence where the call is closed, or another attempt by now, and comes after what counts', () => {
    const second = ended({ kind: 'asked' }, { event: completed('k2') })
    for (const state of [undefined, { kind: 'done' }, { kind: 'claimed', attempt: 2, by: 'r2' }] as const)
      expect(outcomeEvents([ended(state), second], 'r1')).toEqual([completed('k2'), late])
  })

  it('is evidence where it was stopped because another has the call at the same attempt', () => {
    const theirs = { kind: 'claimed', attempt: 1, by: 'r2' } as const
    expect(outcomeEvents([ended(theirs, { stopped: true })], 'r1')).toEqual([late])
  })
})

describe('whom they wake', () => {
  const two = view(['k1', 'safe'], ['k2', 'safe'])
  const request = (of: RunnerView, change = {}) => ({ turn: 't2', view: of, known: true, ...change })

  it('the executors, where they close the last call that this runner was asked for', () => {
    expect(addressOf([request(two)], [completed('k1')], 'p')).toEqual(toLog)
    expect(addressOf([request(two)], [completed('k1'), completed('k2')], 'p')).toEqual(toExec('p'))
    expect(addressOf([request(two)], [claimed('k1')], 'p')).toEqual(toLog)
    expect(addressOf([request(two)], [late], 'p')).toEqual(toLog)
  })

  it('looks at calls of the same turn alone, and at what is known', () => {
    const other = view(['k9', 'safe'])
    const one = request(view(['k1', 'safe']))
    expect(addressOf([one, request(other)], [completed('k1')], 'p')).toEqual(toLog)
    expect(addressOf([one, request(other, { turn: 't1' })], [completed('k1')], 'p')).toEqual(toExec('p'))
    expect(addressOf([one, request(other, { known: false })], [completed('k1')], 'p')).toEqual(toExec('p'))
  })
})

describe('a claim that is in', () => {
  const [call] = view(['k1', 'never'])
  const mine = after(view(['k1', 'never']), 'r1', claimed('k1'))[0]?.state

  it('may be run where it is in force and this runner’s own', () => {
    expect(mayRun(call!, mine, 1, r1())).toBe(true)
    expect(mayRun(call!, { kind: 'claimed', attempt: 1, by: 'r2' }, 1, r1())).toBe(false)
    expect(mayRun(call!, { kind: 'done' }, 1, r1())).toBe(false)
  })

  it('of what must not run twice may not, where this process has begun it', () => {
    expect(mayRun(call!, mine, 1, r1(['k1/1']))).toBe(false)
  })
})

describe('a fresh trigger', () => {
  it('needs no read where nothing was appended that another request here would not know of', () => {
    expect(followsSeen({ seq: 9, prev: 5 }, 5, true)).toBe(true)
    expect(followsSeen({ seq: 9, prev: 7 }, 5, true)).toBe(false)
    expect(followsSeen({ seq: 9, prev: 7 }, 5, false)).toBe(true)
    expect(followsSeen({ seq: 9, prev: 7 }, 12, false)).toBe(false)
  })
})

describe('the next step of a runner', () => {
  const theirs = after(view(['k1', 'safe'], ['k2', 'never']), 'r2', claimed('k1'), claimed('k2'))

  it('is to ask the owners of claims, one by one', () => {
    expect(nextStep(theirs, r1(), false, new Map())).toEqual({ do: 'ask', owner: 'r2', call: 'k1', attempt: 1 })
    expect(nextStep(theirs, r1(), false, new Map([['r2/k1/1', 'running']]))).toMatchObject({ do: 'ask', call: 'k2' })
  })

  it('is to end what must not run again, before it claims what may', () => {
    const gone = new Map([
      ['r2/k1/1', 'gone'],
      ['r2/k2/1', 'gone'],
    ] as const)
    expect(nextStep(theirs, r1(), false, gone)).toMatchObject({
      do: 'end',
      outcomes: [{ type: 'tool-call.outcome-unknown', data: { call: 'k2' } }],
    })
  })

  it('is to wait while another runner is at a call', () => {
    const one = after(view(['k1', 'safe']), 'r2', claimed('k1'))
    const answers = new Map([['r2/k1/1', 'running']] as const)
    expect(nextStep(one, r1(), false, answers)).toEqual({ do: 'work', runs: [], claims: [], waits: true })
  })

  it('is to run what is safe and fresh, and to claim everything else', () => {
    const step = nextStep(view(['k1', 'safe'], ['k2', 'never']), r1(), true, new Map())
    expect(step).toMatchObject({ do: 'work', runs: [{ attempt: 1 }], claims: [{ attempt: 1 }], waits: false })
  })
})
