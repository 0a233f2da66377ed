// A client of one project, typed by what `reins build` found in it: the names of its agents, the payloads and results of its workflows.
//   PC1. Nothing here is asked of the server that the client does not ask for as well: only the types are narrower.
import type { CreateSession, StartedRun, TurnResult, WorkflowRun } from '@reins/contracts'
import { ReinsError } from '@reins/contracts/errors'
import type { WriteOptions } from '../transport/transport.ts'
import type { Client } from '../client.ts'
import type { DispatchReceipt, DispatchRequest } from '@reins/agent'

/** What a generated `client.d.ts` says of a project. */
export interface ProjectTypes {
  /** A union of names. */
  readonly agents: string
  readonly workflows: Readonly<Record<string, { readonly payload: unknown; readonly result: unknown }>>
}

/** What JSON leaves of a value. */
export type AsJson<T> = 0 extends 1 & T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(): infer J }
      ? AsJson<J>
      : T extends bigint | symbol | ((...args: never) => unknown)
        ? never
        : T extends object
          ? { [K in keyof T]: AsJson<T[K]> }
          : unknown

type PayloadOf<Run> = Run extends (ctx: infer Ctx, ...rest: never) => unknown
  ? Ctx extends { readonly payload: infer Payload }
    ? Payload
    : unknown
  : unknown

/** Of a module of `workflows/`: of `typeof import('../src/workflows/report.ts')`. */
export interface WorkflowTypes<Module extends { readonly run: (...args: never) => unknown }> {
  readonly payload: PayloadOf<Module['run']>
  readonly result: AsJson<Awaited<ReturnType<Module['run']>>>
}

/** `result`: where it completed. */
export type EndedRun<Result> = Omit<WorkflowRun, 'result'> & { readonly result?: Result }

export interface AgentPrompt<Agents extends string> {
  readonly agent: Agents
  /** The instance. */
  readonly id: string
  /** Default: `default`. */
  readonly session?: string
  readonly message: string
  /** Shown to the model with the message. */
  readonly images?: CreateSession['images']
}

export interface ProjectClient<P extends ProjectTypes> {
  /** It is durable when this answers. */
  start<W extends keyof P['workflows'] & string>(
    workflow: W,
    payload: P['workflows'][W]['payload'],
    options?: WriteOptions,
  ): Promise<StartedRun>
  /** Answers when the run has ended, however long that takes; where nobody waits any more the run goes on. */
  run<W extends keyof P['workflows'] & string>(
    workflow: W,
    payload: P['workflows'][W]['payload'],
    options?: WriteOptions,
  ): Promise<EndedRun<P['workflows'][W]['result']>>
  /** Answers when the turn that holds the message has ended. */
  prompt(request: AgentPrompt<P['agents']>, options?: WriteOptions): Promise<TurnResult['turn']>
  dispatch(
    request: DispatchRequest & { readonly agent: P['agents'] },
    options?: Pick<WriteOptions, 'signal'>,
  ): Promise<DispatchReceipt>
}

export function projectClient<P extends ProjectTypes>(
  client: Pick<Client, 'dispatch'> & {
    readonly runs: Pick<Client['runs'], 'start' | 'ended'>
    readonly sessions: Pick<Client['sessions'], 'createAndWait'>
  },
): ProjectClient<P> {
  const start: ProjectClient<P>['start'] = (workflow, payload, options) =>
    client.runs.start({ workflow, ...(payload === undefined ? {} : { payload }) }, options)
  return {
    start,
    async run(workflow, payload, options = {}) {
      const { run } = await start(workflow, payload, options)
      const { signal } = options
      for (;;)
        try {
          return (await client.runs.ended(run.runId, signal ? { signal } : {})) as EndedRun<never>
        } catch (error) {
          // The server waits for a while only.
          if (!(error instanceof ReinsError && error.code === 'timed_out') || signal?.aborted) throw error
        }
    },
    async prompt({ agent, id, session, message, images }, options) {
      const request = {
        ...{ agent, instance: id, message },
        ...(session === undefined ? {} : { session }),
        ...(images === undefined ? {} : { images }),
      }
      return (await client.sessions.createAndWait(request, options)).turn
    },
    dispatch: (request, options) => client.dispatch(request, options),
  }
}
