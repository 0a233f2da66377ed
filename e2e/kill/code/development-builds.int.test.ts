// A hundred saves in `reins dev`, on real processes: what stays of their builds, who still finds the build that it goes by, and the registry
// killed between the record that a build is removed and its bytes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import {
  type CreatedSession,
  keptBuilds,
  objectStores,
  type Project,
  type ProjectAnswer,
  registryKindFilter,
  type StartedRun,
  streams,
  type WorkflowRun,
} from '@reins/contracts'
import { readMessages } from '@reins/broker'
import { parseBundle } from '@reins/journal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledBinary } from '../../../scripts/bundle.ts'
import { compileCache, searchPath } from '../../harness/config.ts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { World } from '../../harness/world.ts'

const deadline = 300_000
const saves = 100
/** A clean-up that is about, and one that the next save makes. */
const few = 5

let world: World
let registry: ServiceProcess
let working: ServiceProcess[] = []
let folder = ''
const dev: { child?: ChildProcess; out: string } = { out: '' }

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'reins-development-'))
  world = await World.open()
  registry = await world.start('registry')
  await Promise.all((['session-gateway', 'memory'] as const).map((name) => world.start(name)))
  working = await startWorking()
}, deadline)
afterAll(async () => {
  dev.child?.kill('SIGKILL')
  await world?.close()
  rmSync(folder, { recursive: true, force: true })
}, deadline)

const startWorking = () => Promise.all((['executor', 'tool-runner'] as const).map((name) => world.start(name)))

/** The first build has a tool that no later one has. */
function save(number: number): void {
  const greet = `
    greet: defineTool({ name: 'greet', description: 'Greets.', parameters: Type.Object({}), risk: 'read', execute: () => 'hello' }),`
  const text = `
    import { createAgent, defineTool, Type } from '@reins/agent'
    const tools = {${number === 1 ? greet : ''}
      number: defineTool({ name: 'number', description: 'Says it.', parameters: Type.Object({}), risk: 'read', execute: () => 'build ${number}' }),
    }
    export default createAgent(() => ({ model: 'scripted/assistant', tools: Object.values(tools) }))`
  mkdirSync(path.join(folder, 'src/agents'), { recursive: true })
  mkdirSync(path.join(folder, 'src/workflows'), { recursive: true })
  writeFileSync(
    path.join(folder, 'src/workflows/wait.ts'),
    `export async function run(ctx: any) { return 'build ${number} ' + (await ctx.waitFor('go')) }`,
  )
  writeFileSync(path.join(folder, 'src/agents/desk.ts'), text)
}

const shows = (text: string) =>
  eventually(() => dev.out.includes(text), { withinMs: 60_000, describe: () => `${text} in ${dev.out.slice(-2000)}` })

async function bundles() {
  const { broker } = world
  const store = await new Objm(jetstream(broker.nc)).open(objectStores.bundles)
  const there = new Set((await store.list()).map(({ name }) => name))
  const records = await readMessages(broker, streams.registry, registryKindFilter('bundle'), { leader: false })
  const states = new Map(
    records.flatMap(({ body }) => {
      const entry = parseBundle(JSON.parse(body))
      return entry ? [[entry.digest, entry.development] as const] : []
    }),
  )
  const removed = [...states].flatMap(([digest, state]) => (state === 'removed' ? [digest] : []))
  const named = [...states].flatMap(([digest, state]) => (state === 'removed' ? [] : [digest]))
  return {
    ...{ there, removed },
    /** Named, and not there; and there, and said to be removed. */
    wrong: [...named.filter((one) => !there.has(one)), ...removed.filter((one) => there.has(one))],
    bytes: (await store.status()).size,
  }
}

/** A clean-up may be about. */
const whole = () => eventually(async () => (await bundles()).wrong.length === 0)

const project = async (): Promise<Project> =>
  (await world.api.once<{ project: Project }>('GET', '/v1/projects/desks')).body.project

const shown = (run: string, so: (run: WorkflowRun) => boolean): Promise<WorkflowRun> =>
  eventually(
    async () => {
      const { body } = await world.api.once<WorkflowRun>('GET', `/v1/runs/${run}`)
      return so(body) && body
    },
    { withinMs: 90_000, describe: () => run },
  )

async function says(session: string, message: string, text: string): Promise<void> {
  await world.api.turn(session, message)
  const log = await world.settled(session)
  const results = log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed')
  expect(JSON.stringify(results.at(-1))).toContain(text)
}

/** `reins dev` upgrades it behind the save. */
const goesBy = (session: string, build: string): Promise<true> =>
  eventually(async () => {
    await world.api.turn(session, 'call number {}')
    const log = await world.settled(session)
    const results = log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed')
    return JSON.stringify(results.at(-1)).includes(build)
  })

