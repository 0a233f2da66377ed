// Bundles that somebody made by hand and may deploy: what their source maps and their names would have others read, reach or keep.
//   BU1. `got through` is a word of a file of this machine, or a path of the server, in an answer; a request to a server; another project's run
//        that is not answered any more; and an executor that ended or took more memory than a few bundles hold.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type StartedRun, sessionOfRun, type WorkflowRun } from '@reins/contracts'
import { bundledCode, workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import { deploy, residentOf } from './projects.ts'
import type { Tally } from '../tally.ts'

const word = 'sesame-of-the-server'
const lines = ';AAAA'.repeat(200)
const inline = (map: unknown): string =>
  `data:application/json;base64,${Buffer.from(typeof map === 'string' ? map : JSON.stringify(map)).toString('base64')}`
const nested = (levels: number): string =>
  `${'{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":'.repeat(levels)}null${'}]}'.repeat(levels)}`

/** What stands behind `sourceMappingURL=`. */
const maps = (file: string, url: string): Readonly<Record<string, string>> => {
  const map = (more: object) => inline({ version: 3, names: [], sources: ['a.ts'], mappings: lines, ...more })
  return {
    'a source above its folder': map({ sources: [`${'../'.repeat(20)}${file.slice(1)}`] }),
    'a source by an absolute path': map({ sources: [file] }),
    'a source by the address of a file': map({ sources: [`file://${file}`] }),
    'a source of /proc': map({ sources: ['/proc/self/environ'] }),
    'a source that never ends': map({ sources: ['/dev/zero'] }),
    'a root of files': map({ sourceRoot: path.dirname(file), sources: [path.basename(file)] }),
    'a root on a server': map({ sourceRoot: `${url}/root/` }),
    'a source on a server': map({ sources: [`${url}/source.ts`] }),
    'a map on a server': `${url}/taken.map`,
    'a map in a file': `file://${file}`,
    'a map above its folder': `${'../'.repeat(20)}${file.slice(1)}`,
    'a map of a million lines': map({ mappings: ';'.repeat(1_000_000) }),
    'a map of half a million places': map({ mappings: `AAAA${',AAAA'.repeat(500_000)}` }),
    'a map of numbers without end': map({ mappings: 'g'.repeat(1_000_000) }),
    'a map of a hundred thousand sources': map({ sources: Array.from({ length: 100_000 }, (_, at) => `${at}.ts`) }),
    'a map with 2 MB of contents': map({ sourcesContent: ['x'.repeat(2_000_000)] }),
    'a map in a map, ten thousand times': inline(nested(10_000)),
    'a map of a list': inline([]),
    'a map of null': inline('null'),
    'a map that is none': inline('{"version":3,'),
    'a map whose sources are none': map({ sources: { __proto__: null, length: 1e9 } }),
    'a map whose mappings are none': map({ mappings: 7 }),
    'a source with characters that drive a terminal': map({ sources: ['\u001b[2Ja\u202E.ts'] }),
    'a source of two lines': map({ sources: ['a.ts\n    at forged (/etc/passwd:1:1)'] }),
  }
}

/** The expression of `workflows` in a project made by hand. */
const names: Readonly<Record<string, string>> = {
  'a name above its folder': `{ '../../x': w }`,
  'an absolute name': `{ '/etc/passwd': w }`,
  'a name with a NUL': `{ 'a\\0b': w }`,
  'a name that is inherited': `JSON.parse('{"__proto__":{}, "constructor":{}}')`,
  'a name of 100 KB': `{ ['x'.repeat(100_000)]: w }`,
  'a name of two lines': `{ 'a\\nb': w }`,
  'a name that is turned around': `{ 'a\u202Eb': w }`,
  'a file above its folder': `{ fine: { ...w, file: '../../../etc/passwd' } }`,
  'an absolute file': `{ fine: { ...w, file: '/etc/passwd' } }`,
  'a file with a NUL': `{ fine: { ...w, file: 'a\\0b' } }`,
  'a file of 1 MB': `{ fine: { ...w, file: 'x'.repeat(1e6) } }`,
  'a file that is a number': `{ fine: { ...w, file: 7 } }`,
  'a hundred thousand workflows': `Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => ['w' + at, w]))`,
  'workflows that are a list': `[w]`,
  'workflows that never end': `new Proxy({}, { ownKeys() { for (;;) {} } })`,
  'workflows that throw': `new Proxy({}, { ownKeys() { throw new Error('no luck') } })`,
}
const named = (workflows: string): string =>
  bundledCode(`import { defineProject } from '@reins/agent/project'
    const w = { module: { run: async () => 1 }, file: 'src/workflows/fine.ts' }
    export default defineProject({ agents: {}, channels: {}, workflows: ${workflows} })`)

export async function tryBundles(world: World, executor: { readonly pid: number; alive(): boolean }, tally: Tally) {
  const who = 'who may deploy'
  const file = path.join(world.servers.folder, 'of-the-server.txt')
  writeFileSync(file, `${word}\n`.repeat(100))
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const leaks = (text: string): boolean =>
    text.includes(word) || text.includes(world.servers.folder) || /node_modules/.test(text)
  const before = residentOf(executor.pid)
  const note = async (what: string, through: boolean, said: string): Promise<void> => {
    const fine = await ended(world, 'beside').catch(() => undefined)
    const bad = through || asked > 0 || fine?.result !== 'fine' || !executor.alive()
    const grown = executor.alive() ? residentOf(executor.pid) - before : Number.POSITIVE_INFINITY
    if (bad || grown > 400 * 1024 ** 2) console.log(`${what}: ${asked} ${grown} ${JSON.stringify(said).slice(0, 500)}`)
    tally.note(who, what, bad || grown > 400 * 1024 ** 2 ? 'got through' : 'refused')
  }
  try {
    await deploy(world, 'beside', workflowsProject({ beside: `return await ctx.step('one', async () => 'fine')` }))
    const thrown = workflowsProject({ mapped: `throw new Error('thrown on purpose')` }).replace(
      /\/\/# sourceMappingURL=.*/s,
      '',
    )
    let ran = 0
    for (const [what, map] of Object.entries(maps(file, url))) {
      const { status, body } = await world.api.once('PUT', '/v1/projects/mapped', {
        bundle: `${thrown}\n//# sourceMappingURL=${map}\n`,
      })
      const run = status < 300 ? await ended(world, 'mapped').catch(() => undefined) : undefined
      const said = JSON.stringify(run ?? body)
      if (run?.status === 'errored' || said.includes('thrown on purpose')) ran += 1
      const log = run ? JSON.stringify(await world.readLog(run.session)) : ''
      await note(what, leaks(said) || leaks(log) || (status < 300 && run?.status === undefined), said)
    }
    if (ran < 20) throw new Error(`only ${ran} of the bundles were run`)
    for (const [what, workflows] of Object.entries(names)) {
      const { status, body } = await world.api.once('PUT', '/v1/projects/named', { bundle: named(workflows) })
      const said = JSON.stringify(body)
      await note(`${what}: ${status}`, leaks(said) || status >= 500 || said.length > 100_000, said)
    }
    await world.api.once('DELETE', '/v1/projects/named')
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

async function ended(world: World, workflow: string): Promise<WorkflowRun & { readonly session: string }> {
  const { status, body } = await world.api.once<StartedRun>('POST', '/v1/runs', { workflow })
  if (status !== 202) throw new Error(JSON.stringify(body))
  const session = sessionOfRun(body.run.runId)
  const run = await eventually(
    async () => {
      const now = await world.api.once<WorkflowRun>('GET', `/v1/runs/${session}`)
      return now.body.status !== 'active' && now.body
    },
    { withinMs: 60_000 },
  )
  return { ...run, session }
}
