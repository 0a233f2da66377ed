// Delegation: a call whose work is done by a session below this one (PROTOCOL 8).
//   DL1. What can be refused is refused before anything is asked of another session, and the model is told why (DR1).
//   DL2. A child answers one call at a time: the one that it was made for, or the latest one that goes on with it.
import { type BudgetLimits, childId, type EventOf, rootOf, toExec } from '@reins/contracts'
import { budgetSlice, nothingLeft } from '../budget/slice-of-child.ts'
import type { Born, Call, CallState, Session, Turn } from '../session.ts'
import type { CallRoute, CallStateKinds, DueRule, Meanings, RouteRule } from '../slice.ts'
import { withCall } from '../tool-call/tool-call.ts'
import { delegateName, isDelegation } from './delegate-tool.ts'
import { type DelegationOutcome, finalText, resultText } from './delegation-result.ts'
import { cwdProblem, isTask, placeAsked } from './task.ts'
import {
  childOf,
  declaredTeam,
  isLeftOut,
  memberAsked,
  sessionsLeft,
  sliceFor,
  type Team,
  withChild,
  withWorkflows,
} from './team.ts'

type DelegationEvent =
  | 'agents.declared'
  | 'workflows.declared'
  | 'task.declared'
  | 'parent.declared'
  | 'delegation.requested'
  | 'delegation.resumed'
  | 'delegation.continued'
  | 'delegation.cancel-requested'
  | 'delegation.paused'
  | 'delegation.settled'

export const delegationEvents: Meanings<DelegationEvent> = {
  'agents.declared': {
    effective: true,
    evolve: (session, { data }) => ({ ...session, team: declaredTeam(data) }),
  },
  'workflows.declared': {
    effective: true,
    evolve: (session, { data }) => (session.team ? { ...session, team: withWorkflows(session.team, data) } : session),
  },
  'task.declared': {
    effective: true,
    evolve: (session, { data }) => (session.team ? { ...session, team: { ...session.team, task: data } } : session),
  },
  'parent.declared': {
    effective: true,
    evolve: (session, { data: { onPause } }) => ({ ...session, onPause }),
  },
  'delegation.requested': {
    effective: true,
    begins: true,
    evolve: (session, { data: { call, child, pool, agent, sessions = 0, budget } }) =>
      begun(session, call, { kind: 'delegated', child, pool, cancelSent: false }, (after) =>
        withChild(counted(after), child, () => ({
          ...{ agent, call, pool, status: 'open', taken: 1 + sessions },
          ...(budget === undefined ? {} : { budget }),
        })),
      ),
  },
  'delegation.resumed': {
    effective: true,
    begins: true,
    evolve: (session, { data: { call, child, pool } }) =>
      begun(session, call, { kind: 'delegated', child, pool, cancelSent: false, resumed: true }, (after) =>
        withChild(counted(after), child, (old) => old && { ...old, call, status: 'open' }),
      ),
  },
  'delegation.continued': {
    evolve: (session, { data: { call } }) => ({ ...session, continued: call }),
  },
  'delegation.cancel-requested': {
    effective: true,
    evolve: (session, { data: { call, child } }) =>
      withChild(
        withCall(session, call, (old) => (old.kind === 'delegated' ? { ...old, cancelSent: true } : old)),
        child,
        (old) => (old?.status === 'paused' ? { ...old, cancelSent: true } : old),
      ),
  },
  'delegation.paused': {
    effective: true,
    evolve: (session, { data: { call, child, output } }) =>
      settledCall(
        session,
        call,
        child,
        'settled',
        (agent) => ({
          ...{ agent, status: 'paused', output },
          execution_id: child,
        }),
        (old) => ({ ...old, status: 'paused' }),
      ),
  },
  'delegation.settled': {
    effective: true,
    evolve: (session, { data: { call, child, status, output, result, sessions, stopped } }) => {
      const used = (taken: number) => (sessions === undefined ? taken : Math.min(1 + sessions, taken))
      const told: DelegationOutcome['status'] = status === 'completed' ? 'completed' : 'failed'
      const after = settledCall(
        session,
        call,
        child,
        status === 'cancelled' ? 'cancelled' : 'settled',
        (agent) => ({ agent, status: told, output: result === undefined ? output : result }),
        (old) => ({ ...old, status, taken: used(old.taken), ...(stopped ? { stopped } : {}) }),
      )
      if (after !== session) return after
      // Its end came after the call's own: what it did not use comes back (TM1).
      return withChild(session, child, (old) => {
        if (old?.status !== 'cancelled') return old
        const receipt = stopped && !old.stopped ? { stopped } : {}
        return used(old.taken) < old.taken || receipt.stopped ? { ...old, taken: used(old.taken), ...receipt } : old
      })
    },
  },
}

