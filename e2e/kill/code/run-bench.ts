// What the tests of workflow runs share besides: projects that are written here, and what became of runs.
import { rootOf, sessionOfRun, type StartedRun, type WorkflowRun } from '@reins/contracts'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import { Counter, openWorld, WorkflowBench } from './workflow-bench.ts'

export class RunBench extends WorkflowBench {
  /** Whoever opens it closes it. */
  static override async open(): Promise<RunBench> {
    const world = await openWorld()
    await world.agent('helper', { tools: [] })
    return new RunBench(world, await Counter.start())
  }

  /** A project of these workflows, each the body of `run(ctx)`. `affinities`: of those that have one. */
  async deploy(
    name: string,
    workflows: Readonly<Record<string, string>>,
    affinities: Readonly<Record<string, object>> = {},
  ): Promise<void> {
    await this.deployBundle(name, workflowsProject(workflows, affinities))
  }

  async deployBundle(name: string, bundle: string): Promise<void> {
    const { status, body } = await this.world.api.once('PUT', `/v1/projects/${name}`, { bundle })
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

  /** The run, once it is so. */
  shown(session: string, there: (run: WorkflowRun) => boolean): Promise<WorkflowRun> {
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
    return this.shown(session, ({ status }) => status !== 'active')
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
}
