import { type AgentDefinition, childId, type PinnedTool, type SessionEvent } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import {
  answered,
  asks,
  calling,
  e,
  type Given,
  g,
  given,
  id,
  message,
  requested,
  result,
  started,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { planUpgrade } from './upgrade.ts'

const tool = (name: string, digest = name): PinnedTool => ({ name, source: 's', replay: 'safe', risk: 'read', digest })
const pinned = (...tools: readonly PinnedTool[]) => ({
  toolset: [...tools],
  tools: Object.fromEntries(tools.map(({ name, replay }) => [name, replay])),
})
const definition = (change: Partial<AgentDefinition> = {}): AgentDefinition => ({
  ...{ name: 'agent', model: 'scripted/x', system_prompt: 'Help.' },
  ...change,
})
const begins = (...tools: readonly PinnedTool[]) =>
  given(g(started({ ...pinned(...tools), agents: {} }), message('m1')))
const plan = (at: Given, now: Partial<AgentDefinition>, toolset: readonly PinnedTool[], old = definition()) =>
  planUpgrade(
    at.session,
    { digest: 'd1', definition: old },
    { agent: 'agent', digest: 'd2', definition: definition(now), toolset, principal: 'ann' },
  )
/** A turn that has called `grep`, and has ended. */
const called = (at: Given): Given =>
  at
    .and(e(turn('t2', 'm1'), calling('c2', 't2')))
    .and(e(answered('c2', asks('a', 'grep')), requested('t2', ['a', 'safe'])))
    .and({ ...e(result('a')), role: 't', by: 'r1' })
    .and(e(calling('c5', 't2')))
    .and(e(answered('c5'), turnCompleted('t2', 'c5')))

describe('an upgrade of a session', () => {
  test('says what changes, field by field and tool by tool', () => {
    const { changes, breaks, obstacles } = plan(
      begins(tool('grep'), tool('old'), tool('same')),
      { model: 'scripted/y', max_tool_calls: 3 },
      [tool('grep', 'another'), tool('same'), tool('new')],
    )
    expect(changes).toEqual([
      { what: 'max_tool_calls', change: 'added', to: '3' },
      { what: 'model', change: 'changed', from: 'scripted/x', to: 'scripted/y' },
      { what: 'tools.grep', change: 'changed' },
      { what: 'tools.new', change: 'added' },
      { what: 'tools.old', change: 'removed' },
    ])
    expect([breaks, obstacles]).toEqual([[], []])
  })

  test('is one event and what the new version declares; the turn after it has that version', () => {
    const at = begins(tool('grep'))
    const { events } = plan(at, { model: 'scripted/y', context: { keep: 0.2 } }, [tool('new')])
    expect(events.map(({ type }) => type)).toEqual(['session.upgraded', 'context.declared'])
    expect(events[0]?.data).toMatchObject({ from: 'd1', pinned: { digest: 'd2', tools: { new: 'safe' } } })
    const { session } = at.and(g(...events), e(turn('t3', 'm1')))
    expect(session).toMatchObject({ born: { digest: 'd2', model: 'scripted/y' }, context: { settings: { keep: 0.2 } } })
  })

  test('tells of tools that the conversation has called, or calls now, and that are gone', () => {
    const at = begins(tool('grep'))
    expect(plan(called(at), {}, []).breaks).toEqual([
      'The conversation has calls of grep, which is no tool of it then.',
    ])
    const open = at
      .and(e(turn('t2', 'm1'), calling('c2', 't2')))
      .and(e(answered('c2', asks('a', 'grep')), requested('t2', ['a', 'safe'])))
    expect(plan(open, {}, []).breaks).toEqual([
      'A call of grep is open. It ends as it began, and the turns after it have no such tool.',
    ])
    expect(plan(called(at), {}, [tool('grep', 'another')]).breaks).toEqual([])
  })

  test('tells of a plan, a memory and children that nobody could go on with', () => {
    const steps = [{ name: 'look', description: 'Look.', status: 'pending' as const }]
    const team: SessionEvent = {
      type: 'agents.declared',
      data: {
        agents: [{ name: 'a', description: '', digest: 'h', pool: 'p', onPause: 'return' }],
        ...{ levels: 1, fanOut: 2, perTurn: 3, sessions: 4 },
      },
    }
    const at = given(
      g(
        ...[started({ ...pinned(), agents: {} }), team],
        { type: 'memory.declared', data: { provider: 'builtin', scope: 'notes' } },
        { type: 'planning.declared', data: { maxSteps: 3 } },
        message('m1'),
      ),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'delegate', { agent: 'a', instruction: 'go' })), {
        type: 'delegation.requested',
        data: { call: 'k1', agent: 'a', digest: 'h', pool: 'p', child: childId(id, 'k1'), instruction: 'go' },
      }),
      e({ type: 'plan.updated', data: { call: 'p', steps } }),
    )
    const { breaks } = plan(at, {}, [])
    expect(breaks).toEqual([
      expect.stringContaining('of the agent a is open, and that is no agent of it then'),
      'It has a plan with open steps, and does not plan then.',
      'It remembers in notes, and looks there no more.',
    ])
  })

  test('is none of a session below another, nor of one whose code decides', () => {
    const below = given(g(started({ parent: { session: 'above', call: 'k', pool: 'p' } })))
    expect(plan(below, {}, []).obstacles).toEqual(['It is a session below above, which pins what it is.'])
    const file = { file: './flow.ts' } as never
    expect(plan(begins(), { workflow_file: file }, []).obstacles).toEqual([
      'Code decides in it, or would: a run keeps the code that it began with.',
    ])
  })
})
