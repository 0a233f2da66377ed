// What a decision of a person is about, and what a gateway signs of it: the same bytes for whoever decides, signs or checks.
import { createHash } from 'node:crypto'
import { canonicalJson } from './agents/definition.ts'
import type { ApprovalScope } from './events/tools/approval.ts'
import type { EventOf } from './events/catalogue.ts'

/** A decision about these arguments is about no others. Hex sha256. */
export const argumentsDigest = (name: string, args: Readonly<Record<string, unknown>>): string =>
  createHash('sha256')
    .update(canonicalJson([name, args]))
    .digest('hex')

export interface DecisionToSign {
  readonly session: string
  readonly call: string
  /** Of what was asked for. */
  readonly digest: string
  readonly verdict: string
  /** Of what runs instead, where the decision says so. */
  readonly edited?: string
  readonly reason?: string
  readonly scope: ApprovalScope
  readonly approver: string
}

/** The bytes that are signed: JSON with sorted keys, behind a word that says what it is. */
export const signedDecision = (decision: DecisionToSign): string => `reins approval 1\n${canonicalJson(decision)}`

/** `name`: of the tool, as the call asked for it. */
export function decisionToSign(
  session: string,
  name: string,
  { call, digest, verdict, scope, approver, reason, arguments: args }: EventOf<'approval.decided'>['data'],
): DecisionToSign {
  return {
    ...{ session, call, digest, verdict, scope, approver },
    ...(args === undefined ? {} : { edited: argumentsDigest(name, args) }),
    ...(reason === undefined ? {} : { reason }),
  }
}
