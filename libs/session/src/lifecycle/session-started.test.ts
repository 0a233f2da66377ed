import { type AgentDefinition, eventCodec, type PinnedTool } from '@reins/contracts'
import { expect, it } from 'vitest'
import { g, given } from '../../test/given.ts'
import { sessionStarted } from './session-started.ts'

const definition: AgentDefinition = {
  name: 'coder',
  model: 'a/b',
  system_prompt: 'x',
  max_turns: 3,
  affinity: { gpu: 'yes' },
}
const toolset: readonly PinnedTool[] = [
  { name: 'grep', source: 'builtin', replay: 'safe', risk: 'read', digest: 'd1' },
  { name: 'shell', source: 'builtin', replay: 'never', risk: 'exec', digest: 'd2' },
]
const start = { agent: 'coder', digest: 'd', definition, toolset, principal: 'admin' }

it('says what the session needs of its definition, so that nothing decides by a registry', () => {
  const data = sessionStarted({ ...start, title: 'A title', instance: { instance: 'i', session: 's' } })
  expect(eventCodec.decode({ type: 'session.started', data }).kind).toBe('known')
  expect(data).toEqual({
    agent: 'coder',
    digest: 'd',
    model: 'a/b',
    pools: { executor: data.pools.executor, tools: data.pools.executor },
    limits: { maxToolCalls: 10, maxTurns: 3 },
    tools: { grep: 'safe', shell: 'never' },
    toolset,
    title: 'A title',
    instance: { instance: 'i', session: 's' },
    principal: 'admin',
  })
})

it('is the same for a child, but for its parent', () => {
  const parent = { session: 'p', call: 'c', pool: 'default' }
  expect(sessionStarted({ ...start, parent })).toEqual({ ...sessionStarted(start), parent })
})

it('is kept by the fold, which reads starts of before there was a toolset too', () => {
  const data = sessionStarted(start)
  expect(given(g({ type: 'session.started', data })).session.born).toMatchObject({
    tools: { grep: 'safe', shell: 'never' },
    toolset,
  })
  const { toolset: _, ...older } = data
  const { born } = given(g({ type: 'session.started', data: older })).session
  expect(born?.tools).toEqual({ grep: 'safe', shell: 'never' })
  expect(born).not.toHaveProperty('toolset')
})
