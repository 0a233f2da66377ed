// What a session has in flight at a model: a call of its turn, or a summary of its context. One at a time.
import { contextOf } from '../context/context.ts'
import type { Session } from '../session.ts'
import type { Effect } from '../slice.ts'

export interface Flight extends Effect {
  /** The instance that runs it. */
  readonly by: string
}

export function flightOf(session: Session): Flight | null {
  const { open } = contextOf(session)
  if (open?.kind === 'running') return { kind: 'compact', call: open.compaction, attempt: open.attempt, by: open.by }
  const replay = session.run?.replay
  if (replay) return { kind: 'replay-run', call: replay.replay, attempt: replay.attempt, by: replay.by }
  const model = session.turn?.model
  if (model?.kind !== 'running') return null
  return { kind: 'call-model', call: model.call, attempt: model.attempt, by: model.by }
}
