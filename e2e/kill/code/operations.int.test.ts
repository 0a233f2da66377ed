// Workflows that use everything that `ctx`, a harness and its files have: at each operation the executor that asks for it or the
// tool-runner that does it is killed, and the code is given what it would be given if nobody had been. The files stand in memory.
//   KF1. Whoever takes the place of a killed process does again what was cut off, and is killed in what comes next: so no operation is
//        spared, and none is cut off for ever.
import { instanceSessionId } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCode } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { countOf, eventsOf } from '../bench.ts'
import { RunBench } from './run-bench.ts'

const deadline = 240_000
const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
const tests = ['files', 'everything', 'everything-in-steps'] as const
const labelsOf = (name: string) => ({ killed: name })
let bench: RunBench

beforeAll(async () => {
  bench = await RunBench.open()
  await Promise.all(
    tests.map(async (name) => {
      await bench.world.agent(`${name}-worker`, {
        affinity: labelsOf(name),
        tools: ['virtual_sandbox'],
        max_tokens: 300,
      })
      await bench.deployBundle(name, projectOf(name))
    }),
  )
}, deadline)
afterAll(() => bench?.close(), deadline)

/** What every operation on files gives, one after the other. */
const files = `
  const harness = await ctx.init(worker)
  const session = await harness.session()
  await session.fs.mkdir('notes/deep', { recursive: true })
  await session.fs.writeFile('notes/a.txt', 'one\\n')
  await session.fs.writeFile('notes/bytes', new Uint8Array([0, 255, 10]))
  const appended = await session.shell('echo two >> notes/a.txt; wc -l < notes/a.txt', { cwd: '.', env: { REGION: 'eu' } })
  const text = await session.fs.readFile('notes/a.txt')
  const bytes = await session.fs.readFileBuffer('notes/bytes')
  const { isFile, isDirectory, size } = await session.fs.stat('notes/a.txt')
  await session.fs.rm('notes/bytes')
  const names = await session.fs.readdir('notes')
  const there = await session.fs.exists('notes/bytes')
  await harness.fs.writeFile('b.txt', 'by the harness')
  const read = await harness.fs.readFile('b.txt')
  const counted = await harness.shell('echo three >> notes/a.txt; wc -l < notes/a.txt')
  const other = await harness.sessions.create('other')
  const empty = await other.fs.readdir('.')
  await other.fs.writeFile('mine', 'first')
  await other.delete()
  const again = await (await harness.sessions.create('other')).fs.exists('mine')
  const same = (await harness.sessions.get('default')) !== undefined
  const look = defineTool({ name: 'look', description: 'Looks.', parameters: Type.Object({}), risk: 'read', execute: () => 'found ' + size })
  const offered = (await other.prompt('call look {}', { tools: [look] })).text.includes('found 8')
  return [offered, appended.stdout.trim(), text, [...bytes], isFile, isDirectory, size, names, there, read, counted.stdout.trim(), empty, again, same]`

const read = [
  true,
  '2',
  'one\ntwo\n',
  [0, 255, 10],
  true,
  false,
  8,
  ['a.txt', 'deep'],
  false,
  'by the harness',
  '3',
  [],
  false,
  true,
]

/** Every operation of a run, one after the other; what may run twice is told to the counter with its key. */
const everything = `
  const long = (word) => 'say ' + word.repeat(200)
  const tell = (name) => ({ idempotencyKey }) => fetch(ctx.payload.url + '/' + encodeURIComponent(name + ' ' + idempotencyKey)).then((r) => r.text())
  const began = [ctx.now(), ctx.random(), ctx.uuid()]
  ctx.log.info('begins', { id: ctx.id })
  const config = await ctx.getConfig('nothing')
  const safe = await ctx.step('safe', tell('safe'), { replay: 'safe' })
  const tries = await ctx.step('tries', () => { throw new Error('never') }, { replay: 'safe', retries: 1, backoff: 10 }).catch(({ code }) => code)
  const { dispatchId } = await dispatch({ agent: ctx.payload.desk, id: 'd-1', input: { n: 1 } })
  const session = await (await ctx.init(worker, { name: 'main' })).session()
  const first = await session.prompt(long('one'))
  const { data } = await session.prompt('say {"total":3}', { result: { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] } })
  const written = await session.tool('write_file', { path: 'a', content: 'b' })
  await ctx.sleep(50)
  const task = await session.task('say task')
  const look = defineTool({ name: 'look', description: 'Looks.', parameters: Type.Object({}), risk: 'read', execute: () => began })
  const offered = (await session.prompt('call look {}', { tools: [look] })).text.includes(began[2])
  const used = await session.skill('nothing')
  for (const word of ['two', 'three']) await session.prompt(long(word))
  const { compacted } = await session.compact()
  const [{ ok }, paid, both] = await Promise.all([ctx.pause('ask', { question: 'go on?' }), ctx.waitFor('paid'), ctx.step('beside', () => 2, { replay: 'safe' })])
  return [offered, began.length, config, safe, tries, typeof dispatchId, first.text.length, data.total, written.status, task.text, typeof used.text, compacted, ok, paid, both]`

