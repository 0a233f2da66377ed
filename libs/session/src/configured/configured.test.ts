import {
  type AgentDefinition,
  type CodeBuild,
  childId,
  type EventData,
  type PinnedTool,
  type SessionEvent,
} from '@reins/contracts'
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
  started,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { emptyInfo, foldInfo } from '../shown/session-info.ts'
import { agentConfigured } from './agent-configured.ts'
import { comingDigest } from './coming.ts'

const code: CodeBuild = { project: 'desk', build: 3, digest: 'sha256:b3', size: 100, file: 'src/agents/ticket.ts' }
const born = (): SessionEvent => started({ limits: { maxToolCalls: 10 }, tools: { read: 'safe' }, agents: {} })
const pin = (digest: string, tools: EventData<'session.started'>['tools'], model = 'scripted/y'): SessionEvent => ({
  type: 'agent.configured',
  data: { code, pinned: { digest, model, limits: { maxToolCalls: 5 }, tools, toolset: [] } },
})
const begun: SessionEvent = { type: 'agent.configured', data: { code } }
const skills = (name: string): SessionEvent => ({
  type: 'skills.declared',
  data: { digest: `k-${name}`, skills: [{ name, description: 'x' }] },
})
const next = (at: Given): readonly SessionEvent[] => {
  const found = at.verdict('e1')
  if (found.do !== 'append') throw new Error(`it does ${found.do}`)
  return found.plan.events
}
const atRest = given(g(born(), begun, message('m1')), e(turn('t2', 'm1'), calling('c2', 't2'))).and(
  e(answered('c2'), turnCompleted('t2', 'c2')),
)

