import type { PinnedTool, SessionEvent, ToolRisk } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  claimed,
  e,
  g,
  given,
  message,
  requested,
  result,
  started,
  t,
  turn,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { heldBack } from './call-order.ts'
import { nextStep } from './next-step.ts'
import { evolveView, type RunnerView, viewOf } from './runner.ts'

const tool = (name: string, risk: ToolRisk, replay: 'safe' | 'never'): PinnedTool => ({
  ...{ name, risk, replay, source: 'builtin', digest: 'd' },
})
const toolset = [tool('grep', 'read', 'safe'), tool('write_file', 'write', 'safe'), tool('shell', 'exec', 'never')]
const view = (...names: readonly string[]): RunnerView =>
  viewOf(
    names.map((name, at) => {
      const { risk, replay } = toolset.find((one) => one.name === name)!
      return { call: `k${at + 1}`, name, arguments: {}, replay, ...(risk === 'read' ? {} : { alone: true }) }
    }),
  )
const r1 = { instance: 'r1', runs: () => false, started: () => false, asksNobody: () => false }
const begins = (of: RunnerView): readonly string[] => {
  const step = nextStep(of, r1, true, new Map())
  return step.do === 'work' ? [...step.runs, ...step.claims].map(({ call }) => call.call) : []
}
const ended = (of: RunnerView, ...calls: readonly string[]): RunnerView =>
  calls.reduce((all, call) => evolveView(all, { events: [result(call, 'done')], by: 'r1' }), of)

describe('the calls of one frame, at a runner', () => {
  it('begin side by side where they only read', () => {
    expect(begins(view('grep', 'grep', 'grep'))).toEqual(['k1', 'k2', 'k3'])
  })

  it('begin one after the other where they change something, in the order of the answer', () => {
    const three = view('shell', 'write_file', 'shell')
    expect(begins(three)).toEqual(['k1'])
    expect(begins(ended(three, 'k1'))).toEqual(['k2'])
    expect(begins(ended(three, 'k1', 'k2'))).toEqual(['k3'])
  })

  it('that read wait for what comes before them and changes something, and hold back what does so behind them', () => {
    const mixed = view('grep', 'grep', 'write_file', 'grep', 'grep')
    expect(begins(mixed)).toEqual(['k1', 'k2'])
    expect(begins(ended(mixed, 'k1'))).toEqual(['k2'])
    expect(begins(ended(mixed, 'k1', 'k2'))).toEqual(['k3'])
    expect(begins(ended(mixed, 'k1', 'k2', 'k3'))).toEqual(['k4', 'k5'])
  })

  it('of a frame that says nothing of an order begin all at once', () => {
    const calls = ['k1', 'k2'].map((call) => ({ call, name: 'shell', arguments: {}, replay: 'never' as const }))
    expect(begins(viewOf(calls))).toEqual(['k1', 'k2'])
  })

  it('behind one whose tool wants a person wait for it where they change something, and go on where they only read', () => {
    const needed: SessionEvent = { type: 'approval.needed', data: { call: 'k1', reason: 'It is large.' } }
    const waits = evolveView(view('shell', 'grep', 'shell'), { events: [needed], by: 'r1' })
    expect(begins(waits)).toEqual(['k2'])
    expect(begins(ended(waits, 'k2'))).toEqual([])
    const approved = evolveView(ended(waits, 'k2'), { events: [claimed('k1')], by: 'r2' })
    expect(begins(approved)).toEqual([])
    expect(begins(ended(approved, 'k1'))).toEqual(['k3'])
  })

  it('that another runner has claimed are looked after, whatever their place', () => {
    const theirs = evolveView(view('shell', 'shell'), {
      events: [{ type: 'tool-call.started', data: { call: 'k2', attempt: 1 } }],
      by: 'r2',
    })
    expect(heldBack(theirs)).toEqual(new Set(['k2']))
    expect(nextStep(theirs, r1, true, new Map())).toMatchObject({ do: 'ask', owner: 'r2', call: 'k2' })
  })
})

describe('the calls of an answer, at an executor', () => {
  const session = (change = {}) =>
    given(
      g(started({ tools: { grep: 'safe', shell: 'never', write_file: 'safe' }, toolset, ...change }), message('m1')),
      e(turn('t1', 'm1'), calling('c1', 't1')),
      e(answered('c1', asks('k1', 'shell'), asks('k2', 'grep'), asks('k3', 'write_file'))),
    )
  const asked = (of: ReturnType<typeof session>) =>
    due(of.session, 9)?.events.flatMap((event) =>
      event.type === 'tool-calls.requested' ? event.data.calls.map(({ call, alone }) => [call, alone]) : [],
    )

  it('are asked for in one frame, which says what runs alone', () => {
    expect(asked(session())).toEqual([
      ['k1', true],
      ['k2', undefined],
      ['k3', true],
    ])
  })

  it('of a session that pinned no tools are asked for as they were', () => {
    expect(asked(session({ toolset: undefined }))).toEqual([
      ['k1', undefined],
      ['k2', undefined],
      ['k3', undefined],
    ])
  })

  it('are the first of them where no more may run at once', () => {
    expect(asked(session({ limits: { maxToolCalls: 10, maxConcurrentTools: 2 } }))).toEqual([
      ['k1', true],
      ['k2', undefined],
    ])
  })

  it('comes back from a person whom its server asked, though no more may run at once, while those behind it wait for it', () => {
    const limits = { maxToolCalls: 10, maxConcurrentTools: 2 }
    const asks1: SessionEvent = {
      type: 'elicitation.requested',
      data: {
        ...{ call: 'k1', attempt: 1, elicitation: 'q1', timer: 'answer-k1', server: 'bank', message: 'Who?' },
        ...{ mode: 'form', key: 'k', expiresAt: 0 },
      },
    }
    const batch = given(
      g(started({ tools: { shell: 'never', write_file: 'safe' }, toolset, limits }), message('m1')),
      e(turn('t1', 'm1'), calling('c1', 't1')),
      e(answered('c1', asks('k1', 'shell'), asks('k2', 'write_file'), asks('k3', 'shell'))),
      e(requested('t1', ['k1', 'never'], ['k2', 'safe'])),
      t(claimed('k1')),
      t(asks1),
      e({ type: 'timer.armed', data: { timer: 'answer-k1', at: 1 } }),
      g({ type: 'elicitation.answered', data: { elicitation: 'q1', call: 'k1', action: 'accept', person: 'gateway' } }),
    )
    expect(asked(batch)?.map(([call]) => call)).toEqual(['k1'])
  })

  it('wait while one before them is open at another frame', () => {
    const first = given(
      g(started({ tools: { grep: 'safe', shell: 'never' }, toolset }), message('m1')),
      e(turn('t1', 'm1'), calling('c1', 't1')),
      e(answered('c1', asks('k1', 'shell'), asks('k2', 'grep'))),
      e(requested('t1', ['k1', 'never'])),
      t(claimed('k1')),
    )
    expect(due(first.session, 9)).toBeNull()
  })
})
