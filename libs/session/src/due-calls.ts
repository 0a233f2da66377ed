// What is due about the calls of an answer that nobody was asked for yet: refused here, delegated, or asked of the runners.
import { type Limits, type ReplayClass, type SessionEvent, toExec, toLog, toTool } from '@reins/contracts'
import { delegationOf } from './delegation.ts'
import type { Due } from './due.ts'
import { type Call, isOpen, type Session, type Turn } from './session.ts'

export const limits = (session: Session): Limits => session.born?.limits ?? { maxToolCalls: 0 }
export const logged = (...events: readonly SessionEvent[]): Due => ({ events, to: toLog })

/** What can be done about calls that nobody was asked for yet. null: they wait for a place. */
export function callsDue(session: Session, turn: Turn, waiting: readonly Call[]): Due | null {
  const over = new Set(overLimit(session, turn))
  const refused = waiting.flatMap((call): SessionEvent[] => {
    const why = refusal(session, call, over)
    return why
      ? [
          {
            type: 'tool-call.completed',
            data: { call: call.call, attempt: 1, status: 'error', output: why.output, code: why.code },
          },
        ]
      : []
  })
  if (refused.length > 0) return logged(...refused)
  const { maxConcurrentTools } = limits(session)
  // A runner wakes the executor when it closes the last call that it was asked for, not at each: a limit is filled again batch by
  // batch. Were the next call due as soon as there is room, nobody would be woken for it.
  const asked = turn.calls.some(({ state }) => state.kind === 'requested' || state.kind === 'claimed')
  if (maxConcurrentTools !== undefined && asked) return null
  const room = (maxConcurrentTools ?? Number.POSITIVE_INFINITY) - turn.calls.filter(({ state }) => isOpen(state)).length
  const next = waiting.slice(0, Math.max(room, 0))
  if (next.length === 0 || !session.born) return null
  // Delegations first: they have a frame each, and none begins while a runner is at a batch.
  const delegated = next.find((call) => isDelegation(session, call))
  const child = delegated && delegationOf(session, delegated)
  if (child) return { events: [{ type: 'delegation.requested', data: child }], to: toExec(child.pool) }
  const calls = next.map((call) => ({
    call: call.call,
    name: call.name,
    arguments: { ...call.arguments },
    replay: replayOf(session, call.name),
  }))
  return {
    events: [{ type: 'tool-calls.requested', data: { turn: turn.id, digest: session.born.digest, calls } }],
    to: toTool(session.born.pools.tools),
  }
}

/** The calls of this answer that lie beyond the turn's limit. */
function overLimit(session: Session, turn: Turn): readonly string[] {
  const before = turn.toolCalls - turn.calls.length
  return turn.calls.slice(Math.max(limits(session).maxToolCalls - before, 0)).map(({ call }) => call)
}

const replayOf = (session: Session, name: string): ReplayClass => session.born?.tools[name] ?? 'never'
const isDelegation = (session: Session, call: Call): boolean =>
  call.name === 'delegate' && Object.keys(session.born?.agents ?? {}).length > 0

/** Why a call is settled here, without asking a runner. */
function refusal(session: Session, call: Call, over: ReadonlySet<string>): { code: string; output: string } | null {
  const born = session.born
  if (!born) return null
  if (call.malformed !== null)
    return {
      code: 'invalid-arguments',
      output:
        session.turn?.answered?.finish === 'length'
          ? 'Not run: the answer reached its limit (max_tokens) in the middle of these arguments. Do it in smaller pieces: write a long file in several calls, and keep each answer short.'
          : 'Not run: the arguments are not a JSON object. Call the tool again with valid JSON.',
    }
  if (over.has(call.call))
    return {
      code: 'limit',
      output: `Not run: this turn has used its ${born.limits.maxToolCalls} tool calls. Answer with what you have.`,
    }
  if (isDelegation(session, call)) {
    const agent = call.arguments.agent
    if (typeof agent === 'string' && Object.hasOwn(born.agents, agent)) return null
    return {
      code: 'not-found',
      output: `There is no agent of this name. Available: ${Object.keys(born.agents).join(', ')}.`,
    }
  }
  if (Object.hasOwn(born.tools, call.name)) return null
  const names = Object.keys(born.tools)
  return {
    code: 'not-found',
    output: `There is no tool "${call.name}". Available: ${names.length > 0 ? names.join(', ') : 'none'}.`,
  }
}
