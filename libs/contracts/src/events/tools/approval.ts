// approval.* and grant.*: calls that wait for a person, what people decide about them, and what they let pass from then on.
import { type Static, Type } from 'typebox'
import { id, maxNameChars } from '../fields.ts'

/** What a tool says about itself: whether a person is asked before it runs. `must`: each time, and no grant speaks for the person. */
export const ToolApproval = Type.Union([Type.Literal('auto'), Type.Literal('ask'), Type.Literal('must')])
export type ToolApproval = Static<typeof ToolApproval>

/** What a call is about, for grants and patterns: the argument that says it, and how it is read. */
export const ToolTarget = Type.Object({
  argument: id,
  kind: Type.Union([Type.Literal('command'), Type.Literal('path'), Type.Literal('text')]),
})
export type ToolTarget = Static<typeof ToolTarget>

export const ApprovalMode = Type.Union([
  Type.Literal('default'),
  Type.Literal('always'),
  Type.Literal('never'),
  Type.Literal('autonomous'),
])
export type ApprovalMode = Static<typeof ApprovalMode>

/** What a definition says of a tool; it comes before what the tool says of itself. */
export const ToolApprovalRule = Type.Object({
  approval: Type.Optional(
    Type.Union([Type.Literal('auto'), Type.Literal('always'), Type.Literal('must'), Type.Literal('never')]),
  ),
  /** Patterns of targets that need nobody. */
  allow: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), { maxItems: 200 })),
  /** ms that a call of it waits. */
  expires: Type.Optional(Type.Integer({ minimum: 1 })),
})
export type ToolApprovalRule = Static<typeof ToolApprovalRule>

/** As the definition had it at the session's start. */
export const ApprovalPolicy = Type.Object({
  mode: ApprovalMode,
  /** ms that a call waits. Absent: until somebody decides. */
  expires: Type.Optional(Type.Integer({ minimum: 1 })),
  /** How many people have to approve; absent: one. */
  quorum: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Whoever began the turn may not decide about its calls. */
  excludeRequester: Type.Optional(Type.Literal(true)),
  /** By name; `*` at the end of a name stands for any rest. What stands with the tool itself (PinnedTool) comes first. */
  tools: Type.Optional(Type.Record(Type.String(), ToolApprovalRule)),
  /** Of a child: who began the turn above. */
  requesters: Type.Optional(Type.Array(id)),
})
export type ApprovalPolicy = Static<typeof ApprovalPolicy>

/** How far a decision reaches: this call; this tool, or this tool with this target, for the session. */
export const ApprovalScope = Type.Union([Type.Literal('call'), Type.Literal('tool'), Type.Literal('target')])
export type ApprovalScope = Static<typeof ApprovalScope>

/** Of a tool's name and arguments: what a decision is about, so that it speaks for nothing else. Hex sha256. */
const digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const args = Type.Record(Type.String(), Type.Unknown())

/** By a gateway, over the decision as signedDecision (approvals.ts) gives it. `key` names the public key. */
export const DecisionSignature = Type.Object({ key: id, value: Type.String({ maxLength: 200 }) })
export type DecisionSignature = Static<typeof DecisionSignature>

export const maxReasonChars = 2_000

export const approvalEvents = {
  /** Beside session.started, and only where something of it may wait or be refused. */
  'approvals.pinned': ApprovalPolicy,
  /** `reason`: why a person is asked, for that person. */
  'approval.requested': Type.Object({
    call: id,
    name: id,
    arguments: args,
    digest,
    reason: Type.String({ maxLength: maxReasonChars }),
    /** No grant speaks for the person. */
    must: Type.Optional(Type.Literal(true)),
    quorum: Type.Optional(Type.Integer({ minimum: 2 })),
    /** What a grant for this target would cover. */
    target: Type.Optional(Type.String()),
    timer: Type.Optional(id),
    /** epoch ms */
    expiresAt: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  /** A person's. `edited` approves other arguments: `arguments`; those of the model stand in its answer. */
  'approval.decided': Type.Object({
    call: id,
    digest,
    verdict: Type.Union([Type.Literal('approved'), Type.Literal('edited'), Type.Literal('denied')]),
    arguments: Type.Optional(args),
    reason: Type.Optional(Type.String({ maxLength: maxReasonChars })),
    scope: ApprovalScope,
    /** As `by` of the frame says it. */
    approver: Type.String({ minLength: 1, maxLength: maxNameChars * 2 }),
    signature: Type.Optional(DecisionSignature),
  }),
  /** An earlier decision of a person covers this call: the grant is named. */
  'approval.granted': Type.Object({ call: id, digest, grant: id }),
  /** Its timer has fired, and nobody had decided. */
  'approval.expired': Type.Object({ call: id }),
  /** What asked for it was cancelled, interrupted or ended. */
  'approval.withdrawn': Type.Object({ call: id }),
  /** The tool itself, looking at the arguments, asks for a person: said once, before it runs. */
  'approval.needed': Type.Object({
    call: id,
    reason: Type.String({ maxLength: maxReasonChars }),
    /** No grant speaks for the person. */
    must: Type.Optional(Type.Literal(true)),
  }),
  /** Calls of this tool (with this target) need nobody from now on, in this session. `call`: the decision that it came with. */
  'grant.added': Type.Object({ grant: id, tool: id, target: Type.Optional(Type.String()), call: id }),
  'grant.revoked': Type.Object({ grant: id }),
}
