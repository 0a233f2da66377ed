// `reins dev`: ms from a save until the server has the new build, and whether the session that was open goes on.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bundledBinary } from '../../../scripts/bundle.ts'
import { startNode } from '../product/processes.ts'
import type { Product } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'

export interface Reload {
  readonly ms: Spread
  /** Turns of the session that was begun before the first save, all of them answered. */
  readonly turns: number
}

const deadlineMs = 60_000

export async function measureReload({ api, url, token }: Product, saves: number): Promise<Reload> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-bench-dev-'))
  const file = path.join(folder, 'src/agents/reloaded.ts')
  const save = (n: number): void =>
    writeFileSync(
      file,
      `import { createAgent } from '@reins/agent'\nexport default createAgent(() => ({ model: 'scripted/echo', instructions: 'Save ${n}.' }))\n`,
    )
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "reloaded", "type": "module" }')
  save(0)
  const dev = await startNode({
    name: 'reins dev',
    args: [await bundledBinary(), 'dev', folder],
    env: { REINS_URL: url, REINS_TOKEN: token, HOME: folder },
    cwd: folder,
    ready: (line) => (line.includes('Watching ') ? line : undefined),
  })
  try {
    const say = async (body: object, at: string) =>
      (await api.post(`/v1/sessions${at}?wait=turn`, body)) as {
        readonly session?: { readonly id: string }
        readonly turn: { readonly status: string }
      }
    const { session } = await say({ agent: 'reloaded', message: 'hello' }, '')
    const ms: number[] = []
    let turns = 1
    for (let n = 1; n <= saves; n++) {
      const from = performance.now()
      save(n)
      await untilVersion(api, n + 1, from)
      ms.push(performance.now() - from)
      const { turn } = await say({ content: 'again' }, `/${session?.id}/messages`)
      if (turn.status !== 'completed') throw new Error(`after save ${n} the session answers no more: ${turn.status}`)
      turns += 1
    }
    return { ms: spread(ms), turns }
  } finally {
    await dev.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function untilVersion(api: Product['api'], version: number, from: number): Promise<void> {
  for (;;) {
    const { project } = (await api.get('/v1/projects/reloaded')) as { readonly project: { readonly version: number } }
    if (project.version >= version) return
    if (performance.now() - from > deadlineMs) throw new Error(`version ${version} is not there after a minute`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
