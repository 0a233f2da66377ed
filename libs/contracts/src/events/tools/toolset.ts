// toolset.*: the tools that servers have to be asked for. A session without such servers has none of these events.
import { type Static, Type } from 'typebox'
import { ToolApproval } from './approval.ts'
import { id } from '../fields.ts'
import { ReplayClass, ToolRisk } from '../session.ts'
import { WorkspaceFound } from '../mind/workspace.ts'

/** A server that the definition names. `optional`: the model is not told where it is not there. */
export const DeclaredServer = Type.Object({ server: id, optional: Type.Optional(Type.Boolean()) })
export type DeclaredServer = Static<typeof DeclaredServer>

/** A tool of a server, as it is pinned: all that the model is told of it, and how it may run. */
export const ServerTool = Type.Object({
  /** As the model calls it. */
  name: id,
  /** As the server calls it; absent: Reins answers the call by itself with what the server has (a list of resources). */
  tool: Type.Optional(Type.String()),
  description: Type.String(),
  /** JSON Schema of an object. */
  parameters: Type.Record(Type.String(), Type.Unknown()),
  replay: ReplayClass,
  risk: ToolRisk,
  /** Absent: nobody is asked. */
  approval: Type.Optional(ToolApproval),
  /** Of name, description and parameters. */
  digest: id,
})
export type ServerTool = Static<typeof ServerTool>

/** What one server came to. `digest`: of its tools; a server that has the very tools that are pinned already says them no second time. */
export const ServerAnswer = Type.Union([
  Type.Object({
    server: id,
    status: Type.Literal('ready'),
    digest: id,
    tools: Type.Optional(Type.Array(ServerTool)),
    /** Of the workspace, which is asked as servers are. */
    workspace: Type.Optional(WorkspaceFound),
    /** What people are told of what was left out or changed. */
    notes: Type.Optional(Type.Array(Type.String())),
    /** ms until it had answered */
    took: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  Type.Object({
    server: id,
    status: Type.Literal('unavailable'),
    /** A whole sentence, for the model and for people. */
    reason: Type.String(),
    took: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
])
export type ServerAnswer = Static<typeof ServerAnswer>

export const toolsetEvents = {
  /** In the session's first frame: which servers there are, for whom they are asked, and how long a turn waits for them (ms). */
  'toolset.declared': Type.Object({
    servers: Type.Array(DeclaredServer, { minItems: 1 }),
    principal: id,
    wait: Type.Integer({ minimum: 0 }),
  }),
  /** Asked of the tool-runners before a turn's first model call. `known`: digests of what is pinned, by server. */
  'toolset.requested': Type.Object({
    request: id,
    digest: id,
    principal: id,
    known: Type.Record(Type.String(), id),
    timer: id,
    /** epoch ms: when the turn goes on without an answer */ until: Type.Integer(),
  }),
  'toolset.resolved': Type.Object({ request: id, servers: Type.Array(ServerAnswer) }),
  /** A server says that it has other tools now: they are asked for again before the next turn. */
  'toolset.changed': Type.Object({ servers: Type.Array(id, { minItems: 1 }) }),
}
