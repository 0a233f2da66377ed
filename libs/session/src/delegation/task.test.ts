import { type AgentDefinition, childId, type DeclaredAgent, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, id, message, started, turn } from '../../test/given.ts'
import { offered } from '../deciding/offered.ts'
import { plan } from '../deciding/plan.ts'
import { sessionBeginning } from '../lifecycle/beginning.ts'
import { closedResults } from '../tool-call/tool-call.ts'

const own: DeclaredAgent = {
  ...{ name: 'lead', description: '', onPause: 'wait', digest: 'd1', pool: 'default', delegates: true },
}
const researcher: DeclaredAgent = {
  ...{
    name: 'researcher',
    description: 'Finds facts.',
    onPause: 'wait',
    digest: 'h1',
    pool: 'default',
    delegates: true,
  },
}
const deployer: DeclaredAgent = {
  ...{ name: 'deployer', description: 'Ships.', onPause: 'return', digest: 'h2', pool: 'default', workflow: 'ship' },
}
const limits = { levels: 3, fanOut: 2, perTurn: 8, sessions: 20 }
const agentsOf = (agents: readonly DeclaredAgent[], change: object = {}): SessionEvent => ({
  type: 'agents.declared',
  data: { agents: [...agents], ...limits, ...change },
})
const tasks = (folder?: string, agents = ['researcher']): SessionEvent => ({
  type: 'task.declared',
  data: { agents, own, ...(folder === undefined ? {} : { folder }) },
})
const both = [agentsOf([researcher, deployer]), tasks('/srv/shop')]
const begun = (declared: readonly SessionEvent[] = both) =>
  given(g(started({ agents: {} }), ...declared, message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))

/** What follows from an answer with these calls of `task`. */
function asked(declared: readonly SessionEvent[], ...calls: readonly Record<string, unknown>[]) {
  const content = calls.map((args, index) => asks(`k${index}`, 'task', args))
  const next = plan(begun(declared).session, [answered('c2', ...content)], { n: 3, at: 1000, by: 'e1' }, true)
  const events = next?.events ?? []
  return {
    requests: events.flatMap((event) => (event.type === 'delegation.requested' ? [event.data] : [])),
    refusals: events.flatMap((event) => (event.type === 'tool-call.completed' ? [event.data] : [])),
    others: events.filter(({ type }) => type === 'tool-calls.requested'),
  }
}

describe('what a model is given', () => {
  it('is task for the agents of its own code, and delegate for those that others lead', () => {
    const { tools, sections } = offered(begun().session)
    expect(tools.map(({ name }) => name)).toEqual(['task', 'delegate'])
    expect(tools.map(({ parameters }) => parameters)).toMatchObject([
      { properties: { prompt: {}, agent: { enum: ['researcher'] }, cwd: {} }, required: ['prompt'] },
      { properties: { agent: { enum: ['deployer'] } } },
    ])
    expect(sections.join()).toContain('Agents that `agent` can name:\n- researcher: Finds facts.')
    expect(sections.join()).toContain('Available agents:\n- deployer: Ships.')
  })

  it('is task alone where there are no agents, without what it cannot be given', () => {
    const { tools } = offered(begun([agentsOf([]), tasks(undefined, [])]).session)
    expect(tools.map(({ name, parameters }) => [name, Object.keys(parameters.properties as object)])).toEqual([
      ['task', ['prompt']],
    ])
  })

  it('is neither where no session may lie below', () => {
    expect(offered(begun([agentsOf([researcher], { levels: 0 }), tasks()]).session).tools).toEqual([])
  })
})

