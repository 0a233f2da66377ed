// Who knows a session already: the instance that appended to it last. A trigger that comes to somebody else is given to it (PROTOCOL 6).
//   WO1. Nothing here is safety: a trigger that two instances hold is one that the broker has delivered twice, and the append decides.
//   WO2. Only a first delivery is given away, so that none goes round; and only of a session that it costs something to read.
import type { Presence } from '@reins/broker'
import type { SessionLog, Trigger } from '@reins/journal'
import { worthwhile } from './snapshots.ts'

export interface WarmContext {
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'frameAt'>
  presence(): Pick<Presence, 'takers' | 'give' | 'suspect'>
}

/** Frames before the trigger in which an executor is looked for: others may have appended since. */
const mostSteps = 4

/** Whether another instance goes on with it. `pool`: whose trigger it is. */
export async function givenToWarm(context: WarmContext, { session, frame, to, ...rest }: Trigger): Promise<boolean> {
  const pool = to.kind === 'exec' ? to.pool : undefined
  if (pool === undefined || rest.redelivered || rest.earlier || frame.n < worthwhile) return false // WO2
  const presence = context.presence()
  if (presence.suspect() || !presence.takers(pool)) return false
  try {
    const owner = await lastExecutor(context, session, frame.prev)
    if (owner === undefined || owner === context.instance) return false
    return await presence.give(owner, { session, pool, seq: frame.seq, handle: rest.handle })
  } catch {
    return false // it goes on here
  }
}

async function lastExecutor({ sessions }: WarmContext, session: string, seq: number): Promise<string | undefined> {
  for (let steps = 0, at = seq; steps < mostSteps && at > 0; steps++) {
    const frame = await sessions.frameAt(session, at)
    if (!frame) return undefined
    if (frame.role === 'e') return frame.by
    at = frame.prev
  }
  return undefined
}
