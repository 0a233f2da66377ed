// What the tests of workflow runs share: a world with everything but executors, projects that are written here, and what became of runs.
import { buildSync } from 'esbuild'
import { rootOf, sessionOfRun, type StartedRun, type WorkflowRun } from '@reins/contracts'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import type { StoredFrame } from '../harness/stored-log.ts'
import { World } from '../harness/world.ts'
import { eventsOf } from './bench.ts'
import { Counter } from './workflow-bench.ts'

type Log = readonly StoredFrame[]

export class RunBench {
  readonly world: World
  readonly counter: Counter

  private constructor(world: World, counter: Counter) {
    this.world = world
    this.counter = counter
  }

  /** Whoever opens it closes it. */
  static async open(): Promise<RunBench> {
    const world = await World.open()
    await Promise.all(
      (['registry', 'session-gateway', 'tool-runner', 'memory'] as const).map((name) => world.start(name)),
    )
    await world.agent('helper', { tools: [] })
    return new RunBench(world, await Counter.start())
  }

  async close(): Promise<void> {
    await this.world.close()
    this.counter.close()
  }

  /** A project of these workflows, each the body of `run(ctx)`. */
  async deploy(name: string, workflows: Readonly<Record<string, string>>): Promise<void> {
    const modules = Object.entries(workflows).map(
      ([workflow, body], at) => `
        async function run${at}(ctx) {
          ${body}
        }
        const w${at} = { module: { run: run${at} }, file: 'src/workflows/${workflow}.ts' }`,
    )
    const names = Object.keys(workflows).map((workflow, at) => `'${workflow}': w${at}`)
    const code = `
      import { defineProject } from '@reins/agent/project'
      ${modules.join('\n')}
      export default defineProject({ agents: {}, workflows: { ${names.join(', ')} }, channels: {} })`
    const [bundle] = buildSync({
      stdin: { contents: code, resolveDir: import.meta.dirname, sourcefile: 'entry.ts', loader: 'ts' },
      ...{ bundle: true, format: 'esm', platform: 'node', write: false, outfile: 'bundle.mjs' },
      absWorkingDir: import.meta.dirname,
    }).outputFiles
    const { status, body } = await this.world.api.once('PUT', `/v1/projects/${name}`, { bundle: bundle?.text })
    if (status >= 300) throw new Error(JSON.stringify(body))
  }

  async start(workflow: string, payload?: unknown): Promise<{ readonly run: WorkflowRun; readonly session: string }> {
    const { status, body } = await this.world.api.once<StartedRun>('POST', '/v1/runs', { workflow, payload })
    if (status !== 202) throw new Error(JSON.stringify(body))
    return { run: body.run, session: sessionOfRun(body.run.runId) }
  }

  async show(run: string): Promise<WorkflowRun> {
    const { status, body } = await this.world.api.once<WorkflowRun>('GET', `/v1/runs/${run}`)
    if (status !== 200) throw new Error(JSON.stringify(body))
    return body
  }

  until(session: string, there: (run: WorkflowRun) => boolean): Promise<WorkflowRun> {
    let last: WorkflowRun | undefined
    return eventually(
      async () => {
        last = await this.show(session)
        return there(last) ? last : undefined
      },
      { withinMs: 90_000, describe: () => `${session}: ${JSON.stringify(last)}` },
    )
  }

  ended(session: string): Promise<WorkflowRun> {
    return this.until(session, ({ status }) => status !== 'active')
  }

  /** The log, once it is so. */
  logged(session: string, there: (log: Log) => boolean): Promise<Log> {
    let last: Log = []
    return eventually(
      async () => {
        last = await this.world.readLog(session)
        return there(last) ? last : undefined
      },
      {
        withinMs: 90_000,
        describe: () =>
          `${session}: ${eventsOf(last)
            .map(({ type }) => type)
            .join(' ')}`,
      },
    )
  }

  async deliver(run: string, delivery: object): Promise<number> {
    return (await this.world.api.once('POST', `/v1/runs/${run}/deliveries`, delivery)).status
  }

  /** The sessions of its tree. */
  async tree(session: string): Promise<readonly string[]> {
    const log = await this.world.readLog()
    return [...new Set(log.map((one) => one.session))].filter((id) => rootOf(id) === rootOf(session))
  }

  /** Those below a run, once there are so many. */
  children(session: string, count: number): Promise<readonly string[]> {
    return eventually(
      async () => {
        const below = (await this.tree(session)).filter((id) => id !== session)
        return below.length >= count && below
      },
      { withinMs: 90_000, describe: () => `${count} sessions below ${session}` },
    )
  }

  isPaused(victim: ServiceProcess): Promise<unknown> {
    return eventually(async () => victim.isPaused(), {
      withinMs: 90_000,
      describe: () => `the executor stands at its point\n${victim.log().join('\n')}`,
    })
  }
}
