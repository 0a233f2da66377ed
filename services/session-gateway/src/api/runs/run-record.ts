// What is shown of a run, from the fold of its session. Pure.
import { runIdOf, type RunStatus, type WorkflowRun } from '@reins/contracts'
import { type InfoFold, openWaits, type Session } from '@reins/session'

/** undefined: the session is no run of a workflow. */
export function runOf({ id, run, mode }: Session, info: InfoFold): WorkflowRun | undefined {
  const { workflow, ended } = run ?? {}
  if (!run || !workflow) return undefined
  const over = mode.kind === 'ended'
  const status: RunStatus = !over
    ? 'active'
    : !ended || ended.error?.code === 'cancelled'
      ? 'cancelled'
      : ended.status === 'failed'
        ? 'errored'
        : 'completed'
  const { createdAt, lastActivityAt } = info
  const waiting = openWaits(run)
  return {
    ...{ runId: runIdOf(id), workflowName: workflow.workflow, project: workflow.project, status },
    startedAt: createdAt,
    ...(over ? { endedAt: lastActivityAt, durationMs: Math.max(lastActivityAt - createdAt, 0) } : {}),
    ...(over ? { isError: status !== 'completed' } : {}),
    ...('payload' in workflow ? { payload: workflow.payload } : {}),
    // A function that returns nothing has the result null.
    ...(status === 'completed' ? { result: ended?.output ?? null } : {}),
    ...(over && ended?.error ? { error: ended.error } : {}),
    ...(waiting.length > 0 && !over ? { waiting } : {}),
  }
}