describe('a task', () => {
  it('makes the child of a delegation: of an agent, or of the configuration of the session itself', () => {
    const { requests } = asked(both, { prompt: 'Find it.', agent: 'researcher' }, { prompt: 'Think.', agent: '' })
    expect(requests).toEqual([
      {
        ...{ call: 'k0', agent: 'researcher', digest: 'h1', pool: 'default', child: childId(id, 'k0') },
        ...{ instruction: 'Find it.', levels: 2, sessions: 6 },
      },
      {
        ...{ call: 'k1', agent: 'lead', digest: 'd1', pool: 'default', child: childId(id, 'k1') },
        ...{ instruction: 'Think.', levels: 2, sessions: 6 },
      },
    ])
  })

  it('may work in a place of the folder of its session', () => {
    const { requests } = asked(both, { prompt: 'a', cwd: '/srv/shop/docs' }, { prompt: 'b', cwd: '.' })
    expect(requests.map(({ cwd }) => cwd)).toEqual(['docs', undefined])
  })

  it.each([
    [
      'names nobody that there is',
      both,
      { prompt: 'x', agent: 'nobody' },
      "Agent 'nobody' not found. Available: researcher.",
    ],
    ['names an agent of delegate', both, { prompt: 'x', agent: 'deployer' }, 'Available: researcher.'],
    ['names something else', both, { prompt: 'x', agent: 4 }, 'or be left out. Available: researcher.'],
    ['says nothing', both, { prompt: ' ' }, '"prompt" is missing'],
    ['leads out of the folder', both, { prompt: 'x', cwd: '../bank' }, '"../bank" is not.'],
    ['gives no path', both, { prompt: 'x', cwd: 4 }, '"cwd" must be the path of a folder'],
    [
      'names a folder where there is none',
      [agentsOf([]), tasks()],
      { prompt: 'x', cwd: 'docs' },
      '"cwd" cannot be used here',
    ],
    ['lies too deep', [agentsOf([], { levels: 0 }), tasks()], { prompt: 'x' }, '(max_depth)'],
  ] as const)('that %s is refused, in plain words', (_, declared, args, why) => {
    const { requests, refusals } = asked(declared, args)
    expect([requests, refusals.length, refusals[0]?.status]).toEqual([[], 1, 'error'])
    expect(refusals[0]?.output).toContain(why)
    expect(refusals[0]?.output).not.toMatch(/^\{/)
  })

  it('leaves calls of delegate for its agents as they are', () => {
    const content = asks('k0', 'delegate', { agent: 'researcher', instruction: 'Find it.' })
    const next = plan(begun().session, [answered('c2', content)], { n: 3, at: 1000, by: 'e1' }, true)
    expect(next?.events.at(-1)).toMatchObject({ type: 'delegation.requested', data: { agent: 'researcher' } })
  })

  it('counts among the delegations of one answer', () => {
    const { requests, refusals } = asked(both, { prompt: 'a' }, { prompt: 'b' }, { prompt: 'c' })
    expect([requests.length, refusals[0]?.output]).toEqual([2, expect.stringContaining('(max_fan_out)')])
  })

  it.each([
    ['completed', 'Here it is.', false],
    ['failed', '{"no": "model"}', true],
  ] as const)('that has %s gives its model the final text alone', (status, output, error) => {
    const content = asks('k0', 'task', { prompt: 'Think.' })
    const [request] = asked(both, { prompt: 'Think.' }).requests
    const { session } = begun().and(
      e(answered('c2', content), { type: 'delegation.requested', data: request! }),
      e({ type: 'delegation.settled', data: { call: 'k0', child: childId(id, 'k0'), status, output } }),
    )
    expect(closedResults(session, session.turn?.calls ?? [])).toMatchObject([{ name: 'task', output, error }])
  })
})

describe('a session that was pinned with delegate', () => {
  it('goes on with it: nothing of its definition has a task', () => {
    const pinned = [agentsOf([researcher])]
    expect(offered(begun(pinned).session).tools.map(({ name }) => name)).toEqual(['delegate'])
    expect(asked(pinned, { prompt: 'x' })).toMatchObject({ requests: [], refusals: [{ code: 'not-found' }] })
  })

  it('begins so only where the build of its agent says it', () => {
    const definition: AgentDefinition = {
      ...{
        name: 'lead',
        model: 'scripted/x',
        system_prompt: 'x',
        tools: [{ system_tools: { workspace: '/srv/shop' } }],
      },
      agents: [{ name: 'researcher', description: 'd', system_prompt: 'x' }, 'other'],
    }
    const declaredBy = (more: object) =>
      sessionBeginning({
        ...{ agent: 'lead', digest: 'd1', definition: { ...definition, ...more }, toolset: [], principal: 'ann' },
        agents: [researcher],
      }).declared.find(({ type }) => type === 'task.declared')
    expect(declaredBy({})).toBeUndefined()
    expect(declaredBy({ task: true, approval_mode: 'never' })).toBeUndefined()
    expect(declaredBy({ task: true })?.data).toEqual({ agents: ['researcher'], own, folder: '/srv/shop' })
  })
})
