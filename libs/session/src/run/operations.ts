// How the list of what a run's code has asked for grows, and how what is in it ends. RN1 and RN7 stand in run.ts.
import { withAnsweredCancel } from '../cancel/answered-cancel.ts'
import type { Session } from '../session.ts'
import {
  cancelledError,
  type OpenOperation,
  type Operation,
  type OperationKind,
  type OperationResult,
  type Run,
} from './run-state.ts'

/** What a replay itself brought about, its code knows. */
export const told = (run: Run): Run => ({
  ...run,
  done: run.done + 1,
  seen: run.replay && run.seen >= 0 ? run.seen + 1 : run.seen,
})

/** RN1: a new operation is the next one. */
export function added(
  session: Session,
  { position }: { readonly position: number },
  change: (run: Run) => Run,
): Session {
  const { run } = session
  if (!run?.replay || run.ended || position !== run.operations.length) return session
  return { ...session, run: change(run) }
}

export const opened = (
  session: Session,
  data: { readonly position: number; readonly name: string },
  operation: OperationKind,
  waits: OpenOperation,
  n: number,
): Session =>
  added(session, data, (run) => ({
    ...run,
    operations: run.operations.append({ name: data.name, operation, n, state: 'open', waits }),
  }))

/** RN1. null: it does not end so. `own`: the replay that is under way has brought it about. */
export function ended(
  session: Session,
  position: number,
  end: (waits: OpenOperation) => OperationResult | null,
  own = false,
): Session {
  const { run } = session
  const old = run?.operations.at(position)
  if (!run || run.ended || old?.state !== 'open') return session
  const result = end(old.waits)
  if (!result) return session
  const { name, operation, n } = old
  const { late = 0 } = run
  const beside = run.replay !== null && !own
  const closed: Operation = { name, operation, n, state: 'done', order: beside ? -1 - late : run.done, result }
  const next = { ...run, operations: run.operations.with(position, closed) }
  if (beside) return answered(session, { ...next, late: late + 1 }, result)
  return answered(session, own ? told(next) : { ...next, done: run.done + 1 }, result)
}

/** RN11. What ends by itself while a cancel waits may be the last that the cancel asked for. */
function answered(session: Session, run: Run, result: OperationResult): Session {
  const { cancel } = session
  if (!cancel) return { ...session, run }
  const cancelled = result.kind === 'error' && result.error.code === cancelledError.code
  return withAnsweredCancel({ ...session, run, cancel: cancelled ? { ...cancel, told: true } : cancel })
}

/** RN7: the replay is over. What has ended beside it stands in line behind what the code was told of. */
export function inLine(run: Run): Run {
  const { late, ...rest } = run
  if (late === undefined) return run
  return { ...rest, operations: run.operations.inLine(run.done), done: run.done + late }
}
