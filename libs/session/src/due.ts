// due: what must happen next in a session. plan: the one frame that makes as much of it happen as fits into one.
//   D1. Pure, and the only source of effects. Ids come from the frame's number: `t7` and `c7` are the turn and the model call that frame 7 began.
//   D2. A cancel comes before everything else, also when the session is paused.
//   D3. One frame has one address and begins at most one effect; what does not fit is due again after it.
//   D4. Whoever holds no exec trigger begins nothing: it records, and hands over (plan's `mayBegin`).
import {
  type Address,
  childId,
  type Limits,
  type ReplayClass,
  type SessionEvent,
  toExec,
  toLog,
  toTool,
} from '@reins/contracts'
import { evolve } from './evolve.ts'
import { type Call, isOpen, type Session, type Turn } from './session.ts'

/** What the holder does once the frame is in. */
export interface Effect {
  readonly kind: 'call-model'
  readonly call: string
  readonly attempt: number
}

export interface Due {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly effect?: Effect
}

/** Lost attempts of one model call before the session is quarantined. */
export const maxLostAttempts = 5

/** null: nothing is due. `n`: the number of the frame that the answer will stand in. */
export function due(session: Session, n: number): Due | null {
  if (!session.born || session.mode.kind === 'ended') return null
  if (session.cancel) return cancelDue(session)
  if (session.mode.kind !== 'open') return null
  return session.turn ? turnDue(session, session.turn, n) : messageDue(session, n)
}

const logged = (...events: readonly SessionEvent[]): Due => ({ events, to: toLog })

/** Between turns. The last turn that the limits allow ends the session, however that turn ended. */
function messageDue(session: Session, n: number): Due | null {
  const { maxTurns } = limits(session)
  if (maxTurns !== undefined && session.turns >= maxTurns) {
    const dropped = session.inbox.map(
      ({ message }): SessionEvent => ({ type: 'message.dropped', data: { message, reason: 'ended' } }),
    )
    return logged(...dropped, { type: 'session.ended', data: { reason: 'max_turns' } })
  }
  const next = session.inbox[0]
  if (!next) return null
  return logged({ type: 'turn.started', data: { turn: `t${n}`, messages: [next.message] } })
}

function turnDue(session: Session, turn: Turn, n: number): Due | null {
  const { model } = turn
  if (model) {
    switch (model.kind) {
      case 'running':
      case 'throttled':
        return null
      case 'failed':
        return endOf(session, { type: 'turn.failed', data: { turn: turn.id, usage: turn.usage, error: model.error } })
      case 'retry':
        return model.lost >= maxLostAttempts
          ? logged({
              type: 'session.quarantined',
              data: {
                reason: `model call ${model.call} was lost ${model.lost} times with the process that ran it`,
                frame: turn.n,
              },
            })
          : beginModelCall(session, turn, model.call, model.attempt + 1, model.final)
      default:
        return model satisfies never
    }
  }
  const waiting = turn.calls.filter(({ state }) => state.kind === 'due')
  if (waiting.length > 0) {
    const next = callsDue(session, turn, waiting)
    if (next) return next
  }
  if (turn.calls.some(({ state }) => state.kind !== 'done')) return null
  const joined = session.inbox.filter(({ onBusy }) => onBusy === 'join')
  if (turn.answered && turn.calls.length === 0 && (joined.length === 0 || turn.answered.final))
    return completion(session, turn)
  const begin = beginModelCall(
    session,
    turn,
    `c${n}`,
    1,
    turn.toolCalls >= limits(session).maxToolCalls && turn.toolCalls > 0,
  )
  return {
    ...begin,
    events: [
      ...joined.map(({ message }): SessionEvent => ({ type: 'message.joined', data: { message, turn: turn.id } })),
      ...begin.events,
    ],
  }
}

const limits = (session: Session): Limits => session.born?.limits ?? { maxToolCalls: 0 }

function beginModelCall(session: Session, turn: Turn, call: string, attempt: number, final: boolean): Due {
  const data = { call, attempt, turn: turn.id, model: session.born?.model ?? '', ...(final ? { final } : {}) }
  return { events: [{ type: 'model-call.started', data }], to: toLog, effect: { kind: 'call-model', call, attempt } }
}

function completion(session: Session, turn: Turn): Due {
  const answered = turn.answered ?? { call: '', finish: 'stop' as const, final: false }
  const reason = answered.final
    ? ('max-tool-calls' as const)
    : answered.finish === 'length' || answered.finish === 'refused'
      ? answered.finish
      : ('answered' as const)
  return endOf(session, {
    type: 'turn.completed',
    data: { turn: turn.id, call: answered.call, usage: turn.usage, reason },
  })
}

/** The end of a turn wakes the session above, if there is one. */
function endOf(session: Session, event: SessionEvent): Due {
  const parent = session.born?.parent
  return { events: [event], to: parent ? toExec(parent.pool) : toLog }
}

