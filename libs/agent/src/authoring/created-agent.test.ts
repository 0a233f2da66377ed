import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  createAgent,
  defineAgentProfile,
  defineTool,
  isCreatedAgent,
  SkillCatalog,
  Type,
  virtual,
  workflowAgent,
} from '../index.ts'
import { local } from '../node.ts'
import { agentMarker } from './created-agent.ts'

const model = 'anthropic/claude-haiku-4-5'
const about = (id: string) => ({ id, env: {}, payload: undefined })
const toolOf = (name: string) =>
  defineTool({ name, description: `Does ${name}.`, parameters: Type.Object({}), execute: () => name })
const configured = (initialize: Parameters<typeof createAgent>[0], id = 'ticket-1') =>
  createAgent(initialize)[agentMarker].configure(about(id))
const problemsOf = async (config: unknown) => {
  const one = await configured(() => config as never)
  return one.kind === 'problems' ? one.problems : []
}

describe('createAgent', () => {
  it('gives a frozen marker that is known by a registered symbol, and takes no plain object for one', () => {
    const agent = createAgent(() => ({ model }))
    expect(Object.isFrozen(agent)).toBe(true)
    expect(Object.hasOwn(agent, Symbol.for('reins.agent'))).toBe(true)
    expect(isCreatedAgent(agent)).toBe(true)
    expect(isCreatedAgent({ initialize: agent.initialize })).toBe(false)
  })

  it('refuses what is no initializer', () => {
    expect(() => createAgent({ model } as never)).toThrow('createAgent() requires an initializer function')
  })

  it('needs nothing but a model', async () => {
    expect(await configured(() => ({ model }))).toMatchObject({
      kind: 'configured',
      configuration: { model, task: true, tools: [], skills: [], subagents: [] },
    })
  })

  it('gives the initializer the id, also an async one, and keeps the tools of each id apart', async () => {
    const agent = createAgent(async ({ id }) => ({
      model,
      instructions: `Help with ${id}.`,
      tools: [defineTool({ name: 'read', description: 'Reads.', parameters: Type.Object({}), execute: () => id })],
    }))
    for (const id of ['a', 'b']) {
      const one = await agent[agentMarker].configure(about(id))
      if (one.kind === 'problems') throw new Error(one.problems.join())
      expect(one.configuration.instructions).toBe(`Help with ${id}.`)
      expect(one.live.tools.get('read')?.execute({}, {} as never)).toBe(id)
    }
  })

  it('lets the agent replace the scalars of its profile, and adds its lists to those of it', async () => {
    const profile = defineAgentProfile({ model, instructions: 'shared', tools: [toolOf('one')] })
    const one = await configured(() => ({ profile, instructions: 'own', tools: [toolOf('two')] }))
    expect(one).toMatchObject({
      configuration: { model, instructions: 'own', tools: [{ name: 'one' }, { name: 'two' }] },
    })
    const without = await configured(() => ({ profile, instructions: undefined as never }))
    expect(without.kind === 'configured' && 'instructions' in without.configuration).toBe(false)
  })

  it.each([
    ['nothing', undefined, 'must return an agent runtime config object'],
    ['a list', [], 'must return an agent runtime config object'],
    ['an unknown field', { model, persist: true }, 'returned unknown runtime config field "persist"'],
    ['a name', { model, name: 'x' }, 'an agent is named by its file'],
    ['no model', {}, 'createAgent() requires a model.'],
    ['a model without a provider', { model: 'gpt' }, 'model must be "provider/model"'],
    ['an unknown level', { model, thinkingLevel: 'huge' }, 'thinkingLevel must be one of'],
    ['a negative reserve', { model, compaction: { reserveTokens: -1 } }, 'compaction.reserveTokens must be'],
    ['an unknown field of compaction', { model, compaction: { x: 1 } }, 'compaction has no field "x"'],
    ['no attempts', { model, durability: { maxAttempts: 0 } }, 'durability.maxAttempts must be'],
    ['a plain tool', { model, tools: [{ name: 'x' }] }, 'tools[0] must be a tool that defineTool has made'],
    ['a tool twice', { model, tools: [toolOf('a'), toolOf('a')] }, 'tools has the name "a" twice'],
    ['a name of Reins', { model, tools: [toolOf('task')] }, 'which Reins keeps for its own tool'],
    ['a skill by its path', { model, skills: ['./SKILL.md'] }, 'skills[0] must be what an import of a SKILL.md gives'],
    ['a subagent without a name', { model, subagents: [{}] }, 'subagents[0] must be a profile with a name'],
    ['a folder and no sandbox', { model, cwd: '/srv', sandbox: false }, 'leave "sandbox: false" out'],
    ['another sandbox', { model, sandbox: 'local' }, 'sandbox must be virtual()'],
  ])('says what is wrong with %s', async (_, config, problem) => {
    expect((await problemsOf(config)).join('; ')).toContain(problem)
  })

  it('finds a tool twice that a profile and an agent have each', async () => {
    const profile = defineAgentProfile({ tools: [toolOf('a')] })
    expect(await problemsOf({ model, profile, tools: [toolOf('a')] })).toEqual([
      'tools has the name "a" twice: give one of them another name',
    ])
  })

  it('has agents that workflows lead among its subagents, also under the name of agents', async () => {
    const deployer = workflowAgent({ name: 'deployer', description: 'Delegate when it must ship.', workflow: 'ship' })
    const researcher = { name: 'researcher', model, skills: [] }
    expect(await configured(() => ({ model, subagents: [researcher], agents: [deployer] }))).toMatchObject({
      configuration: {
        subagents: [
          { name: 'researcher' },
          { name: 'deployer', description: 'Delegate when it must ship.', workflow: 'ship' },
        ],
      },
    })
    expect(await problemsOf({ model, subagents: [deployer], agents: [deployer] })).toEqual([
      'subagents has the name "deployer" twice: give one of them another name',
    ])
    expect(await problemsOf({ model, agents: [{ name: 'x', workflow: 'ship' }] })).toEqual([
      expect.stringContaining('has no field "workflow"'),
    ])
  })

  it('takes no agent of a workflow without a description', () => {
    expect(() => workflowAgent({ name: 'deployer', description: ' ', workflow: 'ship' })).toThrow(
      "Sub-agent 'deployer' must have a non-empty description attribute.",
    )
  })

  it('reads no folder of skills where the code runs', () => {
    expect(() => SkillCatalog.fromDirectory('./skills')).toThrow('is read when the project is built')
  })

  it('works in a folder by local()', async () => {
    expect(await configured(() => ({ model, cwd: '/srv/x', sandbox: local() }))).toMatchObject({
      configuration: { cwd: '/srv/x', sandbox: { kind: 'local' } },
    })
    expect(() => local({ env: {} } as never)).toThrow('local() has no option "env"')
  })

  it('takes no instructions from the files among which it works, where its sandbox says so', async () => {
    const sandboxOf = async (sandbox: ReturnType<typeof virtual>) => {
      const one = await configured(() => ({ model, cwd: '/srv/x', sandbox }))
      return one.kind === 'configured' && one.configuration.sandbox
    }
    expect(await sandboxOf(virtual({ workspaceContext: false }))).toEqual({
      ...{ kind: 'virtual', chosen: true, workspaceContext: false },
    })
    expect(await sandboxOf(local({ workspaceContext: false }))).toEqual({ kind: 'local', workspaceContext: false })
    expect(() => virtual({ cwd: '/' } as never)).toThrow('virtual() has no option "cwd"')
    expect(() => virtual({ workspaceContext: 'no' } as never)).toThrow(
      '"workspaceContext" of virtual() is true or false',
    )
  })
})

