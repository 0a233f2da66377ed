// Initializers of agents in real code hosts: what they give, what becomes of those that fail, and whose the tools of an instance are.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type CodeSource, codeSource, Initializers } from '@reins/code-host'
import type { AgentDefinition, CodeTool } from '@reins/contracts'
import { buildProject } from '@reins/project'
import { detectSandbox, noGuard } from '@reins/tools'
import { eventually } from '../harness/eventually.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const deadline = 120_000

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "support", "type": "module" }',
  'src/agents/ticket.ts': `
import { createAgent, defineTool, dispatch, Type } from '@reins/agent'
let times = 0
export default createAgent(({ id }) => {
  if (id === 'throws') throw new Error('no luck')
  if (id === 'hangs') return new Promise<never>(() => {})
  if (id === 'loops') for (;;) {}
  if (id === 'exits') process.exit(1)
  if (id === 'crowds') { const all: unknown[] = []; for (;;) all.push(new Array(1e6).fill(id + all.length)) }
  if (id === 'dispatches') return dispatch({ agent: 'ticket', id: 'other', input: 1 }) as never
  if (id === 'nothing') return undefined as never
  if (id === 'odd') return { model: 'scripted/x', instruction: 'a field too few letters' } as never
  if (id === 'polluted') (Object.prototype as any).kind = 'value'
  times += 1
  const mine = times
  return {
    model: 'scripted/x',
    tools: [
      defineTool({
        name: 'who', description: 'Tells whose it is.', parameters: Type.Object({}), risk: 'read',
        execute: () => id + ' ' + mine,
      }),
    ],
  }
})`,
}

let folder: string
let bundle: { readonly digest: string; readonly file: string }
let size: number
let initializers: Initializers
/** Gives up soon. */
let hasty: Initializers
let source: CodeSource

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'reins-initializers-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  const built = await buildProject(folder)
  if (built.kind !== 'built') throw new Error(JSON.stringify(built))
  bundle = { digest: built.digest, file: 'src/agents/ticket.ts' }
  size = built.text.length
  const programs = [path.dirname(process.execPath)]
  const sandbox = await detectSandbox({ allowUnsandboxed: true, allowNetwork: false, programs })
  const options = { sandbox, guard: noGuard, textOf: async () => built.text }
  initializers = new Initializers(options)
  hasty = new Initializers({ ...options, withinMs: 3000 })
  source = codeSource({ sandbox, guard: noGuard, bundles: { get: async () => Buffer.from(built.text) } })
}, deadline)

afterAll(async () => {
  await Promise.all([initializers?.close(), hasty?.close(), source?.close()])
  rmSync(folder, { recursive: true, force: true })
}, deadline)

const configure = (id: string, by = initializers) => by.run({ bundle, agent: 'ticket', input: { id } })

describe('an initializer', () => {
  test('gives what the agent is for an id', { timeout: deadline }, async () => {
    expect(await configure('t-1')).toMatchObject({
      kind: 'configuration',
      value: { model: 'scripted/x', tools: [{ name: 'who' }] },
    })
  })

  test.each([
    ['throws', 'src/agents/ticket.ts: the initializer failed: no luck'],
    ['exits', 'process.exit is not there'],
    ['crowds', 'src/agents/ticket.ts: '],
    ['nothing', 'src/agents/ticket.ts: '],
    ['dispatches', 'the initializer failed: dispatch() works in routes, channels, workflows'],
    ['odd', 'unknown runtime config field "instruction"'],
  ])(
    'that %s fails by itself, with its module named, and the next one works',
    { timeout: deadline },
    async (id, said) => {
      const answer = await configure(id)
      expect(answer).toEqual({ kind: 'failed', message: expect.stringContaining(said) })
      expect(await configure('t-2')).toMatchObject({ kind: 'configuration' })
    },
  )

  test.each(['hangs', 'loops'])('that %s is stopped with its process', { timeout: deadline }, async (id) => {
    const said = 'src/agents/ticket.ts: the initializer did not end within 3 s'
    expect(await configure(id, hasty)).toEqual({ kind: 'failed', message: expect.stringContaining(said) })
    // A busy machine may need longer than that for the start of the next process.
    await eventually(async () => (await configure('t-3', hasty)).kind === 'configuration')
  })

  test('that changes what all objects have makes no answer of itself', { timeout: deadline }, async () => {
    expect(['configuration', 'failed']).toContain((await configure('polluted')).kind)
    expect(await configure('throws')).toMatchObject({ kind: 'failed' })
  })
})

describe('a tool of an instance', () => {
  const told: CodeTool = { name: 'who', description: 'x', parameters: { type: 'object' }, replay: 'safe', risk: 'read' }
  const of = (id: string, prompt = 'x') =>
    ({
      ...{ name: 'ticket', model: 'scripted/x', system_prompt: prompt },
      tools: [{ ...bundle, size, network: true, tools: [told], instance: { agent: 'ticket', id } }],
    }) as unknown as AgentDefinition
  const call = async (definition: AgentDefinition): Promise<string> => {
    const context = {
      ...{ signal: new AbortController().signal, session: 's', idempotencyKey: 'k', progress: () => {} },
      ...{ secrets: async () => '', configs: async () => '' },
    }
    const { output } = (await source.run({ name: 'who', arguments: {}, definition }, context as never)) as {
      output: string
    }
    return output
  }

  test('has its own id, and what the initializer gave for the definition of the call', {
    timeout: deadline,
  }, async () => {
    const [ann, bob, anew] = [of('ann'), of('bob'), of('ann', 'another')]
    const said = [await call(ann), await call(bob), await call(ann), await call(anew), await call(ann)]
    expect(said.map((text) => text.split(' ')[0])).toEqual(['ann', 'bob', 'ann', 'ann', 'ann'])
    const [first, , again, other, last] = said
    expect([again, last]).toEqual([first, first])
    expect(other).not.toBe(first)
  })
})
