// `svc.session-gateway.compact`: a run has the context of a session below it compacted, and asks until that is done.
//   CO1. One key asks for one compaction, however often it comes: the first request appends it, each of them tells how far it is.
//   CO2. Where there is nothing to leave out, or nobody has said anything in the session yet, nothing is done, and that is no error.
import { type CompactionState, isSessionId, type RunCompaction } from '@reins/contracts'
import { contextOf } from '@reins/session'
import type { Caller } from '../caller.ts'
import { errorOf } from '../outcomes.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import { type Appender, notFound } from '../writes/appender.ts'
import type { SessionWrites } from './session-writes.ts'

export interface CompactionParts {
  readonly writes: Pick<SessionWrites, 'control'>
  readonly folds: Pick<SessionFolds, 'folded'>
  readonly appender: Pick<Appender, 'existing'>
}

/** Throws what the request is refused with. */
export async function compactionOf(
  { writes, folds, appender }: CompactionParts,
  { session, key, project }: RunCompaction,
): Promise<CompactionState> {
  if (!isSessionId(session)) throw notFound(session)
  const outcome = await writes.control(ofRun(project), session, 'compact', { key })
  if (outcome.kind === 'refused') {
    if (outcome.code === 'session_conflict' || outcome.code === 'session_not_found') return { kind: 'nothing' } // CO2
    throw errorOf(outcome)
  }
  const { head } = await appender.existing(session)
  const { asked, open, summary } = contextOf((await folds.folded(session, head.seq)).fold.session)
  if (asked !== null || open) return { kind: 'open' }
  return { kind: 'done', how: summary?.how ?? 'dropped' }
}

/** A run reaches the sessions below it: who asks has looked whose they are. */
const ofRun = (project: string): Caller => ({
  ...{ principal: `app:${project}`, kind: 'service', by: `app:${project}`, roles: [] },
  permissions: ['session:*:cancel', 'session:*:read'],
})
