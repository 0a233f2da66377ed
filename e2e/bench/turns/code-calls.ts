// Calls of user-written tools: the bare way over a host, the start of one, and whole turns. The same function, called directly, is the
// raw cost of a call.
import { codeSource, describeBundle } from '@reins/code-host'
import { bundleDigest } from '@reins/contracts'
import { detectSandbox, noGuard, noValues } from '@reins/tools'
import { buildSync } from 'esbuild'
import path from 'node:path'
import { type Spread, spread } from '../report/numbers.ts'
import type { Product } from '../product/product.ts'

export interface CodeCalls {
  /** From the runner to a warm host and back. */
  readonly warmMs: Spread
  /** From nothing to the tools of a bundle being known: a host starts, and loads it. */
  readonly startMs: Spread
  /** The same function, in this process. */
  readonly directMs: Spread
  /** With one call, in a session that goes on. */
  readonly turnMs: Spread
}

const body = `({ text }) => ({ words: text.split(/\\s+/).filter(Boolean).length })`
const file = './tools.ts'
const input = { text: 'to be or not to be' }

const agent = 'bench-code'
const answer = 'say one two three four five six seven eight nine ten one two three four five six seven eight nine ten'

export async function measureCodeCalls({ api }: Product, quick: boolean): Promise<CodeCalls> {
  const text = bundleOf(`
    import { defineTool } from '@reins/agent'
    export const word_count = defineTool({
      description: 'Counts words.', parameters: { type: 'object', properties: { text: { type: 'string' } } },
      risk: 'read', execute: ${body},
    })`)
  const sandbox = await detectSandbox({ programs: [path.dirname(process.execPath)] })
  const starts = await timed(quick ? 5 : 20, () => describeBundle({ file, text }, { sandbox, guard: noGuard }))
  const [described] = starts.results
  if (described?.kind !== 'tools') throw new Error(JSON.stringify(described))

  const bytes = Buffer.from(text)
  const stored = { file, digest: bundleDigest(bytes), size: bytes.length, tools: [...described.tools] }
  const common = { name: agent, model: 'bench/assistant', system_prompt: 'You are measured.', max_tool_calls: 100 }
  const source = codeSource({ bundles: { get: async () => bytes }, sandbox, guard: noGuard })
  const context = {
    ...{ signal: new AbortController().signal, session: 's', idempotencyKey: 's/c', progress: () => {}, ...noValues },
    keep: async () => ({ ref: undefined, dropped: 0 }),
  }
  const call = { name: 'word_count', arguments: input, definition: { ...common, tools: [stored] } }
  let warm: readonly number[]
  try {
    await timed(quick ? 500 : 2000, () => source.run(call, context))
    warm = (await timed(quick ? 1000 : 5000, () => source.run(call, context))).ms
  } finally {
    await source.close()
  }

  await api.putAgent({ ...common, tools_file: file }, [{ file, text }])
  const message = `call word_count ${JSON.stringify(input)} && then ${answer}`
  const turns = async (times: number): Promise<readonly number[]> => {
    const session = await api.begin(agent, message)
    return (await timed(times, () => api.turn(session, message))).ms
  }
  await turns(20)
  const turnMs: number[] = []
  for (let round = 0; round < (quick ? 4 : 20); round++) turnMs.push(...(await turns(20)))
  const direct = await timed(1000, async () => count(input))
  return { warmMs: spread(warm), startMs: spread(starts.ms), directMs: spread(direct.ms), turnMs: spread(turnMs) }
}

const count = ({ text }: typeof input) => ({ words: text.split(/\s+/).filter(Boolean).length })

async function timed<T>(times: number, work: () => Promise<T>): Promise<{ ms: readonly number[]; results: T[] }> {
  const ms: number[] = []
  const results: T[] = []
  for (let i = 0; i < times; i++) {
    const from = performance.now()
    results.push(await work())
    ms.push(performance.now() - from)
  }
  return { ms, results }
}

function bundleOf(contents: string): string {
  const [bundle] = buildSync({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    ...{ bundle: true, format: 'esm', platform: 'node', write: false },
  }).outputFiles
  return bundle?.text ?? ''
}
