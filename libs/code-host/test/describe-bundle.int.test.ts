import { dirname } from 'node:path'
import type { ProjectManifest } from '@reins/contracts'
import { detectSandbox, noGuard } from '@reins/tools'
import { expect, test } from 'vitest'
import { describeBundle } from '../src/index.ts'
import { bundleOf, sandboxOfThisMachine, toolsOf } from './bundle.ts'

const sandbox = await sandboxOfThisMachine()
const described = (text: string) => describeBundle({ file: './tools.ts', text }, { sandbox, guard: noGuard })
const problems = async (text: string) => {
  const answer = await described(text)
  return answer.kind === 'problems' ? answer.problems : answer
}

test('a bundle tells its tools, by the names of their exports, and what each declares', async () => {
  const text = toolsOf(`
    export const add = defineTool({
      description: 'Adds.', parameters: Type.Object({ a: Type.Number() }), risk: 'read', execute: () => 1,
    })
    export default add
    export const other = defineTool({
      name: 'pay-out', description: 'Pays.', parameters: any, timeout: 5, secret_requests: ['KEY'],
      approval: () => true, execute: () => 1,
    })
    export const helper = () => 1
    export const limits = { most: 3 }
  `)
  expect(await described(text)).toEqual({
    kind: 'tools',
    tools: [
      {
        name: 'add',
        description: 'Adds.',
        parameters: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
        risk: 'read',
        replay: 'safe',
      },
      {
        name: 'pay-out',
        description: 'Pays.',
        parameters: { type: 'object' },
        risk: 'external',
        replay: 'never',
        timeout: 5,
        secret_requests: ['KEY'],
        approval: 'by-arguments',
      },
    ],
  })
})

test('schemas of Zod and Valibot are told as JSON Schema by the bundle itself', async () => {
  const text = bundleOf(`
    import { defineTool } from '@reins/agent'
    import * as v from 'valibot'
    import { z } from 'zod'
    const so = { description: 'x', execute: () => 1 }
    export const by_zod = defineTool({ ...so, parameters: z.object({ n: z.number() }) })
    export const by_valibot = defineTool({ ...so, parameters: v.object({ n: v.number() }) })
  `)
  const parameters = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
  expect(await described(text)).toMatchObject({ tools: [{ parameters }, { parameters }] })
})

test('each mistake is told with its file and its export', async () => {
  const text = toolsOf(`
    export const silent = defineTool({ description: '', parameters: any, execute: () => 1 })
    export const plain = { description: 'x', parameters: any, execute: () => 1 }
    export const one = defineTool({ name: 'same', description: 'x', parameters: any, execute: () => 1 })
    export const two = defineTool({ name: 'same', description: 'x', parameters: any, execute: () => 1 })
    export const all = [one, two]
  `)
  const file = './tools.ts'
  expect(await problems(text)).toEqual([
    { file, export: 'all', message: expect.stringContaining('is a list of tools') },
    { file, export: 'plain', message: expect.stringContaining('was not made by defineTool') },
    { file, export: 'silent', message: expect.stringContaining('needs a "description"') },
    { file, export: 'two', message: 'has the name "same", which the tool exported as one has too' },
  ])
  expect(await problems('export const x = 1')).toEqual([{ file, message: expect.stringContaining('exports no tool') }])
})

test('a bundle that misbehaves while it loads is a problem of its file', async () => {
  const cases: readonly (readonly [source: string, message: string])[] = [
    ['throw new Error("no luck")', 'no luck'],
    ['throw undefined', 'it threw undefined'],
    ['const x = {;', 'SyntaxError'],
    ['import "left-pad"', "Cannot find package 'left-pad'"],
    ['process.exit(0)', 'process.exit is not there'],
    [
      'process.removeAllListeners("uncaughtException"); setTimeout(() => { throw 1 }); await new Promise(() => {})',
      'ended the process',
    ],
    ['import fs from "node:fs"; fs.closeSync(4); await new Promise(() => {})', 'cannot be loaded'],
    ['import fs from "node:fs"; fs.writeSync(5, "nonsense, and more of it")', 'disturbed its host'],
    ['const all = []; for (;;) all.push(new Array(100_000).fill(1.5))', 'more memory than it may have'],
  ]
  for (const [source, message] of cases)
    expect([source, await problems(source)]).toEqual([
      source,
      [{ file: './tools.ts', message: expect.stringContaining(message) }],
    ])
})

