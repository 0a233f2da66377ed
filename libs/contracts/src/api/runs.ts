// Runs of workflows as people and programs see them. A run is a session; its public id is `run_` and the id of that session.
import { type Static, Type } from 'typebox'
import { Budget } from '../budget/limits.ts'
import { moduleNamePattern } from '../agents/code/instance.ts'
import { maxWaitName, RunError } from '../events/code/run.ts'
import { SessionInfo } from './api.ts'

const closed = { additionalProperties: false } as const
const WorkflowName = Type.String({ pattern: moduleNamePattern })

export const runIdPrefix = 'run_'
export const runIdOf = (session: string): string => `${runIdPrefix}${session}`
/** Every door takes both. */
export const sessionOfRun = (run: string): string => (run.startsWith(runIdPrefix) ? run.slice(runIdPrefix.length) : run)

/** What the session of a run is of, where others are of an agent: no agent has a name with a colon. */
const runAgentPrefix = 'workflow:'
export const runAgent = (workflow: string): string => `${runAgentPrefix}${workflow}`
export const workflowOfAgent = (agent: string): string | undefined =>
  agent.startsWith(runAgentPrefix) ? agent.slice(runAgentPrefix.length) : undefined

export const StartRun = Type.Object(
  {
    workflow: WorkflowName,
    payload: Type.Optional(Type.Unknown({ description: 'What ctx.payload is: any JSON' })),
    budget: Type.Optional(Budget),
  },
  closed,
)
export type StartRun = Static<typeof StartRun>

export const RunStatus = Type.Union([
  Type.Literal('active'),
  Type.Literal('completed'),
  Type.Literal('errored'),
  Type.Literal('cancelled'),
])
export type RunStatus = Static<typeof RunStatus>

export const WorkflowRun = Type.Object(
  {
    runId: Type.String(),
    workflowName: Type.String(),
    project: Type.String(),
    status: RunStatus,
    startedAt: Type.Integer({ description: 'epoch ms' }),
    endedAt: Type.Optional(Type.Integer()),
    durationMs: Type.Optional(Type.Integer()),
    isError: Type.Optional(Type.Boolean()),
    payload: Type.Optional(Type.Unknown()),
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(RunError),
    waiting: Type.Optional(
      Type.Array(
        Type.Object(
          {
            operation: Type.Integer(),
            name: Type.String(),
            event: Type.Optional(Type.String({ description: 'Absent: it waits for input' })),
            output: Type.Optional(Type.Unknown({ description: 'What ctx.pause() was given' })),
          },
          closed,
        ),
        { description: 'What the run waits for from outside' },
      ),
    ),
  },
  closed,
)
export type WorkflowRun = Static<typeof WorkflowRun>

export const StartedRun = Type.Object({ run: WorkflowRun, cursor: Type.String() }, closed)
export type StartedRun = Static<typeof StartedRun>

/** `event`: for ctx.waitFor(). Without it this is the input of ctx.pause(), of the oldest pause or of the operation that is named. */
export const DeliverToRun = Type.Object(
  {
    event: Type.Optional(Type.String({ minLength: 1, maxLength: maxWaitName })),
    operation: Type.Optional(Type.Integer({ minimum: 0 })),
    value: Type.Optional(Type.Unknown({ description: 'What the operation gives: any JSON' })),
  },
  closed,
)
export type DeliverToRun = Static<typeof DeliverToRun>

export const RunDelivered = Type.Object({ runId: Type.String(), cursor: Type.String() }, closed)
export type RunDelivered = Static<typeof RunDelivered>

export const RunList = Type.Object(
  {
    runs: Type.Array(
      Type.Object(
        {
          runId: Type.String(),
          workflowName: Type.String(),
          status: SessionInfo.properties.status,
          startedAt: Type.Integer(),
          lastActivityAt: Type.Integer(),
        },
        closed,
      ),
    ),
    next: Type.Optional(Type.String()),
  },
  closed,
)
export type RunList = Static<typeof RunList>
