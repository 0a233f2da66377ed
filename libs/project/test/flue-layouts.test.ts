// Projects in the layouts of another harness (Flue 0.9 and 1.0 beta), with code of our own: nothing but the names of the imports is changed.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildProject } from '../src/bundling/build-project.ts'
import { describeProject } from '../src/discovery/describe-project.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'reins-layouts-'))
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), path.join(root, 'node_modules'))
})
afterAll(() => rmSync(root, { recursive: true }))

const renamed = (text: string): string => text.replaceAll('@flue/runtime', '@reins/agent')

async function manifestOf(name: string, files: Readonly<Record<string, string>>) {
  for (const [file, text] of Object.entries(files)) {
    const place = path.join(root, name, file)
    mkdirSync(path.dirname(place), { recursive: true })
    writeFileSync(place, renamed(text))
  }
  const built = await buildProject(path.join(root, name))
  if (built.kind === 'failed') throw new Error(built.problems.join('\n'))
  const described = await describeProject(built.text, process.execPath)
  if (described.kind === 'failed') throw new Error(described.problems.join('\n'))
  return { ...described.manifest, sourceRoot: built.project.sourceRoot, notUsed: built.project.notUsed }
}

test('a project of 0.9: .flue, routes and sockets, a profile, named sessions by the caller', async () => {
  const manifest = await manifestOf('old', {
    '.flue/shared/voice.ts': `
      import { defineAgentProfile } from '@flue/runtime'
      export const voice = defineAgentProfile({ name: 'voice', instructions: 'Be brief.', thinkingLevel: 'low' })`,
    '.flue/agents/desk.ts': `
      import { createAgent, type AgentRouteHandler, type AgentWebSocketHandler } from '@flue/runtime'
      import { voice } from '../shared/voice.ts'
      export const description = 'Answers at the desk.'
      export const route: AgentRouteHandler = async (c, next) => {
        if (c.req.header('authorization') === undefined) return c.json({ error: 'sign in' }, 401)
        await next()
      }
      export const websocket: AgentWebSocketHandler = async (_c, next) => next()
      export default createAgent(({ id }) => ({ profile: voice, model: 'anthropic/claude-haiku-4-5', instructions: id }))`,
    '.flue/agents/quiet.ts': `
      import { createAgent } from '@flue/runtime'
      export default createAgent(() => ({ model: 'anthropic/claude-haiku-4-5' }))`,
    '.flue/workflows/sum_up.ts': `
      import type { WorkflowRouteHandler } from '@flue/runtime'
      export const route: WorkflowRouteHandler = async (_c, next) => next()
      export async function run({ id }: { id: string }) { return { id } }`,
    'src/agents/not-this-layout.ts': 'export default 1',
  })
  expect(manifest).toEqual({
    sourceRoot: '.flue',
    agents: [
      { name: 'desk', description: 'Answers at the desk.', route: true, websocket: true, file: '.flue/agents/desk.ts' },
      { name: 'quiet', route: false, websocket: false, file: '.flue/agents/quiet.ts' },
    ],
    workflows: [{ name: 'sum_up', route: true, websocket: false, file: '.flue/workflows/sum_up.ts' }],
    channels: [],
    app: false,
    notUsed: [],
  })
})

test('a project of 1.0 beta: src, an imported skill, a tool with a Valibot schema, a subagent, a channel, db.ts', async () => {
  const manifest = await manifestOf('beta', {
    'src/skills/triage/SKILL.md': '---\nname: triage\ndescription: Sorts tickets.\n---\nSort them.\n',
    'src/agents/policy_researcher.ts': `
      import { createAgent, defineAgentProfile, defineTool } from '@flue/runtime'
      import { local } from '@flue/runtime/node'
      import * as v from 'valibot'
      import triage from '../skills/triage/SKILL.md' with { type: 'skill' }
      const reader = defineAgentProfile({ name: 'reader', description: 'Reads.', instructions: 'Read.' })
      export default createAgent(({ id }) => ({
        model: 'anthropic/claude-sonnet-4-6',
        skills: [triage],
        subagents: [reader],
        sandbox: local(),
        tools: [
          defineTool({
            name: 'look_up',
            description: 'Looks a policy up.',
            parameters: v.object({ policy: v.string() }),
            execute: async ({ policy }) => ({ id, policy }),
          }),
        ],
      }))`,
    'src/workflows/deploy_pipeline.ts': 'export const run = async () => ({ done: true })',
    'src/channels/hooks.ts':
      "export const channel = { routes: [{ method: 'POST', path: '/hook', handler: () => new Response() }] }",
    'src/app.ts': 'export default { fetch: (_request: Request) => new Response() }',
    'src/db.ts': "throw new Error('never loaded')",
    'src/cloudflare.ts': "throw new Error('never loaded')",
  })
  expect(manifest).toMatchObject({
    sourceRoot: 'src',
    agents: [{ name: 'policy_researcher', route: false }],
    workflows: [{ name: 'deploy_pipeline' }],
    channels: [{ name: 'hooks', routes: [{ method: 'POST', path: '/hook' }] }],
    app: true,
  })
  expect(manifest.notUsed.map(({ file }) => file)).toEqual(['src/db.ts', 'src/cloudflare.ts'])
})
