// The project whose workflows are measured: as a person would write it, built as `reins build` builds it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildProject } from '@reins/project'
import type { ApiClient } from '../product/api-client.ts'
import { type Product, plainAgent } from '../product/product.ts'

/** What the workflow with a prompt says to the model. */
export const promptText = 'say one two three four'

const modules = {
  nothing: 'export async function run() { return 1 }',
  steps: `
    export async function run(ctx) {
      const one = await ctx.step('one', () => 1)
      const two = await ctx.step('two', () => one + 1)
      return ctx.step('three', () => two + 1)
    }`,
  prompt: `
    export async function run(ctx) {
      const session = await (await ctx.init('${plainAgent}')).session()
      return (await session.prompt('${promptText}')).text
    }`,
  // As many operations as are asked for, a thousand a replay; the last one waits to be told to end.
  long: `
    export async function run(ctx) {
      for (let at = 0; at < ctx.payload.operations - 1; at++) {
        if (at % 1000 === 999) await ctx.sleep(1)
        else ctx.now()
      }
      await ctx.waitFor('end')
      return ctx.payload.operations
    }`,
  // Sleeps until a time, and tells how much later it woke.
  sleeper: `
    export async function run(ctx) {
      await ctx.sleep(Math.max(0, ctx.payload.at - ctx.now()))
      const woke = await ctx.step('woke', () => Date.now())
      return { late: woke - ctx.payload.at, version: VERSION }
    }`,
}

export type BenchWorkflow = keyof typeof modules

export interface Ended {
  readonly status: string
  readonly result?: unknown
}

/** `version`: another one is another build. */
export async function deployBench({ api }: Product, version: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-bench-project-'))
  try {
    const files = {
      'package.json': '{ "name": "bench", "type": "module" }',
      ...Object.fromEntries(
        Object.entries(modules).map(([name, text]) => [
          `src/workflows/${name}.ts`,
          `// @ts-nocheck\n${text.replace('VERSION', String(version))}\n`,
        ]),
      ),
    }
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(path.join(folder, file), text)
    }
    const built = await buildProject(folder)
    if (built.kind !== 'built') throw new Error(built.problems.join('\n'))
    await api.put('/v1/projects/bench', { bundle: built.text })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A run, until its result is here. */
export async function runToItsEnd(api: ApiClient, workflow: BenchWorkflow): Promise<void> {
  const { run: ended } = (await api.post('/v1/runs?wait=result', { workflow })) as { readonly run: Ended }
  if (ended.status !== 'completed') throw new Error(`a run of the benchmark did not complete: ${JSON.stringify(ended)}`)
}
