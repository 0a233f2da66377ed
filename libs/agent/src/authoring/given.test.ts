import { expect, test } from 'vitest'
import { defineTool, Type } from '../index.ts'
import { given } from './given.ts'
import { defineAgentProfile } from './profile.ts'

const made = (name: string) =>
  defineTool({ name, description: 'Made.', parameters: Type.Object({}), execute: () => name })

test('what is given is told as JSON, and its functions are kept beside, those of subagents by their profiles', async () => {
  const subagents = [defineAgentProfile({ name: 'helper', description: 'Helps.', tools: [made('inner')] })]
  const { configuration, live } = await given({ tools: [made('outer')], subagents })
  expect(JSON.parse(JSON.stringify(configuration))).toMatchObject({
    tools: [{ name: 'outer', risk: 'external', replay: 'never' }],
    skills: [],
    subagents: [{ name: 'helper', tools: [{ name: 'inner' }] }],
  })
  expect([...live.tools.keys()]).toEqual(['outer'])
  expect([...(live.subagents.get('helper')?.tools.keys() ?? [])]).toEqual(['inner'])
})

test('all that is wrong is said at once', async () => {
  const wrong = { tools: [{ name: 'a' }, { name: 'b' }], skills: 'all' } as never
  await expect(given(wrong)).rejects.toThrow(/tools\[0\] must be a tool.*tools\[1\].*skills must be a list/)
})
