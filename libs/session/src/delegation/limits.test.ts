import { childId, type DeclaredAgent, type EventData, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, id, message, started, turn } from '../../test/given.ts'
import { plan } from '../deciding/plan.ts'
import { emptySession } from '../session.ts'
import { defaultCeilings, agentsDeclared } from './declared.ts'
import { sessionsLeft } from './team.ts'

const agents: DeclaredAgent[] = [
  { name: 'leaf', description: 'd', onPause: 'wait', digest: 'h1', pool: 'default' },
  { name: 'branch', description: 'd', onPause: 'wait', digest: 'h2', pool: 'default', delegates: true },
  { name: 'gone', description: 'd', onPause: 'wait', gone: true },
]
const limits = { levels: 3, fanOut: 8, perTurn: 8, sessions: 20 }
const thinking = (change: Partial<typeof limits> = {}) =>
  given(
    g(started({ agents: {} }), { type: 'agents.declared', data: { agents, ...limits, ...change } }, message('m1')),
    e(turn('t2', 'm1'), calling('c2', 't2')),
  )
const delegation = (call: string, agent: string) => asks(call, 'delegate', { agent, instruction: 'do it' })

/** What follows from an answer that delegates to these agents. */
function asked(change: Partial<typeof limits>, ...names: readonly string[]) {
  const calls = names.map((name, index) => delegation(`k${index}`, name))
  const next = plan(thinking(change).session, [answered('c2', ...calls)], { n: 3, at: 1000, by: 'e1' }, true)
  const events = next?.events ?? []
  return {
    requests: events.flatMap((event) => (event.type === 'delegation.requested' ? [event.data] : [])),
    refusals: events.flatMap((event) => (event.type === 'tool-call.completed' ? [event.data] : [])),
    after: next?.after ?? emptySession(id),
  }
}

describe('delegations of one answer', () => {
  it('are asked for together', () => {
    expect(asked({}, 'leaf', 'leaf', 'leaf').requests.map(({ call }) => call)).toEqual(['k0', 'k1', 'k2'])
  })

  it('beyond the limit of one answer are refused, and the model is told what it is', () => {
    const { requests, refusals } = asked({ fanOut: 2 }, 'leaf', 'leaf', 'leaf')
    expect(requests.map(({ call }) => call)).toEqual(['k0', 'k1'])
    expect(refusals).toMatchObject([{ call: 'k2', status: 'error', code: 'limit' }])
    expect(JSON.parse(refusals[0]?.output ?? '')).toEqual({
      agent: 'leaf',
      status: 'failed',
      output: 'Not delegated: one answer may delegate 2 times (max_fan_out). Ask again in your next answer.',
    })
  })

  it('beyond the limit of the turn are refused', () => {
    const { requests, refusals } = asked({ perTurn: 1 }, 'leaf', 'leaf')
    expect([requests.length, refusals[0]?.output]).toEqual([1, expect.stringContaining('(max_per_turn)')])
  })

  it('are refused where no session may lie below', () => {
    expect(asked({ levels: 0 }, 'leaf').refusals[0]?.output).toContain('(max_depth)')
  })

  it('are refused to an agent that was deleted before the session began', () => {
    expect(asked({}, 'gone').refusals).toMatchObject([
      { code: 'not-found', output: expect.stringContaining("Agent 'gone' was deleted. Available: leaf, branch.") },
    ])
  })
})

describe('the sessions of a tree', () => {
  it('are given away by slices: one each for a leaf, and equal shares for those that delegate themselves, one share kept', () => {
    const { requests, after } = asked({}, 'leaf', 'branch', 'branch')
    expect(requests.map(({ agent, sessions, levels }) => ({ agent, sessions, levels }))).toEqual([
      { agent: 'leaf', sessions: undefined, levels: undefined },
      { agent: 'branch', sessions: 5, levels: 2 },
      { agent: 'branch', sessions: 6, levels: 2 },
    ])
    expect(after.team && sessionsLeft(after.team)).toBe(6)
  })

  it('are never more than there are, whatever is asked for', () => {
    for (let sessions = 0; sessions <= 20; sessions++)
      for (const names of [['branch'], ['branch', 'branch', 'leaf'], ['leaf', 'leaf', 'branch', 'branch', 'branch']]) {
        const { requests, refusals, after } = asked({ sessions }, ...names)
        const given = requests.reduce((sum, { sessions: slice = 0 }) => sum + 1 + slice, 0)
        expect(given).toBeLessThanOrEqual(sessions)
        expect(requests.length + refusals.length).toBe(names.length)
        expect(after.team && sessionsLeft(after.team)).toBe(sessions - given)
      }
  })

  it('that a child did not use come back with its end, also when that comes after a cancel', () => {
    const { after } = asked({}, 'branch')
    const child = childId(id, 'k0')
    const end = (status: 'completed' | 'cancelled', sessions?: number): SessionEvent => ({
      type: 'delegation.settled',
      data: { call: 'k0', child, status, output: 'x', ...(sessions === undefined ? {} : { sessions }) },
    })
    const left = (...events: readonly SessionEvent[]) => {
      const { session } = given(
        ...[g(started({ agents: {} }), { type: 'agents.declared', data: { agents, ...limits } }, message('m1'))],
        e(turn('t2', 'm1'), calling('c2', 't2')),
        e(answered('c2', delegation('k0', 'branch')), ...events),
      )
      return session.team && sessionsLeft(session.team)
    }
    const [request] = asked({}, 'branch').requests
    const requested: SessionEvent = { type: 'delegation.requested', data: request as EventData<'delegation.requested'> }
    expect(after.team && sessionsLeft(after.team)).toBe(10)
    expect(left(requested, end('completed', 3))).toBe(16)
    expect(left(requested, end('cancelled'))).toBe(10)
    expect(left(requested, end('cancelled'), end('cancelled', 3))).toBe(16)
    expect(left(requested, end('completed', 3), end('completed', 1))).toBe(16)
  })
})

describe('the limits of a session', () => {
  const declaredBy = (...args: Parameters<typeof agentsDeclared>) =>
    agentsDeclared(...args).map((event) => (event.type === 'agents.declared' ? { ...event.data, agents: [] } : null))

  it('are those of its definition, below the ceilings of the operator', () => {
    expect(declaredBy({}, agents)).toEqual([{ agents: [], levels: 5, fanOut: 16, perTurn: 50, sessions: 499 }])
    const wide = { max_depth: 50, max_fan_out: 500, max_per_turn: 5_000, max_sessions: 50_000 }
    expect(declaredBy({ delegation: wide }, agents, defaultCeilings)).toEqual([
      { agents: [], levels: 10, fanOut: 64, perTurn: 500, sessions: 4_999 },
    ])
  })

  it('of a child are also those that the session above gives it', () => {
    expect(declaredBy({ delegation: { max_sessions: 3 } }, agents, undefined, { levels: 1, sessions: 40 })).toEqual([
      { agents: [], levels: 1, fanOut: 16, perTurn: 50, sessions: 2 },
    ])
  })

  it('are not there where nobody may be delegated to', () => {
    expect(declaredBy({}, [])).toEqual([])
    expect(declaredBy({ approval_mode: 'never' }, agents)).toEqual([])
  })
})
