// Delegation: a call whose work is done by a session below this one (PROTOCOL 8).
import { childId, type EventData, toExec } from '@reins/contracts'
import type { Born, Call, Session } from '../session.ts'
import type { CallStateKinds, Meanings, RouteRule } from '../slice.ts'
import { withCall } from '../tool-call/tool-call.ts'

/** What the model calls to delegate. */
const toolName = 'delegate'

export const delegationEvents: Meanings<'delegation.requested' | 'delegation.cancel-requested' | 'delegation.settled'> =
  {
    'delegation.requested': {
      effective: true,
      begins: true,
      evolve: (session, { data: { call, child, pool } }) =>
        withCall(session, call, (old) =>
          old.kind === 'due' ? { kind: 'delegated', child, pool, cancelSent: false } : old,
        ),
    },
    'delegation.cancel-requested': {
      effective: true,
      evolve: (session, { data }) =>
        withCall(session, data.call, (old) => (old.kind === 'delegated' ? { ...old, cancelSent: true } : old)),
    },
    'delegation.settled': {
      effective: true,
      evolve: (session, { data: { call, child, status, output } }) =>
        withCall(session, call, (old) =>
          old.kind === 'delegated' && old.child === child
            ? {
                kind: 'done',
                error: status !== 'completed',
                output,
                how: status === 'cancelled' ? 'cancelled' : 'settled',
              }
            : old,
        ),
    },
  }

export const delegationStates: CallStateKinds<'delegated'> = {
  delegated: {
    cover: (call, { child }) => [{ kind: 'child', call, child }],
    cancelled: (call, { child }) => [
      {
        type: 'delegation.settled',
        data: { call, child, status: 'cancelled', output: 'The turn was cancelled.' },
      },
    ],
    beforeCancelled: (call, { child, pool, cancelSent }) =>
      cancelSent
        ? null
        : { events: [{ type: 'delegation.cancel-requested', data: { call, child, pool } }], to: toExec(pool) },
  },
}

/** A call to delegate has a frame of its own, addressed to the child's pool. Without agents to delegate to it is a tool like others. */
export const delegationRoute: RouteRule = (call, _turn, session) => {
  const names = Object.keys(session.born.agents)
  if (call.name !== toolName || names.length === 0) return null
  const data = typeof call.arguments.agent === 'string' ? delegationOf(session, call) : null
  return data
    ? { kind: 'frame', due: { events: [{ type: 'delegation.requested', data }], to: toExec(data.pool) } }
    : {
        kind: 'settled',
        status: 'error',
        code: 'not-found',
        output: `There is no agent of this name. Available: ${names.join(', ')}.`,
      }
}

/** What a call asks for. null: of an agent that the session does not know. */
export function delegationOf(
  { id, born }: Session & { readonly born: Born },
  call: Call,
): EventData<'delegation.requested'> | null {
  const agent = String(call.arguments.agent)
  const target = Object.hasOwn(born.agents, agent) ? born.agents[agent] : undefined
  if (!target) return null
  const instruction = typeof call.arguments.instruction === 'string' ? call.arguments.instruction : ''
  return { call: call.call, agent, ...target, child: childId(id, call.call), instruction }
}