test(
  'a hundred saves in reins dev leave a bounded number of builds, and whoever goes by an old one finds it after a restart',
  async () => {
    const { api } = world
    save(1)
    const env = { ...compileCache, PATH: searchPath, HOME: folder, REINS_URL: api.url(), REINS_TOKEN: world.token }
    dev.child = spawn(process.execPath, [await bundledBinary(), 'dev', folder, '--name', 'desks'], { env, cwd: folder })
    for (const stream of [dev.child.stdout, dev.child.stderr]) stream?.on('data', (chunk) => (dev.out += chunk))
    await shows('Watching ')
    const { session: pinned } = await api.create('desk', 'call greet {}')
    const { session: follows } = await api.create('desk', 'call number {}')
    for (const { id } of [pinned, follows]) await world.settled(id)
    const { runId } = (await api.once<StartedRun>('POST', '/v1/runs', { workflow: 'wait' })).body.run
    await shown(runId, ({ waiting }) => waiting !== undefined)
    await eventually(
      async () =>
        (await api.once<{ sessions: unknown[] }>('GET', '/v1/sessions?agent=desk')).body.sessions.length === 2,
    )
    const digests: string[] = []
    let middle = 0
    for (let number = 2; number <= saves; number++) {
      digests.push((await project()).digest)
      save(number)
      await eventually(async () => (await project()).digest !== digests.at(-1), {
        withinMs: 60_000,
        describe: () => dev.out.slice(-2000),
      })
      if (number !== 50) continue
      await goesBy(follows.id, 'build 50')
      middle = (await world.settled(follows.id)).at(-1)?.frame.n ?? 0
    }
    await shows('session goes on with it from the next turn.')
    // Its build, that of the run, and what can be rolled back to.
    const bound = 1 + keptBuilds + 1 + few
    const left = await eventually(
      async () => {
        const found = await bundles()
        return found.there.size <= bound && found
      },
      { describe: () => `${bound} builds` },
    )
    await whole()
    expect(left.there).toContain(digests[0])
    expect(left.removed.length).toBeGreaterThan(saves - bound - 2)

    for (const one of working) await one.kill()
    working = await startWorking()
    await says(pinned.id, 'call greet {}', 'hello')
    await says(pinned.id, 'call number {}', 'build 1')
    const delivered = await api.once('POST', `/v1/runs/${runId}/deliveries`, { event: 'go', value: 7 })
    expect(delivered.status).toBe(202)
    expect((await shown(runId, ({ status }) => status !== 'active')).result).toBe('build 1 7')
    await goesBy(follows.id, `build ${saves}`)

    // Where a conversation goes back to a build that nobody needed, it says so, and how to go on.
    const forked = await api.once<CreatedSession>('POST', `/v1/sessions/${follows.id}/fork`, { at: middle })
    const { id: fork } = forked.body.session
    const message = { content: 'call number {}' }
    const refused = await api.once<object>('POST', `/v1/sessions/${fork}/messages?wait=turn`, message)
    expect(JSON.stringify(refused.body)).toContain(
      'it was one of reins dev that nothing needed any more, and was removed',
    )
    expect((await api.once('POST', `/v1/sessions/${fork}/upgrade`, {})).status).toBe(202)
    await goesBy(fork, `build ${saves}`)

    // What was removed is there again when it is saved again.
    const again = digests[48] ?? ''
    expect(left.removed).toContain(again)
    save(49)
    await eventually(async () => (await project()).digest === again, {
      withinMs: 60_000,
      describe: () => dev.out.slice(-2000),
    })
    const { session: back } = await api.create('desk', 'say here')
    await says(back.id, 'call number {}', 'build 49')
    const ended = once(dev.child, 'exit')
    dev.child.kill('SIGINT')
    await ended
    await whole()
  },
  3 * deadline,
)

test(
  'the registry killed between the record and the bytes of a build that goes: the next clean-up makes it whole',
  async () => {
    const text = (number: number) => workflowsProject({ beside: `return ${number}` })
    const deploy = async (number: number) =>
      (await world.api.once('PUT', '/v1/projects/beside', { bundle: text(number), development: true })).status
    let number = 0
    for (; number <= keptBuilds; number++) await deploy(number)
    await registry.kill()
    registry = await world.start('registry', { pauseAt: 'registry.build-removed' })
    await eventually(async () => {
      if (!registry.isPaused()) await deploy(number++)
      return registry.isPaused()
    })
    const { wrong } = await bundles()
    expect(wrong).toHaveLength(1)
    await registry.kill()
    registry = await world.start('registry')
    expect(await deploy(number++)).toBe(200)
    await whole()
    // It is deployed otherwise, and stays for ever.
    const lasting = await world.api.once<ProjectAnswer>('PUT', '/v1/projects/beside', { bundle: text(0) })
    for (let more = 0; more < keptBuilds + few; more++) await deploy(number++)
    await whole()
    expect((await bundles()).there).toContain(lasting.body.project.digest)
  },
  deadline,
)
