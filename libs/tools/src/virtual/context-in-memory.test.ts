import { workspaceLimits } from '@reins/contracts'
import { expect, test } from 'vitest'
import { contextInMemory } from './context-in-memory.ts'
import type { VirtualEntry } from './files.ts'

const file = (path: string, text: string): VirtualEntry => ({
  ...{ path, kind: 'file', mode: 0o644 },
  content: Buffer.from(text).toString('base64'),
})
const folder = (path: string): VirtualEntry => ({ path, kind: 'folder', mode: 0o755 })
const skill = (name: string) => `---\nname: ${name}\ndescription: Does ${name}.\n---\nSteps.\n`
const inMemory = { tools: ['virtual_sandbox'] } as const

test('files tell what a folder of a machine would: AGENTS.md, and the skills that can be read', () => {
  const files = [
    file('/workspace/AGENTS.md', 'Be brief.'),
    folder('/workspace/.agents/skills/tidy'),
    file('/workspace/.agents/skills/tidy/SKILL.md', skill('tidy')),
    folder('/workspace/.agents/skills/bad'),
    file('/workspace/.agents/skills/bad/SKILL.md', 'nothing'),
    file('/tmp/AGENTS.md', 'Nobody reads this.'),
  ]
  expect(contextInMemory(files, { tools: [...inMemory.tools] })).toMatchObject({
    instructions: 'Be brief.',
    skills: [{ name: 'tidy', instructions: expect.stringContaining('Steps.'), folder: '.agents/skills/tidy' }],
    problems: [expect.stringContaining('.agents/skills/bad/SKILL.md')],
  })
  expect(contextInMemory([], { tools: [...inMemory.tools] })).toEqual({ skills: [] })
})

test('they are looked for where the tools of the agent begin, and no link is followed', () => {
  const tools = [{ virtual_sandbox: { workspace: 'desk' } }]
  const files: VirtualEntry[] = [
    file('/workspace/AGENTS.md', 'Not here.'),
    { path: '/workspace/desk/AGENTS.md', kind: 'link', mode: 0o777, content: '../AGENTS.md' },
  ]
  expect(contextInMemory(files, { tools })).toEqual({ skills: [], problems: ['AGENTS.md: is no file.'] })
})

test('what is too long is cut between two characters, and what is left is counted', () => {
  const text = `${'x'.repeat(workspaceLimits.instructions - 1)}äöü`
  const found = contextInMemory([file('/workspace/AGENTS.md', text)], { tools: [...inMemory.tools] })
  expect([found.instructions?.length, found.left]).toEqual([workspaceLimits.instructions - 1, 6])
})
