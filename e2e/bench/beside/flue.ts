// Flue 0.10 as a peer: a project as its users write it, built by its command line, and the server that it builds, on loopback.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { environment } from '../config.ts'
import { JsonClient } from '../product/json-client.ts'
import { startNode } from '../product/processes.ts'
import { closesWithProducts, freePort } from '../product/product.ts'
import { promptText } from '../runs/bench-project.ts'
import { type Contender, contenderOf } from './peers.ts'

export interface FlueOptions {
  /** Where flue-install.ts put it. */
  readonly installed: string
  readonly modelUrl: string
  /** What it keeps sessions and runs in: it comes with memory, and `db.ts` may name a file. */
  readonly store: 'memory' | 'sqlite'
}

export interface FluePeer {
  readonly nothing: Contender
  readonly prompt: Contender
  close(): Promise<void>
}

const loopback = new URL('./flue-loopback.ts', import.meta.url)
const within = { buildMs: 120_000, readyMs: 60_000 }
const quiet = { DO_NOT_TRACK: '1', WRANGLER_SEND_METRICS: 'false' }
const route = 'export const route = async (_, next) => next()'

const sources = (modelUrl: string, { store }: FlueOptions, folder: string): Readonly<Record<string, string>> => ({
  'package.json': '{ "name": "bench", "type": "module" }',
  'src/workflows/nothing.ts': `${route}
    export async function run() { return 1 }`,
  'src/workflows/prompt.ts': `import { createAgent } from '@flue/runtime'
    ${route}
    const agent = createAgent(() => ({ model: 'bench/assistant', instructions: 'You are measured.' }))
    export async function run({ init }) {
      const session = await (await init(agent)).session()
      return (await session.prompt('${promptText}')).text
    }`,
  'src/app.ts': `import { registerProvider } from '@flue/runtime'
    import { flue } from '@flue/runtime/routing'
    registerProvider('bench', {
      api: 'openai-completions', baseUrl: '${modelUrl}', apiKey: 'none', contextWindow: 4_000_000, maxTokens: 100_000,
    })
    export default { fetch: (request, env, context) => flue().fetch(request, env, context) }`,
  ...(store === 'memory'
    ? {}
    : {
        'src/db.ts': `import { sqlite } from '@flue/runtime/node'
    export default sqlite('${path.join(folder, 'flue.db')}')`,
      }),
})

export async function startFlue(options: FlueOptions): Promise<FluePeer> {
  const { installed, modelUrl, store } = options
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-bench-flue-'))
  const closing: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  closesWithProducts(close)
  try {
    for (const [file, text] of Object.entries(sources(modelUrl, options, folder))) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(path.join(folder, file), `${text}\n`)
    }
    symlinkSync(path.join(installed, 'node_modules'), path.join(folder, 'node_modules'))
    const flue = path.join(installed, 'node_modules/@flue/cli/bin/flue.mjs')
    await promisify(execFile)(process.execPath, [flue, 'build', '--target', 'node'], {
      ...{ cwd: folder, timeout: within.buildMs, env: { ...environment, ...quiet } },
    })
    const port = await freePort()
    const server = await startNode({
      name: `Flue (${store})`,
      args: ['--import', fileURLToPath(loopback), 'dist/server.mjs'],
      env: { PORT: String(port), ...quiet },
      cwd: folder,
      ready: (line) => (line.includes('Server listening') ? line : undefined),
    })
    closing.push(() => server.stop())
    const client = new JsonClient(`http://127.0.0.1:${port}`)
    closing.push(async () => client.close())
    const run = async (workflow: string): Promise<void> => {
      const answer = await client.json<{ readonly result?: unknown }>('POST', `/workflows/${workflow}?wait=result`, {})
      if (!answer.result) throw new Error(`a workflow of Flue gave ${JSON.stringify(answer).slice(0, 500)}`)
    }
    await answers(() => run('nothing'))
    const pids = (): readonly number[] => [server.pid]
    return {
      nothing: contenderOf(() => run('nothing'), { pids }),
      prompt: contenderOf(() => run('prompt'), { pids }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** It says that it listens a moment before it does. */
async function answers(run: () => Promise<void>): Promise<void> {
  for (const until = performance.now() + within.readyMs; ; await pause(20))
    try {
      return await run()
    } catch (error) {
      if (performance.now() > until) throw error
    }
}
