// Everything that one machine runs, killed at one moment in the middle of answers and of tools: the process, nats-server and Postgres. The
// next `reins up` on the same folder goes on with each of them. All settings are those of the product, ack_wait too.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Api } from '../harness/api.ts'
import { Collector, regenerated } from '../harness/collector.ts'
import { compileCache, home, searchPath } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'

const deadline = 180_000
const binary = path.join(import.meta.dirname, '..', '..', 'deploy', 'local', 'src', 'main.ts')
const started: ChildProcess[] = []
let folder: string
let collector: Collector

beforeAll(async () => {
  collector = await Collector.open()
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'reins-killed-')))
})
afterAll(async () => {
  for (const product of started) if (product.exitCode === null && product.signalCode === null) await killAll(product)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  await collector?.close()
}, deadline)

/** Resolves with its URL when it is ready. */
async function up(): Promise<{ readonly product: ChildProcess; readonly url: string }> {
  const product = spawn(process.execPath, [binary, 'up'], {
    cwd: folder,
    env: {
      ...compileCache,
      PATH: searchPath,
      HOME: home,
      REINS_PORT: '0',
      REINS_DATA_DIR: path.join(folder, '.reins'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(product)
  for await (const line of createInterface({ input: product.stdout }))
    if (line.startsWith('ready ')) return { product, url: line.slice('ready '.length) }
  throw new Error('reins up ended before it was ready')
}

/** The process and all below it, children first found, all killed before the first can be restarted. */
function below(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    return children.map(Number).flatMap((child) => [child, ...below(child)])
  } catch {
    return []
  }
}

async function killAll(product: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => product.once('exit', resolve))
  const pid = product.pid ?? 0
  const all = [pid, ...below(pid)]
  for (const one of all) {
    try {
      process.kill(one, 'SIGKILL')
    } catch {
      // It ended with its parent.
    }
  }
  await gone
}

const tokens = 100
const countIn = (types: readonly string[], wanted: string): number => types.filter((type) => type === wanted).length

test.runIf(process.platform === 'linux')(
  'killed in eight answers, behind a tool and in a tool, it ends all turns after its next start, runs no tool twice, and exports each span',
  async () => {
    const first = await up()
    const token = readFileSync(path.join(folder, '.reins', 'admin.token'), 'utf8').trim()
    let url = first.url
    const api = new Api(() => [url], token)
    const sessions = await Promise.all(
      Array.from({ length: 8 }, async () => (await api.create('assistant', `stream ${tokens} every 50`)).session.id),
    )
    const typesOf = async (session: string) => {
      const { body } = await api.once<{ events: { type: string; data: { data?: unknown } }[] }>(
        'GET',
        `/v1/sessions/${session}/events`,
      )
      return body.events.map(({ type }) => type)
    }
    // Each run of a tool leaves a line behind, in a file of the session.
    const withTool = async (name: string, after: string) => {
      const file = path.join(folder, 'workspace', 'assistant', name)
      const command = `!shell echo ran >> ${name}${after}`
      const { session } = await api.create('assistant', command)
      return {
        session: session.id,
        ran: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0),
      }
    }
    const [behind, inside] = await Promise.all([
      withTool('behind.txt', ` && then stream ${tokens} every 50`),
      withTool('inside.txt', '; sleep 10000'),
    ])
    await Promise.all([
      ...sessions.map((session) => eventually(async () => (await typesOf(session)).includes('model-call.started'))),
      eventually(async () => countIn(await typesOf(behind.session), 'model-call.started') === 2, {
        describe: () => 'the model is asked behind the tool',
      }),
      eventually(() => inside.ran() === 1, { describe: () => 'the tool has left its line behind' }),
    ])
    await killAll(first.product)

    const begun = performance.now()
    const second = await up()
    const bootMs = performance.now() - begun
    url = second.url
    await Promise.all(
      [...sessions, behind.session, inside.session].map((session) =>
        eventually(async () => (await typesOf(session)).includes('turn.completed'), { withinMs: 120_000 }),
      ),
    )
    const allMs = performance.now() - begun
    process.stdout.write(
      `killed in 8 answers of ${(tokens * 50) / 1000} s: ready after ${Math.round(bootMs)} ms, the last answer after ${Math.round(allMs)} ms\n`,
    )
    for (const session of sessions) {
      const types = await typesOf(session)
      expect(types.filter((type) => type === 'turn.completed')).toHaveLength(1)
      expect(types.filter((type) => type === 'model-call.completed')).toHaveLength(1)
      expect(types.filter((type) => type === 'model-call.started')).toHaveLength(2)
    }
    const seen = await typesOf(behind.session)
    expect(seen.filter((type) => type.startsWith('tool-call.') && type !== 'tool-call.started')).toEqual([
      'tool-call.completed',
    ])
    // The second call of the model was cut off, and is the only thing that was begun again.
    expect(countIn(seen, 'model-call.started')).toBe(3)
    expect(countIn(seen, 'turn.completed')).toBe(1)
    expect(behind.ran()).toBe(1)
    const cut = await typesOf(inside.session)
    expect(countIn(cut, 'tool-call.outcome-unknown')).toBe(1)
    expect(countIn(cut, 'tool-call.completed')).toBe(0)
    expect(cut.indexOf('turn.completed')).toBeGreaterThan(cut.indexOf('tool-call.outcome-unknown'))
    expect(inside.ran()).toBe(1)
    // What the collector had been given, and what it had not: wherever the export had come to, no span is missing.
    for (const session of [...sessions, behind.session, inside.session]) {
      const wanted = await regenerated(api, session)
      expect(wanted.length).toBeGreaterThan(2)
      await eventually(() => collector.ofRoot(session).length >= wanted.length, {
        describe: () => `${collector.ofRoot(session).length} of ${wanted.length} spans of ${session}`,
      })
      const ids = (spans: readonly { readonly spanId: string }[]) => spans.map(({ spanId }) => spanId).sort()
      expect(ids(collector.ofRoot(session))).toEqual(ids(wanted))
    }
  },
  deadline,
)

test.runIf(process.platform === 'linux')(
  'killed while long outputs wait to be kept, it leaves none of them on the disk, with a name or without, and begins with an empty spool',
  async () => {
    const before = started.at(-1)
    if (before) await killAll(before)
    const first = await up()
    const token = readFileSync(path.join(folder, '.reins', 'admin.token'), 'utf8').trim()
    const api = new Api(() => [first.url], token)
    const spool = path.join(folder, '.reins', 'spool')
    const mark = 'left-behind-by-a-command'
    // More than is kept in memory, and then it goes on for ever.
    const command = `!shell for i in $(seq 90000); do echo ${mark}-$i; done; sleep 10000`
    const sessions = await Promise.all(
      Array.from({ length: 4 }, async () => (await api.create('assistant', command)).session.id),
    )
    expect(sessions).toHaveLength(4)
    await eventually(async () => spooled(first.product.pid ?? 0, spool) >= 4)
    await killAll(first.product)
    expect(holding(path.join(folder, '.reins', 'spool'), mark)).toEqual([])
    // As a process that was killed in the moment in which a file still has its name leaves it.
    writeFileSync(path.join(spool, 'output-of-a-killed-process'), mark)
    await up()
    expect(readdirSync(spool)).toEqual([])
    expect(holding(os.tmpdir(), mark, 1)).toEqual([])
  },
  deadline,
)

/** Files without a name in the folder, that these processes have open. */
function spooled(pid: number, folder: string): number {
  const open = new Set<string>()
  for (const one of [pid, ...below(pid)])
    try {
      for (const fd of readdirSync(`/proc/${one}/fd`)) {
        const to = readlinkSync(`/proc/${one}/fd/${fd}`)
        if (to.startsWith(`${folder}/`) && to.endsWith(' (deleted)')) open.add(to)
      }
    } catch {
      // It ended, or closed what it had.
    }
  return open.size
}

/** Files that hold the text, so many folders deep. */
function holding(folder: string, text: string, deep = 9): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(folder, entry.name)
    if (entry.isDirectory()) return deep > 0 && entry.name.startsWith('reins-spool-') ? holding(at, text, deep - 1) : []
    if (!entry.isFile() || !entry.name.startsWith('output-')) return []
    return readFileSync(at, 'utf8').includes(text) ? [at] : []
  })
}
