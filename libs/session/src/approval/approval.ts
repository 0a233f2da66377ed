// Approvals: a call that waits for a person, and what becomes of it.
//   AP1. A waiting call is asked of nobody. It is covered by people and by its timer, holds no trigger and takes no place of a tool.
//   AP2. A decision is about the arguments that it names by their digest, and about no others. It counts while the call waits, once for
//        each person; a denial is the end at once.
//   AP3. Approved, edited, denied, expired, withdrawn, passed by a grant: each is an event of its own kind, and the model can tell them.
//   AP4. What was decided is kept with the call: it is asked for once.
import { argumentsDigest, type EventOf, type SessionEvent, toLog } from '@reins/contracts'
import type { Approval, Call, CallState, Session, WaitingForApproval } from '../session.ts'
import type { CallRoute, CallStateKinds, DueRule, Meanings, Origin, RouteRule, TimerRule } from '../slice.ts'
import { changeCall } from '../tool-call/tool-call.ts'
import { grantFor } from './grants.ts'
import { isDeeperThan, maxDepth } from './depth.ts'
import { type Need, needOf, pinnedTool } from './policy.ts'
import { targetOf } from './target.ts'

type ApprovalEvent =
  | 'approvals.pinned'
  | 'approval.requested'
  | 'approval.decided'
  | 'approval.granted'
  | 'approval.expired'
  | 'approval.withdrawn'
  | 'approval.needed'

export const approvalEvents: Meanings<ApprovalEvent> = {
  'approvals.pinned': {
    effective: true,
    evolve: (session, { data }) => (session.approvals ? session : { ...session, approvals: data }),
  },
  'approval.requested': { effective: true, begins: true, evolve: requested },
  'approval.decided': { effective: true, evolve: decided },
  'approval.granted': {
    effective: true,
    evolve: (session, { data: { call, digest, grant } }) =>
      changeCall(session, call, (old) => {
        if (old.state.kind === 'waiting')
          return old.state.digest === digest ? closed(old, { kind: 'granted', grant }) : old
        return old.state.kind === 'due' ? { ...old, approval: { kind: 'granted', grant } } : old
      }),
  },
  'approval.expired': {
    effective: true,
    evolve: (session, { data: { call } }) =>
      changeCall(session, call, (old) => (old.state.kind === 'waiting' ? closed(old, { kind: 'expired' }) : old)),
  },
  'approval.withdrawn': {
    effective: true,
    evolve: (session, { data: { call } }) =>
      changeCall(session, call, (old) => (old.state.kind === 'waiting' ? closed(old, { kind: 'withdrawn' }) : old)),
  },
  'approval.needed': {
    effective: true,
    // Before it is claimed: what is claimed has been looked at.
    evolve: (session, { data: { call, reason, must } }) =>
      changeCall(session, call, (old) =>
        old.state.kind === 'requested' && !old.approval
          ? closed(old, { kind: 'needed', reason, ...(must === undefined ? {} : { must }) })
          : old,
      ),
  },
}

/** It is to be asked for again, or to be answered, as the decision says. */
const closed = (call: Call, approval: Approval): Call => ({ ...call, state: { kind: 'due' }, approval })

