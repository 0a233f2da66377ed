// Decisions of people about calls that wait, and grants. Decided in libs/session on the fold of the session itself, never on an index.
//   AV1. A decision stands on the head of the fold that it was decided on: where anything came between, it is decided again.
//   AV2. What is decided has the name of the caller in it, and the signature of this gateway, where it has a key.
//   AV3. Who comes second is told who was first, also when the turn has gone on since.
import {
  ApprovalDecided,
  type ApprovalList,
  type DecideApproval,
  type DecisionSignature,
  decisionToSign,
  type EventOf,
  encodeCursor,
  type GrantInfo,
  GrantsRevoked,
  type Head,
  isSessionId,
  type ListWaiting,
  maySay,
  ReinsError,
  signedDecision,
} from '@reins/contracts'
import { decideApproval, type Fold, type PersonsVerdict, revokeGrant, type VerdictOutcome } from '@reins/session'
import type { CallService, GatewayConfig } from '../../ports.ts'
import { aboutTool } from '../access/about-tool.ts'
import type { SessionAgents } from '../access/session-agents.ts'
import { authorizeSome, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { type Outcome, refused } from '../outcomes.ts'
import { fromIndex, onlyOf } from '../reads/from-index.ts'
import { framesOf, type SessionFolds } from '../reads/session-folds.ts'
import { notFound } from '../writes/appender.ts'
import type { Decided } from './decisions.ts'
import { receipts, type SessionWrites, type WriteOptions } from './session-writes.ts'

export interface ApprovalParts extends Pick<GatewayConfig, 'sessions' | 'registry' | 'argumentsProblem' | 'sign'> {
  readonly writes: SessionWrites
  readonly folds: SessionFolds
  readonly call: CallService
  readonly access: SessionAgents
}

const words = {
  approve: 'approved',
  approved: 'approved',
  edit: 'edited',
  edited: 'edited',
  deny: 'denied',
  denied: 'denied',
} as const

export class Approvals {
  readonly #parts: ApprovalParts
  constructor(parts: ApprovalParts) {
    this.#parts = parts
  }

  /** From the index: throws unavailable while nobody answers for it. */
  async list(caller: Caller, request: ListWaiting): Promise<ApprovalList> {
    const allowed = authorizeSome(caller, operations.listApprovals)
    return fromIndex(this.#parts.call, 'approvals.list', { ...request, ...onlyOf(allowed) })
  }

  /** Throws session_not_found. */
  async grants(caller: Caller, session: string): Promise<readonly GrantInfo[]> {
    await this.#parts.access.authorize(caller, operations.listGrants, session)
    const { fold } = await this.#parts.folds.folded(session)
    return (fold.session.grants ?? []).map((grant) => ({ ...grant }))
  }

  decide(
    caller: Caller,
    session: string,
    call: string,
    request: DecideApproval,
    options: WriteOptions = {},
  ): Promise<Outcome<ApprovalDecided>> {
    const given = words[request.verdict]
    // Whoever approves other arguments edits them.
    const verdict = given === 'approved' && request.args ? 'edited' : given
    const said: PersonsVerdict = {
      ...{ call, verdict, scope: request.scope ?? 'call' },
      ...{ digest: request.digest, arguments: request.args, reason: request.reason },
    }
    const about = () =>
      aboutTool(this.#parts.folds, caller, operations.decideApproval, session, (fold) => callOf(fold, call)?.name)
    return this.#parts.writes.write(caller, operations.decideApproval, about, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/approvals/${call}`, body: request },
        ...{ receiptOf: approvalDecided, on: undefined },
        prepare: async (ids) => {
          await this.#check(session, said)
          return async (head) => this.#decide(session, head, said, caller.by, ids.subject)
        },
        settle: async (ids, done) => {
          const { fold, info } = await this.#parts.folds.folded(session)
          const state = fold.session.turn?.calls.find((one) => one.call === call)?.state
          const counted = state?.kind === 'waiting' ? { approvals: state.votes.length, quorum: state.quorum } : {}
          const grant = done.kind === 'appended' && said.scope !== 'call' ? { grant: ids.subject } : {}
          const cursor =
            done.kind === 'appended'
              ? { of: session, tree: false, seq: done.frame.seq, n: done.frame.n, i: -1 }
              : { of: session, tree: false, ...info.last }
          return {
            kind: done.kind === 'appended' ? 'accepted' : 'unchanged',
            receipt: { session, call, verdict, ...counted, ...grant, cursor: encodeCursor(cursor) },
          }
        },
      }
    })
  }

  /** `grant`: undefined for all of them. */
  revoke(
    caller: Caller,
    session: string,
    grant: string | undefined,
    options: WriteOptions = {},
  ): Promise<Outcome<GrantsRevoked>> {
    const tool = (fold: Fold) => fold.session.grants?.find((one) => one.grant === grant)?.tool
    const about = () => aboutTool(this.#parts.folds, caller, operations.decideApproval, session, tool)
    return this.#parts.writes.write(caller, operations.revokeGrants, about, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      let revoked: readonly string[] = []
      return {
        ...{ session, asked: `DELETE /v1/sessions/${session}/grants`, body: { grant } },
        ...{ receiptOf: grantsRevoked, on: undefined },
        prepare: async () => async (head) => {
          const fold = await this.#foldAt(session, head)
          const outcome = revokeGrant(fold, grant)
          if (outcome.kind === 'append')
            revoked = outcome.decision.events.flatMap((event) =>
              event.type === 'grant.revoked' ? [event.data.grant] : [],
            )
          return outcome.kind === 'refused' ? refused(new ReinsError('grant_not_found', outcome.why)) : outcome
        },
        settle: async (_ids, done) => {
          const { seq, n } = done.kind === 'appended' ? done.frame : done.head
          return {
            kind: done.kind === 'appended' ? 'accepted' : 'unchanged',
            receipt: { revoked: [...revoked], cursor: encodeCursor({ of: session, tree: false, seq, n, i: -1 }) },
          }
        },
      }
    })
  }

  /** AV1. */
  async #decide(session: string, head: Head, said: PersonsVerdict, by: string, grant: string): Promise<Decided> {
    const fold = await this.#foldAt(session, head)
    const outcome = decideApproval(fold, said, by, grant, (data) => this.#signatureOf(fold, data))
    if (outcome.kind !== 'refused') return outcome
    if (outcome.code === 'not-waiting') {
      const earlier = await this.#decidedBefore(session, said.call)
      if (earlier) return refused(earlier)
    }
    return refused(errorOf(outcome))
  }

  async #foldAt(session: string, head: Head): Promise<Fold> {
    if (head.seq === 0) throw notFound(session)
    return this.#parts.folds.toDecide(session, head.seq)
  }

  #signatureOf({ session }: Fold, data: EventOf<'approval.decided'>['data']): DecisionSignature | undefined {
    const { sign } = this.#parts
    if (!sign) return undefined
    const name = session.turn?.calls.find((one) => one.call === data.call)?.name ?? ''
    return sign(signedDecision(decisionToSign(session.id, name, data)))
  }

  /** Edited arguments are checked as the tool checks them. */
  async #check(session: string, said: PersonsVerdict): Promise<void> {
    const { argumentsProblem, registry, folds } = this.#parts
    if (said.verdict !== 'edited' || !said.arguments || !argumentsProblem) return
    const { fold } = await folds.folded(session)
    const { born, turn } = fold.session
    const call = turn?.calls.find((one) => one.call === said.call)
    const version = born && (await registry.version(born.digest))
    if (!call || !version) return
    const problem = await argumentsProblem(version.definition, call.name, said.arguments)
    if (problem !== undefined)
      throw new ReinsError('invalid_request', `The new arguments are not valid for ${call.name}: ${problem}`)
  }

  /** AV3. Read from the start: it is asked for rarely. */
  async #decidedBefore(session: string, call: string): Promise<ReinsError | undefined> {
    let found: ReinsError | undefined
    for await (const frame of framesOf(this.#parts.sessions, session, 0))
      for (const event of frame.events) {
        if (!maySay(frame.role, event.type) || !('call' in event.data) || event.data.call !== call) continue
        if (event.type === 'approval.decided')
          found = decidedBy(`${event.data.approver} ${event.data.verdict} this call already.`, event.data.approver)
        else if (event.type === 'approval.granted')
          found = decidedBy(`The grant ${event.data.grant} let this call pass already.`)
        else if (event.type === 'approval.expired') found = new ReinsError('approval_expired')
        else if (event.type === 'approval.withdrawn')
          found = new ReinsError('approval_not_found', 'The call was withdrawn: its turn was cancelled.')
      }
    return found
  }
}

const decidedBy = (message: string, by?: string): ReinsError =>
  new ReinsError('approval_decided', message, by === undefined ? {} : { details: { by } })

function errorOf({ code, why, by }: VerdictOutcome & { readonly kind: 'refused' }): ReinsError {
  switch (code) {
    case 'not-waiting':
      return new ReinsError('approval_not_found', why)
    case 'decided':
      return decidedBy(why, by)
    case 'expired':
      return new ReinsError('approval_expired', why)
    case 'other-arguments':
      return new ReinsError('approval_changed', why)
    case 'not-allowed':
      return new ReinsError('forbidden', why)
    case 'invalid':
      return new ReinsError('invalid_request', `The body is not valid: ${why}`)
    default:
      return code satisfies never
  }
}

const callOf = ({ session }: Fold, call: string) => session.turn?.calls.find((one) => one.call === call)

const approvalDecided = receipts(ApprovalDecided)
const grantsRevoked = receipts(GrantsRevoked)
