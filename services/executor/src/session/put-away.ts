// Puts a session in quarantine without a fold (A9 of session-actor.ts), on whatever its head is.
import { draftOn, headOf, makeShortId, toLog } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Clock } from '@reins/service'

export interface PutAwayContext {
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'append' | 'head'>
  readonly clock: Clock
  readonly stopping: AbortSignal
}

/** Whether it is in quarantine now, or has ended. */
export async function putAway(context: PutAwayContext, session: string, reason: string): Promise<boolean> {
  const { sessions, clock, instance, stopping } = context
  let head = await sessions.head(session, { leader: true })
  while (head.status !== 'quarantined' && head.status !== 'ended') {
    const draft = draftOn(
      head,
      { frame: makeShortId(clock.random), by: instance, role: 'e' },
      {
        events: [{ type: 'session.quarantined', data: { reason, frame: head.n } }],
        ...{ to: toLog, status: 'quarantined', at: clock.now() },
      },
    )
    const outcome = await sessions.append(session, draft, toLog, head.hash, stopping)
    if (outcome.kind === 'appended') return true
    const last = outcome.tail.at(-1)
    head = last ? headOf(last) : await sessions.head(session, { leader: true })
  }
  return true
}