test('a bundle that never loads is given up, also in the middle of a loop', async () => {
  for (const source of ['await new Promise(() => {})', 'for (;;);'])
    expect(
      await describeBundle({ file: 'a.ts', text: source }, { sandbox, guard: noGuard, loadMs: 300 }),
    ).toMatchObject({ problems: [{ message: 'cannot be loaded: it did not load within 0.3 s' }] })
})

test('where nothing can confine it, nothing of a bundle is run', async () => {
  const none = { ...sandbox, spawn: () => ({ kind: 'refused' as const, message: 'no sandbox here' }) }
  expect(await describeBundle({ file: 'a.ts', text: '' }, { sandbox: none, guard: noGuard })).toEqual({
    kind: 'refused',
    message: 'no sandbox here',
  })
})

test.each(['bubblewrap', 'namespaces', 'none'] as const)(
  'a bundle is loaded by %s, where this machine has it',
  async (kind) => {
    const one = await detectSandbox({
      try: kind === 'none' ? [] : [kind],
      allowUnsandboxed: kind === 'none',
      programs: [dirname(process.execPath)],
    })
    const text = toolsOf(`
    import { spawnSync } from 'node:child_process'
    import { readdirSync } from 'node:fs'
    const tried = (what) => { try { what(); return 'open' } catch { return 'closed' } }
    const closed = [tried(() => spawnSync('true')), tried(() => readdirSync('/root')), tried(() => readdirSync('/home'))]
    export const t = defineTool({ description: closed.join(), parameters: any, execute: () => 1 })`)
    const answer = await describeBundle({ file: 'a.ts', text }, { sandbox: one, guard: noGuard })
    if (one.kind === kind)
      expect(answer).toMatchObject({ kind: 'tools', tools: [{ description: 'closed,closed,closed' }] })
    else expect(answer).toMatchObject({ kind: 'refused' })
  },
)

test('initializers of a project are called once: a field that no agent has and a model that is none are mistakes, and what they throw is none', async () => {
  const project = (initializer: string) =>
    bundleOf(`
      import { createAgent } from '@reins/agent'
      import { defineProject } from '@reins/agent/project'
      const desk = { module: { default: createAgent(${initializer}) }, file: 'src/agents/desk.ts' }
      export default defineProject({ agents: { desk }, workflows: {}, channels: {} })`)
  const said = (initializer: string) =>
    describeBundle({ file: 'p', text: project(initializer), wanted: 'project' }, { sandbox, guard: noGuard })
  const message = 'src/agents/desk.ts: createAgent() initializer returned unknown runtime config field "instruction"'
  expect(await said("() => ({ model: 'a/b', instruction: 'x' })")).toEqual({
    kind: 'problems',
    problems: [{ file: 'p', message: expect.stringContaining(message) }],
  })
  for (const initializer of ["() => ({ model: 'gpt' })", "() => ({ profile: { model: 'gpt' } })"])
    expect([initializer, await said(initializer)]).toMatchObject([
      initializer,
      {
        kind: 'problems',
        problems: [
          { message: expect.stringMatching(/desk\.ts: (profile: )?model must be "provider\/model".*not "gpt"\.$/) },
        ],
      },
    ])
  for (const initializer of [
    '({ env }) => ({ model: env.MODEL })',
    '() => ({ model: false })',
    "() => { throw new Error('no such ticket') }",
    '() => ({})',
    '() => new Promise(() => {})',
    '() => process.exit(1)',
    "({ env }) => ({ model: env.MODEL.trim() || 'a/b' })",
  ])
    expect([initializer, await said(initializer)]).toMatchObject([
      initializer,
      { kind: 'tools', project: { agents: [expect.not.objectContaining({ model: expect.anything() })] } },
    ])
  // Whoever deploys it is told where nobody can call that model.
  const { project: manifest } = (await said("() => ({ profile: { model: 'c/d' } })")) as { project?: ProjectManifest }
  expect(manifest?.agents.map(({ model }) => model)).toEqual(['c/d'])
})
