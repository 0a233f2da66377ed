// What a tool-runner does with a request for the tools of servers (PROTOCOL 5). Like a call it is held until its answer is in the
// stream; unlike a call it may be answered twice: the first answer counts.
import { type EventOf, type Frame, type Head, type SessionEvent, toExec } from '@reins/contracts'
import type { ServerAnswer } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'

export type ToolsetRequest = EventOf<'toolset.requested'>['data']

export const toolsetAskedIn = (frame: Frame): ToolsetRequest | undefined =>
  frame.events.find((event) => event.type === 'toolset.requested')?.data

/** Whether nobody waits for an answer any more, by the frames that came after the request. */
export const toolsetIsClosed = (frames: readonly Pick<Frame, 'events'>[], request: string): boolean =>
  frames.some(({ events }) =>
    events.some(
      (event) =>
        event.type === 'session.ended' || (event.type === 'toolset.resolved' && event.data.request === request),
    ),
  )

/** It wakes the executor, whatever else runs: the turn waits for nothing else. */
export function toolsetAnswer(
  head: Head,
  request: string,
  answers: readonly ServerAnswer[],
): Pick<Decision, 'events' | 'to' | 'status'> {
  const event: SessionEvent = { type: 'toolset.resolved', data: { request, servers: [...answers] } }
  return { events: [event], to: toExec(head.pool), status: head.status }
}