/** What can be done about calls that nobody was asked for yet. null: they wait for a place. */
function callsDue(session: Session, turn: Turn, waiting: readonly Call[]): Due | null {
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
  if (delegated) return delegation(session, delegated)
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
      output: 'The arguments are not a JSON object. Call the tool again with valid JSON.',
    }
  if (over.has(call.call))
    return {
      code: 'limit',
      output: `Not run: this turn has used its ${born.limits.maxToolCalls} tool calls. Answer with what you have.`,
    }
  if (isDelegation(session, call)) {
    const agent = call.arguments.agent
    if (typeof agent === 'string' && born.agents[agent]) return null
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

function delegation(session: Session, call: Call): Due {
  const name = String(call.arguments.agent)
  const target = session.born?.agents[name] ?? { digest: '', pool: '' }
  const instruction = typeof call.arguments.instruction === 'string' ? call.arguments.instruction : ''
  return {
    events: [
      {
        type: 'delegation.requested',
        data: {
          call: call.call,
          agent: name,
          digest: target.digest,
          child: childId(session.id, call.call),
          pool: target.pool,
          instruction,
        },
      },
    ],
    to: toExec(target.pool),
  }
}

/** PROTOCOL 7: first one frame a child, to its pool; then one frame with the outcomes of everything that is open, and the end of the turn. */
function cancelDue(session: Session): Due | null {
  const { cancel, turn } = session
  if (!cancel) return null
  const child = turn?.calls.find(({ state }) => state.kind === 'delegated' && !state.cancelSent)
  if (child?.state.kind === 'delegated') {
    const { child: id, pool } = child.state
    return {
      events: [{ type: 'delegation.cancel-requested', data: { call: child.call, child: id, pool } }],
      to: toExec(pool),
    }
  }
  const events: SessionEvent[] = []
  const reason =
    cancel.kind === 'end'
      ? ('ended' as const)
      : cancel.kind === 'interrupt'
        ? ('interrupted' as const)
        : ('cancelled' as const)
  if (turn && (cancel.kind === 'end' || turn.n <= cancel.n)) {
    if (turn.model?.kind === 'running')
      events.push({
        type: 'model-call.failed',
        data: {
          call: turn.model.call,
          attempt: turn.model.attempt,
          error: { code: 'cancelled', message: 'The turn was cancelled.' },
        },
      })
    for (const { call, state } of turn.calls) {
      if (state.kind === 'done') continue
      events.push(
        state.kind === 'delegated'
          ? {
              type: 'delegation.settled',
              data: { call, child: state.child, status: 'cancelled', output: 'The turn was cancelled.' },
            }
          : { type: 'tool-call.cancelled', data: { call } },
      )
    }
    events.push({ type: 'turn.cancelled', data: { turn: turn.id, usage: turn.usage, reason } })
  }
  for (const { message } of session.inbox)
    if (cancel.kind === 'end' || (cancel.kind === 'cancel' && cancel.covered.includes(message)))
      events.push({ type: 'message.dropped', data: { message, reason: cancel.kind === 'end' ? 'ended' : 'cancelled' } })
  if (cancel.kind === 'end') events.push({ type: 'session.ended', data: { reason: 'ended' } })
  const parent = session.born?.parent
  return { events, to: parent ? toExec(parent.pool) : toLog }
}

export interface Plan {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly effect: Effect | null
  /** The session with the events in it. */
  readonly after: Session
}

const sameAddress = (a: Address, b: Address): boolean =>
  a.kind === b.kind && (a.kind === 'log' || (b.kind !== 'log' && a.pool === b.pool))

/**
 * The frame `n` that records `outcome` (none: []) and as much of what is then due as fits (D3). `said`: the writer, the time.
 * null where there is nothing to write.
 */
export function plan(
  session: Session,
  outcome: readonly SessionEvent[],
  said: { readonly n: number; readonly at: number; readonly by: string },
  mayBegin: boolean,
): Plan | null {
  const events: SessionEvent[] = []
  let after = session
  let to: Address = toLog
  const take = (more: readonly SessionEvent[]) => {
    events.push(...more)
    for (const event of more) after = evolve(after, event, { role: 'e', ...said })
  }
  take(outcome)
  let effect: Effect | null = null
  while (effect === null) {
    const next = due(after, said.n)
    if (!next) break
    if (next.effect && !mayBegin) break
    if (!mayBegin && next.events.some(({ type }) => type === 'turn.started')) break
    if (next.to.kind !== 'log' && to.kind !== 'log' && !sameAddress(to, next.to)) break
    const before = after
    take(next.events)
    if (after === before) {
      // What is due and changes nothing would be due for ever.
      events.length -= next.events.length
      break
    }
    if (next.to.kind !== 'log') to = next.to
    effect = next.effect ?? null
  }
  return events.length === 0 ? null : { events, to, effect, after }
}