function begun(session: Session, call: string, state: CallState, then: (after: Session) => Session): Session {
  const after = withCall(session, call, (old) => (old.kind === 'due' ? state : old))
  return after === session ? session : then(after)
}

const counted = (session: Session): Session =>
  session.turn ? { ...session, turn: { ...session.turn, delegations: (session.turn.delegations ?? 0) + 1 } } : session

function settledCall(
  session: Session,
  call: string,
  child: string,
  how: 'settled' | 'cancelled',
  outcome: (agent: string) => DelegationOutcome,
  change: (old: NonNullable<ReturnType<typeof childOf>>) => NonNullable<ReturnType<typeof childOf>>,
): Session {
  const told = outcome(childOf(session.team, child)?.agent ?? '')
  const asked = session.turn?.calls.find((one) => one.call === call)
  const after = withCall(session, call, (old) =>
    old.kind === 'delegated' && old.child === child
      ? { kind: 'done', error: told.status === 'failed', output: asked ? toldTo(session, asked, told) : '', how }
      : old,
  )
  return after === session ? session : withChild(after, child, (old) => old && change(old))
}

/** TK4 of task.ts. */
const toldTo = (session: Session, call: Call, outcome: DelegationOutcome): string =>
  isTask(session, call) ? finalText(outcome) : resultText(outcome)

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

/** A session that ends leaves no child behind that could go on later. */
export const pausedChildrenDue: DueRule = ({ cancel, team }) => {
  if (cancel?.kind !== 'end') return null
  for (const [child, { status, call, pool, cancelSent }] of Object.entries(team?.children ?? {}))
    if (status === 'paused' && !cancelSent)
      return { events: [{ type: 'delegation.cancel-requested', data: { call, child, pool } }], to: toExec(pool) }
  return null
}

/** A call to delegate has a frame of its own, addressed to the child's pool. Without agents to delegate to it is a tool like others. */
export const delegationRoute: RouteRule = (call, turn, session) => {
  const { team } = session
  if (!isDelegation(session, call) || !team) return null
  const { agent } = call.arguments
  const refused = refusalOf(session, team, turn, call)
  if (refused) {
    const { code, why } = refused
    const outcome = { agent: typeof agent === 'string' ? agent : '', status: 'failed', output: why } as const
    const output = toldTo(session, call, outcome)
    return { kind: 'settled', status: 'error', code, output } satisfies CallRoute
  }
  const event = isResumption(call) ? resumptionOf(session, call) : requestOf(session, call, turn)
  return event && { kind: 'frame', due: { events: [event], to: toExec(event.data.pool) } }
}

const isResumption = ({ name, arguments: { execution_id: execution } }: Call): boolean =>
  name === delegateName && !isLeftOut(execution)

interface Refusal {
  readonly code: 'invalid-arguments' | 'not-found' | 'limit'
  readonly why: string
}
const invalid = (why: string): Refusal => ({ code: 'invalid-arguments', why })
const notFound = (why: string): Refusal => ({ code: 'not-found', why })
const limit = (why: string): Refusal => ({ code: 'limit', why })

/** DL1. */
function refusalOf(session: Session, team: Team, turn: Turn, call: Call): Refusal | null {
  const { agent, execution_id: execution } = call.arguments
  const task = isTask(session, call) ? team.task : undefined
  const available =
    team.agents
      .filter(({ gone, name }) => !gone && (!task || task.agents.includes(name)))
      .map(({ name }) => name)
      .join(', ') || 'none'
  const member = memberAsked(team, call)
  if (!member) {
    if (typeof agent !== 'string')
      return invalid(`"agent" must be the name of an agent${task ? ', or be left out' : ''}. Available: ${available}.`)
    const own = task ? ' Leave "agent" out for one with your own instructions and tools.' : ''
    return notFound(`Agent '${agent}' not found. Available: ${available}.${own}`)
  }
  if (isResumption(call)) {
    if (typeof execution !== 'string') return invalid('"execution_id" must be the text of a paused result.')
    return notResumable(session, team, member.name, execution) ?? beyondLimits(session, team, turn, call)
  }
  if (member.gone || !member.digest || !member.pool)
    return notFound(
      `${member.workflow === undefined ? `Agent '${member.name}'` : `Workflow '${member.workflow}'`} was deleted. Available: ${available}.`,
    )
  if (askedOf(session, call).instruction.trim() === '')
    return invalid(`"${task ? 'prompt' : 'instruction'}" is missing: say what '${member.name}' should do.`)
  const elsewhere = task && cwdProblem(task, call.arguments.cwd)
  if (elsewhere !== undefined) return invalid(elsewhere)
  if (team.levels === 0)
    return limit('No further agents below this one: the depth of delegation is used up (max_depth). Do it yourself.')
  if (sessionsLeft(team) < 1)
    return limit(
      'No further agents: the sessions that this one may begin are used up (max_sessions). Go on with what you have.',
    )
  const nothing = nothingLeft(session)
  return nothing === null ? beyondLimits(session, team, turn, call) : limit(nothing)
}

