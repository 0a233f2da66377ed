import { type AgentDefinition, definitionDigest, inlineDefinitions, type ReinsError } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { memoryLog } from '../../test/memory-log.ts'
import { Agents } from '../agents.ts'
import { Bundles, noCode } from '../code/bundles.ts'

function registry() {
  const log = memoryLog()
  const agents = new Agents({
    log,
    clock: { now: () => 1, random: () => 0.5 },
    bundles: new Bundles({ log, ...noCode }),
  })
  const put = async (name: string, more: Partial<AgentDefinition> | Record<string, unknown> = {}) => {
    const definition = { name, model: 'scripted/x', system_prompt: 'x', description: `Delegate to ${name}.`, ...more }
    try {
      await agents.put({ name, source: { definition }, condition: { kind: 'apply' }, by: 'ann' })
      return [] as readonly string[]
    } catch (error) {
      const { problems } = (error as ReinsError).details as { problems: { path: string; message: string }[] }
      return problems.map(({ path, message }) => `${path} ${message}`)
    }
  }
  return { log, agents, put }
}

describe('agents that a definition lists', () => {
  test('must be there: the refusal lists those that are', async () => {
    const { put } = registry()
    expect(await put('lead', { agents: ['helpr'] })).toEqual([
      'agents[0] names the agent "helpr", which is not there; agents that exist: there are none yet',
    ])
    await put('helper')
    await put('writer')
    expect(await put('lead', { agents: ['helper', 'helpr'] })).toEqual([
      'agents[1] names the agent "helpr", which is not there; did you mean "helper"?; agents that exist: helper, writer',
    ])
    expect(await put('lead', { agents: ['helper', 'writer'] })).toEqual([])
  })

  test('must say when to delegate to them', async () => {
    const { put } = registry()
    const text = (name: string) => `Sub-agent '${name}' must have a non-empty description attribute.`
    await put('mute', { description: ' ' })
    expect(await put('lead', { agents: ['mute'] })).toEqual([`agents[0] ${text('mute')}`])
    expect(await put('lead', { agents: [{ name: 'broken', system_prompt: 'x' }] })).toEqual([
      `agents[0] ${text('broken')}`,
    ])
    expect(await put('lead', { agents: [{ name: 'mute', workflow: 'mute', description: '' }] })).toEqual([
      `agents[0] ${text('mute')}`,
    ])
    expect(await put('lead', { agents: [{ name: 'mute', description: 'Delegate when it is quiet.' }] })).toEqual([])
  })

  test('stand there once, by a name that is one', async () => {
    const { put } = registry()
    await put('researcher')
    expect(await put('lead', { agents: ['researcher', { name: 'researcher', description: 'Again.' }] })).toEqual([
      "agents[1] Duplicate agent name: 'researcher'",
    ])
    expect(await put('lead', { agents: ['Two--Words'] })).toEqual([expect.stringMatching(/^agents\[0\] is the text/)])
  })

  test('make no circle, however long it is', async () => {
    const { put } = registry()
    await put('c')
    await put('b', { agents: ['c'] })
    await put('a', { agents: [{ name: 'inner', description: 'd', system_prompt: 'x', agents: ['b'] }] })
    expect(await put('a', { agents: ['a'] })).toEqual([expect.stringContaining('makes a circle: a → a.')])
    expect(await put('c', { agents: ['a'] })).toEqual([
      'agents[0] makes a circle: c → a → b → c. An agent must not come to delegate to itself',
    ])
    expect(await put('b', { agents: [] })).toEqual([])
    expect(await put('c', { agents: ['a'] })).toEqual([])
  })

  test('that are workflows must be there too', async () => {
    const { put } = registry()
    await put('ship')
    const entry = (workflow: string) => ({ name: 'deployer', description: 'Delegate when it must ship.', workflow })
    expect(await put('lead', { agents: [entry('shop')] })).toEqual([
      'agents[0] names the workflow "shop", which is not there; did you mean "ship"?; workflows that exist: ship',
    ])
    expect(await put('lead', { agents: [entry('ship')] })).toEqual([])
  })
})

describe('agents that are written in place', () => {
  const inner = { name: 'inner', description: 'd', system_prompt: 'y', tools: ['read_file'] }
  const outer = { name: 'outer', description: 'd', system_prompt: 'x', model: 'scripted/y', agents: [inner] }

  test('are kept as definitions of their own, those inside of them too', async () => {
    const { put, log } = registry()
    expect(await put('lead', { agents: [outer], approval_mode: 'always' })).toEqual([])
    const lead: AgentDefinition = {
      ...{ name: 'lead', model: 'scripted/x', system_prompt: 'x', agents: [outer], approval_mode: 'always' },
    }
    const kept = await Promise.all(
      inlineDefinitions(lead).map(async (one) => (await log.last('version', definitionDigest(one)))?.value),
    )
    expect(kept).toMatchObject([
      { definition: { name: 'inner', model: 'scripted/y', tools: ['read_file'], approval_mode: 'always' } },
      { definition: { name: 'outer', model: 'scripted/y', agents: [inner] } },
    ])
  })

  test('are checked like others, at their place', async () => {
    const { put } = registry()
    const wrong = { ...inner, tools: ['no_tool'] }
    expect(await put('lead', { agents: [{ ...outer, agents: [wrong] }] })).toEqual([
      expect.stringMatching(/^agents\[0\]\.agents\[0\]\.tools\[0\] .*no_tool/),
    ])
    expect(await put('lead', { agents: [{ ...outer, workflow: 'x' }] })).toEqual([
      expect.stringContaining('agents[0].workflow stands beside system_prompt'),
    ])
    expect(await put('lead', { agents: [{ name: 'other', model: 'scripted/x' }] })).toEqual([
      expect.stringContaining('agents[0].model belongs to an agent that is written in place'),
    ])
    expect(await put('lead', { agents: [{ ...inner, tools: [{ file: './x.ts' }] }] })).toEqual([
      expect.stringContaining('agents[0].tools[0] gives code of its own to an agent that is written in place'),
    ])
    expect(await put('lead', { agents: [{ ...inner, nmae: 'x' }] })).toEqual([
      expect.stringContaining('unknown field "nmae"; did you mean "name"?'),
    ])
  })
})

describe('an agent that others list', () => {
  test('is not deleted, unless that is forced', async () => {
    const { put, agents } = registry()
    await put('helper')
    await put('lead', { agents: ['helper'] })
    await put('chief', { agents: [{ name: 'x', description: 'd', workflow: 'helper' }] })
    await expect(agents.delete('helper', undefined, 'ann')).rejects.toMatchObject({
      code: 'agent_in_use',
      message: expect.stringContaining('The agent helper is listed by chief, lead'),
      details: { agents: ['chief', 'lead'] },
    })
    await agents.delete('helper', undefined, 'ann', true)
    await agents.delete('lead', undefined, 'ann')
  })
})
