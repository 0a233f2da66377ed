import type { AgentDefinition } from '@reins/contracts'
import { builtinCatalog } from '@reins/tools'
import { expect, test } from 'vitest'
import { Definitions } from './definitions.ts'

const base = { name: 'a', model: 'm/m', system_prompt: 'Be brief.' }
/** As a registry of an earlier version may have stored it, or none at all. */
const definitions = (stored: object | undefined) =>
  new Definitions(
    {
      version: async () => stored && { digest: 'd', definition: stored as AgentDefinition, by: 'test', at: 0 },
    },
    [builtinCatalog],
  )

test('a model is told of the tools that the definition resolves to', async () => {
  const known = await definitions({ ...base, tools: ['search'], max_tokens: 7 }).settings('d')
  expect(known).toMatchObject({
    kind: 'known',
    settings: { system: 'Be brief.', maxTokens: 7, stream: true, tools: [{ name: 'find_files' }, { name: 'grep' }] },
  })
})

test('a definition without tools gives none', async () => {
  expect(await definitions(base).settings('d')).toMatchObject({ kind: 'known', settings: { tools: [] } })
})

test.each([
  [['files', { shell: { max_output_chars: 200 } }], 'tools[1].shell.max_output_chars is 200'],
  [[{ shell: { blocklist: ['(?=x)'] } }], 'tools[0].shell.blocklist[0]'],
  [[{ shell: {}, files: {} }], 'tools[0] has 2 names'],
])('tools that do not resolve are never an empty list: %j', async (tools, why) => {
  expect(await definitions({ ...base, tools }).settings('d')).toEqual({
    kind: 'unusable',
    why: expect.stringContaining(why),
  })
})

test('a definition that the registry lost is said to be', async () => {
  expect(await definitions(undefined).settings('d')).toEqual({
    kind: 'unusable',
    why: "The session's definition is not in the registry.",
  })
})
