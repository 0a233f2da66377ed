// The trace that what a session asks of others belongs to. It follows from the log: from the trace that came with the message, or, where none
// came, from the ids of the session and its turn (or its run, with all of its turns).
import {
  parseTraceparent,
  type SpanSubject,
  spanIdOf,
  type TraceContext,
  traceIdOf,
  traceparentOf,
} from '@reins/contracts'
import type { Session } from '../session.ts'

/** Of a turn that began with this traceparent, or with none. */
export const traceOfTurn = (session: string, turn: string, trace: string | undefined): string =>
  parseTraceparent(trace)?.traceId ?? traceIdOf(session, 'turn', turn)

/** Of what the open turn asks for, or the run; undefined: nothing is open. */
export function traceIdNow({ id, turn, run }: Session): string | undefined {
  if (turn) return traceOfTurn(id, turn.id, turn.trace)
  return run && (parseTraceparent(run.trace)?.traceId ?? traceIdOf(id, 'run'))
}

/** What the session asks for itself: W3C traceparent, with the span that it is going to be. */
export function traceTo(
  session: Session,
  subject: SpanSubject,
  ...which: readonly (string | number)[]
): string | undefined {
  const traceId = traceIdNow(session)
  return traceId && traceparentOf({ traceId, spanId: spanIdOf(session.id, subject, ...which) })
}

/** Of the frame that asks another session for the answer to a call. */
export const traceOfCall = (above: Session, call: string): string | undefined => traceTo(above, 'call', call)

/** Of a tool call, for whoever runs it, by what the frame says that asked for it. */
export const contextOfCall = (
  session: string,
  { turn, call, trace }: { readonly turn: string; readonly call: string; readonly trace: string | undefined },
): TraceContext => ({ traceId: traceOfTurn(session, turn, trace), spanId: spanIdOf(session, 'call', call) })