describe('defineAgentProfile', () => {
  it('gives the same object back', () => {
    const profile = { name: 'policy_researcher', instructions: 'x' }
    expect(defineAgentProfile(profile)).toBe(profile)
  })

  it('throws when it is defined', () => {
    expect(() => defineAgentProfile({ model, cwd: '/x' } as never)).toThrow('has no field "cwd"')
    expect(() => defineAgentProfile({ name: '9x' })).toThrow('name must begin with a letter')
    const circular: { name: string; subagents: object[] } = { name: 'a', subagents: [] }
    circular.subagents.push(circular)
    expect(() => defineAgentProfile(circular as never)).toThrow('must not contain circular subagents')
    expect(() => defineAgentProfile({ subagents: [{ name: 'b', durability: { maxAttempts: 1 } }] })).toThrow(
      'must not declare durability',
    )
  })
})

describe('a tool with input and run', () => {
  it('is the same as one with parameters and execute', async () => {
    const tool = defineTool({
      name: 'add',
      description: 'Adds.',
      input: v.object({ a: v.number() }),
      run: ({ input, signal }) => ({ output: { sum: input.a + 1, stopped: signal.aborted } }),
    })
    const one = await configured(() => ({ model, tools: [tool] }))
    if (one.kind === 'problems') throw new Error(one.problems.join())
    expect(one.configuration.tools[0]?.parameters).toMatchObject({ properties: { a: { type: 'number' } } })
    const signal = new AbortController().signal
    expect(await one.live.tools.get('add')?.execute({ a: 1 }, { signal } as never)).toEqual({ sum: 2, stopped: false })
  })

  it('is no mix of both', async () => {
    const tool = defineTool({ name: 'x', description: 'x', parameters: {}, run: () => 1 } as never)
    expect((await problemsOf({ model, tools: [tool] })).join()).toContain('write either input and run')
  })
})
