import { type BudgetLimits, childId, type EventOf, noUsage, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { calling, e, g, given, id, message, started, text, turn, types } from '../../test/given.ts'
import { promptChild, settlement } from '../delegation/errand-frames.ts'
import { finalErrand, standingErrands } from '../delegation/errands.ts'
import { left, spentBy } from './budget.ts'
import { promptSlice } from './granted.ts'

const child = childId(id, 'default/default')
const declared: readonly SessionEvent[] = [
  { type: 'agents.declared', data: { agents: [], levels: 2, fanOut: 4, perTurn: 8, sessions: 9 } },
  { type: 'run.declared', data: { file: 'w.ts', digest: 'd' } },
  { type: 'run.invoked', data: { workflow: 'report', project: 'p' } },
]
const replay = { replay: 'r2', attempt: 1 }
const init: SessionEvent = {
  type: 'run.initialized',
  data: { position: 0, name: 'default', agent: 'helper', digest: 'h1', pool: 'helpers' },
}
const prompted = (position: number, limits: BudgetLimits): readonly SessionEvent[] => [
  {
    type: 'run.prompted',
    data: {
      ...{ position, name: 'default/default', harness: 'default', child, pool: 'helpers', levels: 1, sessions: 0 },
      content: [{ type: 'text', text: 'look' }],
    },
  },
  { type: 'budget.granted', data: { message: `run-${position}`, limits } },
]
const run = given(
  g(started(), ...declared, { type: 'budget.declared', data: { tokens: 1_000, toolCalls: 3 } }),
  e({ type: 'run.replay-started', data: replay }),
)
const prompting = run.and(e(init, ...prompted(1, { tokens: 500, toolCalls: 2 })))
const answer = (call: string, tokens: number, toolCalls: number): SessionEvent => ({
  type: 'delegation.settled',
  data: { call, child, status: 'completed', output: 'seen', spent: { tokens, usd: 0, toolCalls } },
})

describe('a run with a budget', () => {
  it('gives a prompt half of what is left, also of what the prompts beside it leave', () => {
    expect(promptSlice(run.session)).toEqual({ tokens: 500, toolCalls: 2 })
    expect(promptSlice(run.session, [{ tokens: 500, toolCalls: 2 }])).toEqual({ tokens: 250, toolCalls: 1 })
    expect(promptSlice(given(g(started(), ...declared)).session)).toBeUndefined()
  })

  it('sets it aside until the answer is there, and then counts what was used', () => {
    expect(left(prompting.session)).toMatchObject({ tokens: 500, toolCalls: 1 })
    const answered = prompting.and(e(answer('run-1', 120, 1)))
    expect(left(answered.session)).toMatchObject({ tokens: 880, toolCalls: 2 })
    expect(spentBy(answered.session)).toMatchObject({ tokens: 120 })
  })

  it('counts once what its session has used for an earlier prompt', () => {
    const again = prompting.and(e(answer('run-1', 120, 1)), e(...prompted(2, { tokens: 440, toolCalls: 1 })))
    expect(left(again.session).tokens).toBe(440)
    expect(left(again.and(e(answer('run-2', 150, 1))).session)).toMatchObject({ tokens: 850, toolCalls: 2 })
  })
})

describe('a session below a run with a budget', () => {
  const errandOf = ({ session }: typeof run) => {
    const [errand] = standingErrands(session)
    if (errand?.kind !== 'prompt-child') throw new Error('no prompt')
    return errand
  }
  const parent = { session: id, call: 'run-1', pool: 'default' }
  const begun = { started: (started({ parent }) as EventOf<'session.started'>).data, declared: [] }
  const first = promptChild(given(), errandOf(prompting), prompting.session, begun)
  const below = given(e(...(first?.events ?? [])))
  const used = (call: string, tokens: number): SessionEvent => ({
    type: 'model-call.completed',
    data: { call, attempt: 1, content: [text('seen')], usage: { ...noUsage, inputTokens: tokens }, finish: 'stop' },
  })
  const completed = (name: string, call: string): SessionEvent => ({
    type: 'turn.completed',
    data: { turn: name, call, usage: noUsage, reason: 'answered' },
  })
  const done = below.and(e(turn('t2', 'm-run-1'), calling('c2', 't2')), e(used('c2', 120), completed('t2', 'c2')))

  it('is told what it may use with its message, and has nothing of it once it has answered', () => {
    expect(types(first?.events ?? []).slice(-2)).toEqual(['message.received', 'budget.granted'])
    expect(left(below.session)).toMatchObject({ tokens: 500, toolCalls: 2 })
    expect(left(done.session)).toMatchObject({ tokens: 0, toolCalls: 0 })
    expect(settlement(prompting.session, { ...done.session, id: child })).toMatchObject({
      data: { call: 'run-1', spent: { tokens: 120 } },
    })
  })

  it('may use as much again for a later prompt, and no more than its own definition says in all', () => {
    const granted = (limits: BudgetLimits): SessionEvent => ({
      type: 'budget.granted',
      data: { message: 'm-run-2', limits },
    })
    expect(left(done.and(e(message('m-run-2'), granted({ tokens: 440 }))).session).tokens).toBe(440)
    const own = given(
      e(started({ parent }), { type: 'budget.declared', data: { tokens: 100 } }, granted({ tokens: 440 })),
    )
    expect(left(own.session).tokens).toBe(100)
  })

  it('that has ended answers each prompt that it has ended, however often it was told before', () => {
    const over = done.and(e({ type: 'session.ended', data: { reason: 'ended' } }))
    expect(finalErrand(over.session, { kind: 'settle-parent' })).toBeNull()
    const later = prompting.and(e(answer('run-1', 120, 1)), e(...prompted(2, { tokens: 440 })))
    expect(settlement(later.session, { ...over.session, id: child })).toMatchObject({
      data: { call: 'run-2', status: 'failed', code: 'session-ended' },
    })
  })
})