function beyondLimits(session: Session, team: Team, turn: Turn, call: Call): Refusal | null {
  const place = turn.calls.filter((one) => isDelegation(session, one)).indexOf(call)
  if (place >= team.fanOut)
    return limit(
      `Not delegated: one answer may delegate ${team.fanOut} times (max_fan_out). Ask again in your next answer.`,
    )
  if ((turn.delegations ?? 0) >= team.perTurn)
    return limit(
      `Not delegated: this turn has used its ${team.perTurn} delegations (max_per_turn). Go on with what you have.`,
    )
  return null
}

function notResumable({ id }: Session, team: Team, agent: string, execution: string): Refusal | null {
  const child = childOf(team, execution)
  if (!child) {
    const elsewhere = execution.length > 26 && /^[0-9A-Za-z]{26}-/.test(execution)
    if (elsewhere && rootOf(execution) !== rootOf(id))
      return notFound(`The execution '${execution}' belongs to another tree of sessions. Give one of your own results.`)
    if (elsewhere) return notFound(`The execution '${execution}' is unknown here: no result of this session named it.`)
    return notFound(`The execution '${execution}' is unknown. Give the execution_id of a paused result.`)
  }
  if (child.agent !== agent)
    return invalid(`The execution '${execution}' belongs to the agent '${child.agent}', not to '${agent}'.`)
  switch (child.status) {
    case 'paused':
      return null
    case 'open':
      return invalid(`The execution '${execution}' is still running: its result comes with the call that waits for it.`)
    case 'completed':
    case 'failed':
    case 'cancelled':
      return invalid(
        `The execution '${execution}' has finished (${child.status}). Delegate anew, without execution_id.`,
      )
    default:
      return child.status satisfies never
  }
}

/** In the words of an event, whichever tool was called. */
function askedOf(session: Session, call: Call) {
  const { prompt, instruction, input, expected_output: expected } = call.arguments
  if (isTask(session, call)) return { instruction: typeof prompt === 'string' ? prompt : '' }
  const data = textOf(input)
  const form = textOf(expected)
  return {
    instruction: typeof instruction === 'string' ? instruction : '',
    ...(data === undefined ? {} : { input: data }),
    ...(form === undefined ? {} : { expectedOutput: form }),
  }
}

/** Models give objects, too, where a text of JSON is asked for. */
function textOf(value: unknown): string | undefined {
  if (isLeftOut(value)) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

type WithBorn = Session & { readonly born: Born }

function resumptionOf(session: WithBorn, call: Call): EventOf<'delegation.resumed'> | null {
  const { team } = session
  const child = String(call.arguments.execution_id)
  const known = childOf(team, child)
  if (!known) return null
  const data = { call: call.call, agent: known.agent, child, pool: known.pool, ...askedOf(session, call) }
  return { type: 'delegation.resumed', data }
}

function requestOf(session: WithBorn, call: Call, turn: Turn): EventOf<'delegation.requested'> | null {
  const { team } = session
  const due = turn.calls.filter((one) => isDelegation(session, one) && one.state.kind === 'due' && !isResumption(one))
  const member = memberAsked(team, call)
  return team && member
    ? request(session, team, call, sliceFor(team, member, due), budgetSlice(session, member, due.length))
    : null
}

/** What was asked for by a call that waits: the same as its frame says. null: of an agent that the session does not know. */
export function askedDelegation(
  session: WithBorn,
  call: Call,
): EventOf<'delegation.requested'> | EventOf<'delegation.resumed'> | null {
  const { team } = session
  if (call.state.kind !== 'delegated' || !team) return null
  if (call.state.resumed) return resumptionOf(session, call)
  const child = childOf(team, call.state.child)
  return request(session, team, call, (child?.taken ?? 1) - 1, child?.budget)
}

function request(
  session: Session,
  team: Team,
  call: Call,
  sessions: number,
  budget: BudgetLimits | undefined,
): EventOf<'delegation.requested'> | null {
  const member = memberAsked(team, call)
  if (!member?.digest || !member.pool) return null
  const { name, digest, pool, onPause } = member
  const cwd = team.task && isTask(session, call) ? placeAsked(team.task, call.arguments.cwd) : undefined
  const data = {
    call: call.call,
    ...{ agent: name, digest, pool, child: childId(session.id, call.call) },
    ...askedOf(session, call),
    ...(onPause === 'return' ? { onPause } : {}),
    ...(member.delegates ? { levels: Math.max(team.levels - 1, 0), sessions } : {}),
    ...(budget === undefined ? {} : { budget }),
    ...(cwd === undefined ? {} : { cwd }),
  }
  return { type: 'delegation.requested', data }
}
