// Turns that code asks for with a call of a tool: the call goes the way of every call, with approvals, servers and people, and no model is
// asked.
//   AT1. What the turn is made of follows from the message that began it, so no other event says it.
//   AT2. The model of a later turn is told nothing of it: no call of its own stands before the result.
//   AT3. The tools of servers are asked for before the call is decided about, as before a model call.
import type { EventOf } from '@reins/contracts'
import type { Call, Queued, Session, Turn } from '../session.ts'
import type { Meanings } from '../slice.ts'
import { cancelledOutput } from '../tool-call/tool-call.ts'

export const askedToolEvents: Meanings<'tool.asked'> = { 'tool.asked': { effective: true, evolve: asked } }

function asked(session: Session, { data: { message, ...tool } }: EventOf<'tool.asked'>): Session {
  const queued = session.inbox.find((one) => one.message === message)
  if (queued)
    return queued.tool
      ? session
      : { ...session, inbox: session.inbox.map((one) => (one === queued ? { ...queued, tool } : one)) }
  // The session below is told it with the prompt.
  const { run } = session
  const operations = run?.operations.withOpen((waits) =>
    waits.kind === 'prompt' && waits.call === message && !waits.tool ? { ...waits, tool } : waits,
  )
  return run && operations && operations !== run.operations ? { ...session, run: { ...run, operations } } : session
}

/** AT1. Of a turn that takes in these messages; empty: its model is asked. */
export function askedCall(
  turn: string,
  [first]: readonly Queued[],
): Pick<Turn, 'calls' | 'answered' | 'toolCalls' | 'asked'> | null {
  if (!first?.tool) return null
  const call = `${turn}-tool`
  return {
    calls: [{ call, ...first.tool, malformed: null, state: { kind: 'due' } }],
    answered: { call, finish: 'tool-calls', final: false },
    toolCalls: 1,
    asked: true,
  }
}

/** What the code is given for its call. */
export interface AskedResult {
  readonly status: 'completed' | 'failed' | 'unknown' | 'cancelled'
  /** As a model would read it. */
  readonly output: string
}

/** Of a turn at its end; null: it is a model's. `failed`: why the turn failed. */
export function askedResult({ asked: is, calls: [call] }: Turn, failed?: string): AskedResult | null {
  if (!is || !call) return null
  const { state } = call
  if (state.kind === 'done') return { status: statusOf(state), output: state.output }
  return failed === undefined ? { status: 'cancelled', output: cancelledOutput } : { status: 'failed', output: failed }
}

const statusOf = ({ how, error }: Extract<Call['state'], { kind: 'done' }>): AskedResult['status'] =>
  how === 'unknown' || how === 'cancelled' ? how : error ? 'failed' : 'completed'