describe('a session whose agent is configured for each message', () => {
  test('knows the build from its first frame on, and has the definition that it began with', () => {
    expect(atRest.session).toMatchObject({ code, born: { digest: 'd1', model: 'scripted/x' } })
    expect(comingDigest(atRest.session)).toBe('d1')
  })

  test('answers the message behind a configuration with that one: its model, its tools, its digest', () => {
    const at = atRest.and(g(pin('d2', { write: 'never' }), message('m2')))
    expect(comingDigest(at.session)).toBe('d2')
    expect(at.session.born?.digest).toBe('d1')
    const [begins, call] = next(at)
    expect(begins).toMatchObject({ type: 'turn.started', data: { messages: ['m2'] } })
    expect(call).toMatchObject({ type: 'model-call.started', data: { model: 'scripted/y' } })
    const asked = at
      .and(e(turn('t5', 'm2'), calling('c5', 't5')))
      .and(e(answered('c5', asks('a', 'write'), asks('b', 'read'))))
    expect(asked.session.coming).toBeUndefined()
    expect(asked.session.born).toMatchObject({ digest: 'd2', limits: { maxToolCalls: 5 }, tools: { write: 'never' } })
    const events = next(asked)
    expect(events.find(({ type }) => type === 'tool-calls.requested')?.data).toMatchObject({
      digest: 'd2',
      calls: [{ call: 'a', name: 'write' }],
    })
    expect(events.find(({ type }) => type === 'tool-call.completed')?.data).toMatchObject({
      call: 'b',
      status: 'error',
    })
  })

  test('leaves the turn that is open as it is: no tool vanishes under its calls', () => {
    const at = given(g(born(), begun, message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
      .and(g(pin('d2', {}), message('m2')))
      .and(e(answered('c2', asks('a', 'read'))))
    expect(next(at).find(({ type }) => type === 'tool-calls.requested')?.data).toMatchObject({ digest: 'd1' })
    expect(at.session.born?.digest).toBe('d1')
  })

  test('takes the newest of several configurations', () => {
    const at = atRest.and(g(pin('d2', {}), message('m2')), g(pin('d3', { read: 'safe' }), message('m3')))
    expect(at.and(e(turn('t6', 'm2'))).session).toMatchObject({ born: { digest: 'd3', tools: { read: 'safe' } } })
  })

  test('has what the new definition declares, and no more what only the former one did', () => {
    const first = given(
      g(
        born(),
        begun,
        skills('old'),
        { type: 'output.declared', data: { schema: { type: 'object' }, retries: 1 } },
        { type: 'planning.declared', data: { maxSteps: 5 } },
      ),
    )
    const planned = first.and(
      e({ type: 'plan.updated', data: { call: 'p', steps: [{ id: 1, title: 'look', status: 'pending' }] } } as never),
    )
    const at = planned.and(
      g(pin('d2', {}), skills('new'), { type: 'planning.declared', data: { maxSteps: 9 } }, message('m2')),
    )
    expect(at.session.skills?.digest).toBe('k-old')
    const { session } = at.and(e(turn('t4', 'm2')))
    expect(session.skills?.digest).toBe('k-new')
    expect(session.output).toBeUndefined()
    expect(session.turn?.output).toBeUndefined()
    expect(session.planning).toMatchObject({ maxSteps: 9, steps: planned.session.planning?.steps })
  })

  test('keeps its children, where the new definition names other agents or none', () => {
    const team = (name: string): SessionEvent => ({
      type: 'agents.declared',
      data: {
        agents: [{ name, description: '', digest: `h-${name}`, pool: 'p', onPause: 'return' }],
        ...{ levels: 1, fanOut: 2, perTurn: 3, sessions: 4 },
      },
    })
    const child = childId(id, 'k1')
    const asked: SessionEvent = {
      type: 'delegation.requested',
      data: { call: 'k1', agent: 'a', digest: 'h-a', pool: 'p', child, instruction: 'go', onPause: 'return' },
    }
    const first = given(
      g(born(), begun, team('a'), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'delegate', { agent: 'a', instruction: 'go' })), asked),
      e({ type: 'delegation.paused', data: { call: 'k1', child, output: { waits_for: 'approval', reason: 'x' } } }),
      e(calling('c5', 't2')),
      e(answered('c5'), turnCompleted('t2', 'c5')),
    )
    const after = (...declared: readonly SessionEvent[]) =>
      first.and(g(pin('d2', {}), ...declared, message('m2')), e(turn('t8', 'm2'))).session.team
    const children = { [child]: expect.objectContaining({ agent: 'a', status: 'paused' }) }
    expect(after(team('b'))).toMatchObject({ agents: [{ name: 'b' }], children })
    expect(after()).toMatchObject({ agents: [], children })
  })

  test('records who sent a message where the definition that comes excludes its sender from deciding', () => {
    const pinned: SessionEvent = {
      type: 'approvals.pinned',
      data: { mode: 'default', quorum: 1, excludeRequester: true },
    }
    const at = atRest.and(g(pin('d2', {}), pinned, message('m2')), e(turn('t5', 'm2')))
    expect(at.session.turn?.requesters).toEqual(['gateway'])
    expect(atRest.and(g(message('m2')), e(turn('t4', 'm2'))).session.turn?.requesters).toBeUndefined()
  })

  test('shows what it was configured with last', () => {
    const frame = {
      n: 1,
      prev: 0,
      seq: 1,
      at: 5,
      by: 'x',
      id: 'f',
      hash: '',
      role: 'g',
      needs: 5,
      status: 'idle',
    } as const
    const info = foldInfo(emptyInfo, { ...frame, events: [born(), pin('d2', {})] } as never)
    expect(info).toMatchObject({ digest: 'd2', model: 'scripted/y' })
  })
})

describe('what is recorded of a configuration', () => {
  const definition: AgentDefinition = {
    name: 'ticket',
    model: 'scripted/x',
    system_prompt: 'Help.',
    context: { keep: 0.2 },
    budget: { tokens: 5 },
  } as AgentDefinition
  const read: PinnedTool = { name: 'read', source: 'code', replay: 'safe', risk: 'read', digest: 'r' }

  test('is what a beginning pins, and what it declares; no budget, which is the session’s', () => {
    const start = { agent: 'ticket', digest: 'd9', definition, toolset: [read], principal: 'ann', code }
    expect(agentConfigured(start)).toEqual([
      {
        type: 'agent.configured',
        data: {
          code,
          pinned: {
            ...{ digest: 'd9', model: 'scripted/x', limits: { maxToolCalls: expect.any(Number) } },
            ...{ tools: { read: 'safe' }, toolset: [read] },
          },
        },
      },
      { type: 'context.declared', data: { keep: 0.2 } },
    ])
  })

  test('is nothing where no code configures the agent', () => {
    expect(agentConfigured({ agent: 'x', digest: 'd', definition, toolset: [], principal: '' })).toEqual([])
  })
})