function requested(session: Session, { data }: EventOf<'approval.requested'>, { n }: Origin): Session {
  const { call, digest, must, quorum, timer, expiresAt, reason } = data
  return changeCall(session, call, (old) => {
    if (old.state.kind !== 'due' || (old.approval && old.approval.kind !== 'needed')) return old
    const state: WaitingForApproval = {
      ...{ kind: 'waiting', for: 'approval', n, digest, reason, must: must === true, quorum: quorum ?? 1, votes: [] },
      ...(timer === undefined ? {} : { timer }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }
    return { ...old, state }
  })
}

/** AP2. */
function decided(session: Session, { data }: EventOf<'approval.decided'>, { by }: Origin): Session {
  return changeCall(session, data.call, (old) => {
    const { state } = old
    if (state.kind !== 'waiting' || state.lapsed || data.approver !== by || data.digest !== state.digest) return old
    if (state.votes.includes(by) || isExcluded(session, by)) return old
    if (data.verdict === 'denied')
      return closed(old, { kind: 'denied', by, ...(data.reason ? { reason: data.reason } : {}) })
    if (data.verdict === 'approved') return voted(old, state, [...state.votes, by])
    const { arguments: args } = data
    if (!args || isDeeperThan(args, maxDepth)) return old
    // Those who approved before have approved something else.
    const edited = { ...old, arguments: args, edited: { by } }
    return voted(edited, { ...state, digest: argumentsDigest(old.name, args) }, [by])
  })
}

const voted = (call: Call, state: WaitingForApproval, votes: readonly string[]): Call =>
  votes.length >= state.quorum ? closed(call, { kind: 'approved', by: votes }) : { ...call, state: { ...state, votes } }

/** Whether the definition keeps whoever began the turn from deciding about it. */
export const isExcluded = ({ approvals, turn }: Session, by: string): boolean =>
  approvals?.excludeRequester === true &&
  ((turn?.requesters ?? []).includes(by) || (approvals.requesters ?? []).includes(by))

/** Calls that people, or a tool, say something about, and those that have to be asked for. */
export const approvalRoute: RouteRule = (call, _turn, session, at) => {
  const { approval } = call
  switch (approval?.kind) {
    case 'approved':
    case 'granted':
      return null
    case 'denied':
      return ended('denied', deniedText(approval.by, approval.reason))
    case 'expired':
      return ended('approval-expired', expiredText)
    case 'withdrawn':
      return ended('cancelled', 'Not run: it was cancelled while it waited for approval.')
    default:
      break
  }
  const need = needOf(session, call, approval ?? null)
  switch (need.kind) {
    case 'nobody':
      return null
    case 'refused':
      return ended(need.code, need.why)
    case 'person': {
      if (isDeeperThan(call.arguments, maxDepth))
        return ended('invalid-arguments', `Not run: the arguments are nested deeper than ${maxDepth} levels.`)
      const grant = need.must ? undefined : grantFor(session, call)
      const digest = argumentsDigest(call.name, call.arguments)
      return {
        kind: 'recorded',
        events: grant
          ? [{ type: 'approval.granted', data: { call: call.call, digest, grant: grant.grant } }]
          : asked(session, call, digest, need, at),
      }
    }
    default:
      return need satisfies never
  }
}

function asked(
  session: Session,
  call: Call,
  digest: string,
  { must, why, expires }: Need & { readonly kind: 'person' },
  at: number,
): readonly SessionEvent[] {
  const { quorum = 1 } = session.approvals ?? {}
  const target = targetOf(pinnedTool(session, call.name)?.target, call.arguments)
  const timer = `approval-${call.call}`
  const data: EventOf<'approval.requested'>['data'] = {
    ...{ call: call.call, name: call.name, arguments: { ...call.arguments }, digest, reason: why },
    ...(must ? { must } : {}),
    ...(quorum > 1 ? { quorum } : {}),
    ...(target === undefined ? {} : { target }),
    ...(expires === undefined ? {} : { timer, expiresAt: at + expires }),
  }
  const request: SessionEvent = { type: 'approval.requested', data }
  return expires === undefined ? [request] : [request, { type: 'timer.armed', data: { timer, at: at + expires } }]
}

const ended = (code: string, output: string): CallRoute => ({ kind: 'settled', status: 'error', code, output })

const deniedText = (by: string, reason: string | undefined): string =>
  reason === undefined
    ? `Not run: ${by} denied this call. Do not try it again in another way; ask what is wanted instead, or go on without it.`
    : `Not run: ${by} denied this call and says: ${reason}`

const expiredText =
  'Not run: nobody decided about this call in time. That is no denial: it may be asked for again later, when somebody is there.'

/** Of calls that wait already: their time has passed, or a grant that came later speaks for them. */
export const approvalsDue: DueRule = (session) => {
  const events = (session.turn?.calls ?? []).flatMap((call): SessionEvent[] => {
    const { state } = call
    if (state.kind !== 'waiting') return []
    if (state.lapsed) return [{ type: 'approval.expired', data: { call: call.call } }]
    const grant = state.must ? undefined : grantFor(session, call)
    const { digest } = state
    return grant ? [{ type: 'approval.granted', data: { call: call.call, digest, grant: grant.grant } }] : []
  })
  return events.length > 0 ? { events, to: toLog } : null
}

export const approvalStates: CallStateKinds<'waiting'> = {
  waiting: {
    // AP1.
    cover: (call, { timer }) => [
      { kind: 'person', why: `${call} waits for approval` },
      ...(timer === undefined ? [] : [{ kind: 'timer' as const, timer }]),
    ],
    cancelled: (call) => [
      { type: 'approval.withdrawn', data: { call } },
      { type: 'tool-call.cancelled', data: { call } },
    ],
  },
}

export const approvalTimer: TimerRule = (session, timer) => {
  const call = session.turn?.calls.find(({ state }) => state.kind === 'waiting' && state.timer === timer)
  return call
    ? changeCall(session, call.call, (old) =>
        old.state.kind === 'waiting' ? { ...old, state: { ...old.state, lapsed: true } } : old,
      )
    : session
}

export const isWaiting = (state: CallState): state is WaitingForApproval => state.kind === 'waiting'
