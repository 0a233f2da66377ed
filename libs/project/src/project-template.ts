// What a new project consists of: one agent with a tool and a test, and a workflow for those who ask for one.

/** By their path in the project's folder. */
export type ProjectFiles = Readonly<Record<string, string>>

/** Where packages of Reins lie on this machine. */
export interface OwnPackages {
  readonly agent: string
  readonly client: string
  /** The version of Hono that Reins serves apps with. */
  readonly hono: string
}

export function projectTemplate(name: string, packages: OwnPackages, workflow: boolean): ProjectFiles {
  const manifest = {
    ...{ name, private: true, type: 'module' },
    scripts: { dev: 'reins dev', build: 'reins build', deploy: 'reins deploy', test: 'reins test', types: 'tsc' },
    devDependencies: {
      ...{ '@reins/agent': `file:${packages.agent}`, '@reins/client': `file:${packages.client}` },
      ...{ '@types/node': '26.6.6', hono: packages.hono, typescript: '7.0.2' },
    },
  }
  const compilerOptions = {
    ...{ target: 'es2024', module: 'nodenext', moduleResolution: 'nodenext', strict: true, noEmit: true },
    ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true, skipLibCheck: true },
    types: ['node'],
  }
  return {
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'tsconfig.json': `${JSON.stringify({ compilerOptions, include: ['src', 'reins-env.d.ts'] }, null, 2)}\n`,
    'reins-env.d.ts': environment,
    '.gitignore': 'node_modules/\ndist/\n.reins/\nworkspace/\n.env\n',
    'src/agents/helper.ts': agent,
    'src/agents/helper.test.ts': agentTest,
    ...(workflow ? { 'src/workflows/report.ts': report } : {}),
  }
}

const environment = `// What imports of skills and of Markdown give.
declare module '*/SKILL.md' {
  const skill: import('@reins/agent').Skill
  export default skill
}
declare module '*.md' {
  const text: string
  export default text
}
`

const agent = `import { createAgent, defineTool, Type } from '@reins/agent'

export const description = 'Answers questions, and knows what day it is.'

export default createAgent(({ id }) => ({
  // The scripted model needs no key. A real one: 'anthropic/claude-sonnet-4-5', with ANTHROPIC_API_KEY in .env
  model: 'scripted/assistant',
  instructions: \`You are a helpful assistant. This conversation is about \${id}.\`,
  tools: [
    defineTool({
      name: 'weekday',
      description: 'Tells the weekday of a date.',
      parameters: Type.Object({ date: Type.String({ description: 'Such as 2026-11-28' }) }),
      risk: 'read',
      execute: ({ date }) =>
        new Date(\`\${date}T00:00:00Z\`).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' }),
    }),
  ],
}))
`

const agentTest = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, given, say } from '@reins/agent/testing'
import helper from './helper.ts'

test('the helper knows the weekday of a date', async () => {
  const events = await given(helper, { id: 'ann' }).when(
    'What day was it?',
    call('weekday', { date: '2026-11-28' }),
    say('It was a Saturday.'),
  )
  assert.deepEqual(events, [
    { type: 'message.received', content: 'What day was it?' },
    { type: 'tool-call.requested', tool: 'weekday', arguments: { date: '2026-11-28' } },
    { type: 'tool-call.completed', tool: 'weekday', result: 'Saturday' },
    { type: 'turn.completed', content: 'It was a Saturday.' },
  ])
})

test('the helper is told whom the conversation is about', async () => {
  const { instructions } = await given(helper, { id: 'ann' }).configuration()
  assert.match(instructions ?? '', /about ann/)
})
`

const report = `import type { FlueContext } from '@reins/agent'

// A workflow: it goes on where it was after any crash. What it does to the world belongs into a step, whose result is kept.
export async function run(ctx: FlueContext) {
  const total = await ctx.step('add up', () => [1, 2, 3].reduce((sum, one) => sum + one, 0))
  ctx.log.info('added up', { total })
  return { run: ctx.id, total }
}
`
