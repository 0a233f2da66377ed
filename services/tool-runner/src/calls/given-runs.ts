// Runs whose code gave a tool: read from their logs, as they stood when it did (GT2 of libs/session).
import { replayLimits, type RunInput, type RunRequests } from '@reins/code-host'
import type { SessionLog } from '@reins/journal'
import { emptyFold, type Fold, foldFrame, hasGiven, recordedOperations } from '@reins/session'
import { ToolFailure } from '@reins/tools'

export interface RunsContext {
  readonly sessions: Pick<SessionLog, 'read'>
  /** A broker that is away for longer than one question must not fail a tool. */
  reading<T>(read: () => Promise<T>): Promise<T>
  readonly request: RunRequests
}

const pageSize = 256

/** Rejects with a ToolFailure where the run is not there, or cannot be read by this process. */
export async function runAt(
  { sessions, reading, request }: RunsContext,
  id: string,
  position: number,
): Promise<RunInput> {
  let fold = emptyFold(id)
  for (let leader = false; ; ) {
    const frames = await reading(() =>
      sessions.read(id, { after: fold.head.seq, limit: pageSize, ...(leader ? { leader } : {}) }),
    )
    for (const frame of frames) {
      fold = foldFrame(fold, frame)
      if (fold.session.beyond) throw new ToolFailure('failed', 'the run that gave the tool needs a newer Reins')
      if (hasGiven(fold, position)) return await inputOf(fold, request)
    }
    if (frames.length > 0) continue
    // Whoever answered may not have all of it yet.
    if (leader) throw new ToolFailure('failed', `the run that gave the tool has no operation ${position} in its log`)
    leader = true
  }
}

async function inputOf({ session: { id, run, born } }: Fold, asked: RunsContext['request']): Promise<RunInput> {
  if (!run?.workflow) throw new ToolFailure('failed', 'the session that gave the tool is no run of a workflow')
  const { workflow, lines } = run
  const request = workflow.request && (await asked(id, workflow.request))
  return {
    ...{ agent: born?.agent ?? '', session: id, history: recordedOperations(run), lines: lines?.replayed ?? 0 },
    workflow: {
      name: workflow.workflow,
      ...('payload' in workflow ? { payload: workflow.payload } : {}),
      ...(request ? { request } : {}),
    },
    limits: replayLimits,
  }
}