type Test = (typeof tests)[number]

const projectOf = (name: Test): string =>
  bundledCode(`
    import { createAgent, defineTool, dispatch, Type } from '@reins/agent'
    import { defineProject } from '@reins/agent/project'
    const worker = '${name}-worker'
    async function run(ctx) { ${name === 'files' ? files : everything} }
    const desk = { module: { default: createAgent(() => ({ model: 'scripted/assistant', sandbox: false })) }, file: 'src/agents/desk.ts' }
    const workflow = { module: { run, affinity: ${JSON.stringify(labelsOf(name))} }, file: 'src/workflows/${name}-run.ts' }
    export default defineProject({ agents: { '${name}-desk': desk }, workflows: { '${name}-run': workflow }, channels: {} })`)

/** A service of which each process is killed when it comes to the point, and replaced (KF1). */
class Mortal {
  kills = 0
  readonly #name: 'executor' | 'tool-runner'
  readonly #labels: Readonly<Record<string, string>>
  readonly #point: string
  #process: ServiceProcess | undefined

  constructor(point: string, labels: Readonly<Record<string, string>>) {
    this.#name = point.startsWith('executor.') ? 'executor' : 'tool-runner'
    this.#labels = labels
    this.#point = point
  }

  async start(): Promise<void> {
    const pauseAt = this.kills === 0 ? this.#point : `${this.#point}#2`
    this.#process = await bench.world.start(this.#name, { labels: this.#labels, environment, pauseAt })
  }

  async killIfPaused(): Promise<void> {
    if (!this.#process?.isPaused()) return
    await this.#process.kill()
    this.kills += 1
    await this.start()
  }

  async close(): Promise<void> {
    await this.#process?.kill()
  }
}

/** Until the run has ended, each process is killed that comes to the point. The log of the run, and how many were killed. */
async function killedAllAlong(name: Test, point: string, given: readonly unknown[]) {
  const mortal = new Mortal(point, labelsOf(name))
  const other = point.startsWith('executor.') ? 'tool-runner' : 'executor'
  const [spared] = await Promise.all([
    bench.world.start(other, { labels: labelsOf(name), environment }),
    mortal.start(),
  ])
  const { session, run } = await bench.start(`${name}-run`, { url: bench.counter.url, desk: `${name}-desk` })
  let delivered = false
  const { result, error } = await eventually(
    async () => {
      await mortal.killIfPaused()
      const now = await bench.show(session)
      if (!delivered && now.waiting) {
        delivered = true
        expect(await bench.deliver(run.runId, { event: 'paid', value: 5 })).toBe(202)
        expect(await bench.deliver(run.runId, { value: { ok: true } })).toBe(202)
      }
      return now.status !== 'active' && now
    },
    { withinMs: 150_000, describe: () => `${name} ends; ${mortal.kills} were killed` },
  )
  await Promise.all([mortal.close(), spared.kill()])
  expect([result, error]).toEqual([given, undefined])
  for (const id of await bench.tree(session)) {
    expect(await bench.world.verdict(id)).toEqual([])
    expect(countOf(await bench.world.readLog(id), 'tool-call.outcome-unknown')).toBe(0)
  }
  return { log: await bench.world.readLog(session), kills: mortal.kills }
}

const given = [true, 3, null, 'counted', 'failed', 'string', 600, 3, 'completed', 'task', 'string', true, true, 5, 2]

describe.concurrent('killed at each operation', () => {
  test(
    'of a workflow on files, its tool-runner before it can say what came of it: each happens once',
    async () => {
      const { log, kills } = await killedAllAlong('files', 'tool-runner.before-outcome', read)
      expect([countOf(log, 'run.prompted'), kills]).toEqual([17, 17])
    },
    deadline,
  )

  test(
    'of a workflow that uses them all, its executor when a replay has ended: nothing is asked or done twice',
    async () => {
      const { log, kills } = await killedAllAlong('everything', 'executor.before-replay-outcome', given)
      const waits = countOf(log, 'run.prompted') + countOf(log, 'run.slept')
      expect(kills).toBeGreaterThanOrEqual(waits)
      await dispatchedOnce('everything')
    },
    deadline,
  )

  test(
    'of a workflow that uses them all, its executor when a step has ended: it is done again with the same key',
    async () => {
      const { log, kills } = await killedAllAlong('everything-in-steps', 'executor.before-step-outcome', given)
      const steps = new Set(
        eventsOf(log).flatMap((event) => (event.type === 'run.step-started' ? [event.data.position] : [])),
      )
      expect([steps.size, kills]).toEqual([6, 6])
      await dispatchedOnce('everything-in-steps')
    },
    deadline,
  )
})

async function dispatchedOnce(name: Test): Promise<void> {
  const desk = instanceSessionId(`${name}-desk`, 'd-1', 'default')
  const log = await bench.until(desk, (now) => countOf(now, 'turn.completed') > 0)
  expect(countOf(log, 'message.received')).toBe(1)
}
