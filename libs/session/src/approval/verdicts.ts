// What a person's decision comes to, on the fold of the session. Pure: the gateway appends what this gives, on the head of that fold.
//   VD1. It is decided on the whole session, never on its head alone: whether the call waits, and for what.
//   VD2. Who comes second is told who was first. The same decision of the same person again changes nothing.
//   VD3. A grant goes into the frame of the decision that it came with; it can only be given where one person's word is enough.
import {
  type ApprovalScope,
  argumentsDigest,
  type DecisionSignature,
  type EventOf,
  type SessionEvent,
  toExec,
} from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'
import type { Call, Session } from '../session.ts'
import { isExcluded } from './approval.ts'
import { isDeeperThan, maxDepth } from './depth.ts'
import { maxGrants } from './grants.ts'
import { pinnedTool } from './policy.ts'
import { targetOf } from './target.ts'

export interface PersonsVerdict {
  readonly call: string
  readonly verdict: 'approved' | 'edited' | 'denied'
  /** Where the person says which arguments they have seen. */
  readonly digest?: string | undefined
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
  readonly reason?: string | undefined
  readonly scope: ApprovalScope
}

export type VerdictRefusal =
  /** There is no such call in the open turn: perhaps it was decided before. */
  'not-waiting' | 'decided' | 'expired' | 'other-arguments' | 'not-allowed' | 'invalid'

export type VerdictOutcome =
  | { readonly kind: 'append'; readonly decision: Decision }
  | { readonly kind: 'unchanged' }
  /** `by`: who has decided. */
  | { readonly kind: 'refused'; readonly code: VerdictRefusal; readonly why: string; readonly by?: string }

/** `grant`: the id that a grant gets. `sign`: over the decision, where there is a key. */
export function decideApproval(
  { session, head }: Fold,
  verdict: PersonsVerdict,
  by: string,
  grant: string,
  sign: (decided: EventOf<'approval.decided'>['data']) => DecisionSignature | undefined,
): VerdictOutcome {
  const call = session.turn?.calls.find((one) => one.call === verdict.call)
  if (session.mode.kind === 'ended') return refused('not-waiting', 'The session has ended: nothing of it waits.')
  if (session.cancel) return refused('not-waiting', 'The turn is being cancelled: its calls wait no more.')
  if (!call) return refused('not-waiting', `No call ${verdict.call.slice(0, 64)} of this session waits for approval.`)
  const { state } = call
  if (state.kind !== 'waiting') return late(call, verdict, by)
  if (state.lapsed) return refused('expired', 'The time to decide about this call has passed: it does not run.')
  if (isExcluded(session, by))
    return refused('not-allowed', 'Whoever began the turn may not decide about its calls (exclude_requester).')
  if (verdict.digest !== undefined && verdict.digest !== state.digest)
    return refused('other-arguments', 'The call waits with other arguments than those that were decided about.')
  if (verdict.verdict === 'approved' && state.votes.includes(by)) return { kind: 'unchanged' }
  if (state.votes.includes(by) && verdict.verdict === 'edited')
    return refused('decided', 'You have approved this call already. It waits for others.')
  const problem = problemOf(session, call, verdict)
  if (problem !== null) return refused('invalid', problem)
  const data: EventOf<'approval.decided'>['data'] = {
    ...{ call: call.call, digest: state.digest, verdict: verdict.verdict, scope: verdict.scope, approver: by },
    ...(verdict.verdict === 'edited' ? { arguments: { ...verdict.arguments } } : {}),
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
  }
  const signature = sign(data)
  const events: SessionEvent[] = [
    { type: 'approval.decided', data: signature ? { ...data, signature } : data },
    ...grantOf(session, call, verdict, grant),
  ]
  return {
    kind: 'append',
    decision: { events, to: toExec(head.pool), status: head.status, trace: session.turn?.trace },
  }
}

const refused = (code: VerdictRefusal, why: string, by?: string): VerdictOutcome => ({
  kind: 'refused',
  code,
  why,
  ...(by === undefined ? {} : { by }),
})

/** VD2. */
function late(call: Call, { verdict }: PersonsVerdict, by: string): VerdictOutcome {
  const { approval } = call
  switch (approval?.kind) {
    case 'approved':
      if (approval.by.includes(by) && verdict === (call.edited ? 'edited' : 'approved')) return { kind: 'unchanged' }
      return refused('decided', `${approval.by.join(' and ')} approved this call already.`, approval.by.join(', '))
    case 'denied':
      if (approval.by === by && verdict === 'denied') return { kind: 'unchanged' }
      return refused('decided', `${approval.by} denied this call already.`, approval.by)
    case 'granted':
      return refused('decided', `The grant ${approval.grant} let this call pass already.`)
    case 'expired':
      return refused('expired', 'The time to decide about this call has passed: it does not run.')
    default:
      return refused('not-waiting', 'This call does not wait for approval.')
  }
}

function problemOf(session: Session, call: Call, { verdict, arguments: args, scope }: PersonsVerdict): string | null {
  const { state } = call
  if (verdict === 'edited') {
    if (!args) return 'args: an edit needs the new arguments.'
    if (isDeeperThan(args, maxDepth)) return `args: they are nested deeper than ${maxDepth} levels.`
    if (argumentsDigest(call.name, args) === argumentsDigest(call.name, call.arguments))
      return 'args: they are the same as before; approve the call instead.'
  } else if (args) return 'args: only an edit has them.'
  if (scope === 'call') return null
  if (verdict === 'denied') return 'scope: a denial is about this call only.'
  if (state.kind === 'waiting' && state.must)
    return `scope: each call of ${call.name} must be approved by a person; no grant can speak for them.`
  if (state.kind === 'waiting' && state.quorum > 1)
    return `scope: ${state.quorum} people have to approve each call; one of them cannot grant the next.`
  if ((session.grants ?? []).length >= maxGrants)
    return `scope: the session has ${maxGrants} grants; revoke some first.`
  if (scope === 'target' && grantTarget(session, call, args) === undefined)
    return `scope: a call of ${call.name} has no target that a grant could be for; grant the call or the tool.`
  return null
}

const grantTarget = (session: Session, call: Call, args = call.arguments): string | undefined =>
  targetOf(pinnedTool(session, call.name)?.target, args)

/** VD3. Of an edit: for what runs. */
function grantOf(
  session: Session,
  call: Call,
  { scope, arguments: args }: PersonsVerdict,
  grant: string,
): readonly SessionEvent[] {
  if (scope === 'call') return []
  const target = scope === 'target' ? grantTarget(session, call, args) : undefined
  const data = { grant, tool: call.name, ...(target === undefined ? {} : { target }), call: call.call }
  return [{ type: 'grant.added', data }]
}

/** Revoking is decided on the fold too; nobody has to act on it. undefined: all of them. */
export function revokeGrant({ session, head }: Fold, grant: string | undefined): VerdictOutcome {
  const all = session.grants ?? []
  const ended = all.filter((one) => grant === undefined || one.grant === grant)
  if (session.mode.kind === 'ended') return { kind: 'unchanged' }
  if (ended.length === 0)
    return grant === undefined
      ? { kind: 'unchanged' }
      : refused('not-waiting', `The session has no grant ${grant.slice(0, 64)}.`)
  const events = ended.map((one): SessionEvent => ({ type: 'grant.revoked', data: { grant: one.grant } }))
  return { kind: 'append', decision: { events, to: { kind: 'log' }, status: head.status } }
}
