// session.* and message.*: a session's life, and what people say into it.
import { type Static, Type } from 'typebox'
import { ToolApproval, ToolApprovalRule, ToolTarget } from './tools/approval.ts'
import { UserContent } from './content.ts'
import { id } from './fields.ts'

/** How often a tool may run: `safe` again after a crash, `never` twice. */
export const ReplayClass = Type.Union([Type.Literal('safe'), Type.Literal('never')])
export type ReplayClass = Static<typeof ReplayClass>

/** What a tool can do to the world, for whoever lets it: look, change the workspace, run programs, act elsewhere. */
export const ToolRisk = Type.Union([
  Type.Literal('read'),
  Type.Literal('write'),
  Type.Literal('exec'),
  Type.Literal('external'),
])
export type ToolRisk = Static<typeof ToolRisk>

/**
 * A tool as it was resolved at the session's start. `digest`: of what the model is told of it (name, description, schema). `approval`
 * and `rule`: absent where nobody is asked. Older processes do not know them: `approvals.pinned` stands beside them, and keeps those away.
 */
export const PinnedTool = Type.Object({
  name: id,
  source: id,
  replay: ReplayClass,
  risk: ToolRisk,
  digest: id,
  approval: Type.Optional(ToolApproval),
  /** It decides by the arguments of each call whether a person is asked: its runner asks it before the call begins. */
  looks: Type.Optional(Type.Literal(true)),
  target: Type.Optional(ToolTarget),
  /** What the definition says of it. */
  rule: Type.Optional(ToolApprovalRule),
})
export type PinnedTool = Static<typeof PinnedTool>

/** What a message does when the session is busy. `reject` never reaches the log: the gateway refuses. */
export const OnBusy = Type.Union([
  Type.Literal('queue'),
  Type.Literal('join'),
  Type.Literal('interrupt'),
  Type.Literal('reject'),
])
export type OnBusy = Static<typeof OnBusy>

/** Limits of a definition that deciding needs. Counts; 0 is "none left", absent is "no limit". */
export const Limits = Type.Object({
  maxToolCalls: Type.Integer({ minimum: 0 }),
  maxConcurrentTools: Type.Optional(Type.Integer({ minimum: 1 })),
  maxTurns: Type.Optional(Type.Integer({ minimum: 1 })),
})
export type Limits = Static<typeof Limits>

/** A session below another: which call of which session made it, and the pool that its end must wake. */
export const Parent = Type.Object({ session: id, call: id, pool: id })
export type Parent = Static<typeof Parent>

export const sessionEvents = {
  'session.started': Type.Object({
    agent: id,
    /** Of the pinned definition. */
    digest: id,
    /** provider/model */
    model: id,
    pools: Type.Object({ executor: id, tools: id }),
    limits: Limits,
    /** The tools that the definition gives the model, by name. */
    tools: Type.Record(Type.String(), ReplayClass),
    /** The same tools, as they were resolved: absent in sessions of before there was this. */
    toolset: Type.Optional(Type.Array(PinnedTool)),
    /** The agents it may delegate to: definition and pool of each at the start. */
    agents: Type.Optional(Type.Record(Type.String(), Type.Object({ digest: id, pool: id }))),
    instance: Type.Optional(Type.Object({ instance: id, session: id })),
    parent: Type.Optional(Parent),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    /** Who started it; of a child, whoever started the session above. Absent in sessions of before there was this. */
    principal: Type.Optional(id),
  }),
  /**
   * The only first frame that a fork has. It goes on behind frame `n` of `from`, whose hash is `hash`, and what was there before it reads
   * from `from`. The rest says what the fork is, for whoever does not read so far.
   */
  'session.forked': Type.Object({
    from: id,
    n: Type.Integer({ minimum: 1 }),
    hash: id,
    agent: id,
    digest: id,
    model: id,
    /** Who forked it: the fork is theirs. */
    principal: id,
    title: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  'session.renamed': Type.Object({ title: Type.String({ maxLength: 200 }) }),
  /** `tree`: with everything below. `pause`: it comes from the session above, whose pause has this frame. */
  'session.paused': Type.Object({
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    tree: Type.Optional(Type.Literal(true)),
    pause: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  /** `pause`: only what this pause of the session above has paused. */
  'session.resumed': Type.Object({ pause: Type.Optional(Type.Integer({ minimum: 0 })) }),
  'session.quarantined': Type.Object({
    reason: Type.String(),
    /** The frame that could not be got past. */ frame: Type.Integer({ minimum: 0 }),
  }),
  'session.released': Type.Object({}),
  /** Only corrects the status that the head's header shows. */
  'session.settled': Type.Object({}),
  'session.ended': Type.Object({ reason: Type.String({ maxLength: 200 }) }),
  /**
   * The session is at rest, and the frames before this one lie in an object of the archive: those from frame `first` on. What came before
   * them lies in the object that frame `first`, another `session.archived`, names.
   */
  'session.archived': Type.Object({
    /** Its name in the object store. */
    object: id,
    first: Type.Integer({ minimum: 1 }),
    /** How many frames it holds. */
    frames: Type.Integer({ minimum: 1 }),
    bytes: Type.Integer({ minimum: 1 }),
    /** sha256 of its bytes, as base64url. */
    digest: id,
  }),
  /**
   * The order to erase the session: what stands before this frame is taken out of everything that Reins keeps, by whoever comes to it.
   * `hash` is that of the frame before, so the chain can be checked from here on. The rest says what the session was, and nothing of
   * what was said in it. `root`: it is erased with the session at the root of its tree, and this is who asked for that.
   */
  'session.erased': Type.Object({
    hash: id,
    agent: Type.Optional(id),
    /** Who started it. */
    principal: Type.Optional(id),
    parent: Type.Optional(id),
    /** When it began. epoch ms */
    began: Type.Optional(Type.Integer({ minimum: 0 })),
    root: Type.Optional(Type.Object({ by: id, at: Type.Integer({ minimum: 0 }) })),
    /** It was erased before, and came back with an older backup. */
    again: Type.Optional(Type.Object({ by: id, at: Type.Integer({ minimum: 0 }) })),
  }),
  /** Nothing of it is left, of its tree neither: in the streams, the archive, the outputs, the snapshots. */
  'session.erasure-completed': Type.Object({
    sessions: Type.Integer({ minimum: 1 }),
    /** Frames and objects that were taken out by whoever came to the end of it. */
    frames: Type.Integer({ minimum: 0 }),
    objects: Type.Integer({ minimum: 0 }),
  }),

  'message.received': Type.Object({ message: id, content: UserContent, onBusy: OnBusy }),
  'message.joined': Type.Object({ message: id, turn: id }),
  'message.dropped': Type.Object({
    message: id,
    reason: Type.Union([Type.Literal('cancelled'), Type.Literal('ended')]),
  }),
}
