// Approvals and grants over the API: what a person is shown, and what they can say.
import { type Static, Type } from 'typebox'
import type { Only } from '../access/only.ts'
import { ApprovalScope, maxReasonChars } from '../events/tools/approval.ts'

const closed = { additionalProperties: false } as const

export const approvalStates = ['waiting', 'approved', 'edited', 'denied', 'expired', 'withdrawn', 'granted'] as const
const literals = approvalStates.map((state) => Type.Literal(state))
export type ApprovalState = (typeof approvalStates)[number]

/** A call that waits for a person, or that waited. From an index: it may be some moments old; deciding looks at the session itself. */
export const ApprovalInfo = Type.Object(
  {
    session: Type.String(),
    call: Type.String(),
    agent: Type.String(),
    name: Type.String({ description: 'The tool' }),
    arguments: Type.Optional(
      Type.Unknown({ description: 'Absent where they are long: the event approval.requested has them' }),
    ),
    digest: Type.String({ description: 'Of tool and arguments; give it back with the decision' }),
    reason: Type.String({ description: 'Why a person is asked' }),
    state: Type.Unsafe<ApprovalState>(Type.Union(literals)),
    target: Type.Optional(Type.String({ description: 'What a grant of scope "target" covers' })),
    must: Type.Optional(Type.Literal(true, { description: 'Each call is decided by a person: no grant' })),
    quorum: Type.Optional(Type.Integer({ description: 'How many people have to approve' })),
    approvers: Type.Optional(Type.Array(Type.String(), { description: 'Who has approved so far' })),
    requestedAt: Type.Integer({ description: 'epoch ms' }),
    expiresAt: Type.Optional(Type.Integer({ description: 'epoch ms' })),
    decidedAt: Type.Optional(Type.Integer({ description: 'epoch ms' })),
    decidedBy: Type.Optional(Type.String()),
    decisionReason: Type.Optional(Type.String()),
    grant: Type.Optional(Type.String({ description: 'The grant that let it pass' })),
  },
  closed,
)
export type ApprovalInfo = Static<typeof ApprovalInfo>

export const ApprovalList = Type.Object(
  { approvals: Type.Array(ApprovalInfo), next: Type.Optional(Type.String()) },
  closed,
)
export type ApprovalList = Static<typeof ApprovalList>

/** Which of the things that wait for people are listed: the same for approvals and for elicitations. */
export interface ListWaiting {
  readonly only?: Only
  /** Absent: all. Of elicitations `waiting` has those whose page is open (`accepted`) too. */
  readonly state?: string
  readonly agent?: string
  readonly session?: string
  /** A session: with it all of its delegation tree. */
  readonly tree?: string
  readonly limit: number
  readonly after?: string
}

/** Both forms of each word are taken. */
const verdictWords = ['approved', 'edited', 'denied', 'approve', 'edit', 'deny'] as const
type VerdictWord = (typeof verdictWords)[number]

export const DecideApproval = Type.Object(
  {
    verdict: Type.Unsafe<VerdictWord>(
      Type.Union(
        verdictWords.map((word) => Type.Literal(word)),
        { description: 'approved, edited (with args) or denied' },
      ),
    ),
    scope: Type.Optional(
      Type.Unsafe<ApprovalScope>({
        ...ApprovalScope,
        description: 'call (default); tool or target: a grant for the rest of the session',
      }),
    ),
    args: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Of an edit: all arguments that the tool gets' }),
    ),
    reason: Type.Optional(Type.String({ maxLength: maxReasonChars, description: 'The model reads it after a denial' })),
    digest: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', description: 'What was decided about: refused where it has changed' }),
    ),
  },
  closed,
)
export type DecideApproval = Static<typeof DecideApproval>

export const ApprovalDecided = Type.Object(
  {
    session: Type.String(),
    call: Type.String(),
    verdict: Type.Union([Type.Literal('approved'), Type.Literal('edited'), Type.Literal('denied')]),
    approvals: Type.Optional(Type.Integer({ description: 'Where several people have to approve: how many have' })),
    quorum: Type.Optional(Type.Integer()),
    grant: Type.Optional(Type.String({ description: 'The grant that came with it' })),
    cursor: Type.String(),
  },
  closed,
)
export type ApprovalDecided = Static<typeof ApprovalDecided>

export const GrantInfo = Type.Object(
  {
    grant: Type.String(),
    tool: Type.String(),
    target: Type.Optional(Type.String({ description: 'Absent: whatever the call is about' })),
    call: Type.String({ description: 'The call that it was given with' }),
    by: Type.String(),
    at: Type.Integer({ description: 'epoch ms' }),
  },
  closed,
)
export type GrantInfo = Static<typeof GrantInfo>
export const GrantList = Type.Object({ grants: Type.Array(GrantInfo) }, closed)
export type GrantList = Static<typeof GrantList>
export const GrantsRevoked = Type.Object({ revoked: Type.Array(Type.String()), cursor: Type.String() }, closed)
export type GrantsRevoked = Static<typeof GrantsRevoked>
