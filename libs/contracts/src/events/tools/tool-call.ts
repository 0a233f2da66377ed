// tool-calls.requested and tool-call.*: what the model asked to be done, and what came of it.
import { type Static, Type } from 'typebox'
import { ToolContent } from '../content.ts'
import { Resumed } from './elicitation.ts'
import { attempt, id } from '../fields.ts'
import { ReplayClass } from '../session.ts'

/**
 * `alone`: it changes something, so it begins when all calls before it in its frame have ended, and those behind it wait for it. A
 * process that does not know the field runs the calls side by side, as all did before there was this.
 */
export const RequestedCall = Type.Object({
  call: id,
  name: id,
  arguments: Type.Record(Type.String(), Type.Unknown()),
  replay: ReplayClass,
  /** It was looked at already whether a person must be asked. */
  cleared: Type.Optional(Type.Literal(true)),
  /** People have approved these very arguments: no grant, and no word of the definition, stood for them. */
  approved: Type.Optional(Type.Literal(true)),
  /** It was not: the tool itself is asked before the call begins. */
  looks: Type.Optional(Type.Literal(true)),
  alone: Type.Optional(Type.Boolean()),
  /** It has run, has waited for a person, and goes on. Only sessions of protocol 2 have this. */
  resume: Type.Optional(Resumed),
})
export type RequestedCall = Static<typeof RequestedCall>

/**
 * `output` is the result as text: what the model reads, unless `content` is there. `content` is there where the result has more than text
 * and JSON: all of its blocks, in their order. `ref` names the whole output in the object store when it was cut.
 */
export const ToolResult = {
  status: Type.Union([Type.Literal('ok'), Type.Literal('error')]),
  output: Type.String(),
  content: Type.Optional(Type.Array(ToolContent, { maxItems: 256 })),
  code: Type.Optional(Type.String()),
  ref: Type.Optional(Type.String()),
  /** ms */
  duration: Type.Optional(Type.Integer({ minimum: 0 })),
}

export const toolCallEvents = {
  /** One frame a pool; a runner can run it without a read: the definition is named by its digest. */
  'tool-calls.requested': Type.Object({
    turn: id,
    digest: id,
    calls: Type.Array(RequestedCall, { minItems: 1 }),
    /** For whom servers are called, and whose memory is meant, where the session has some. */
    principal: Type.Optional(id),
    /** The frame (its place in the session's log) that has the files of the sandbox in memory. Only sessions of protocol 9 have this. */
    files: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  }),
  /** The claim: always before a `never` tool runs, and before any further attempt. */
  'tool-call.started': Type.Object({
    call: id,
    attempt,
    /** The tool decides by the arguments whether a person is asked. It was asked, once, and wants nobody. */
    approval: Type.Optional(Type.Literal('auto')),
  }),
  'tool-call.completed': Type.Object({ call: id, attempt, ...ToolResult }),
  'tool-call.cancelled': Type.Object({ call: id }),
  'tool-call.outcome-unknown': Type.Object({ call: id, attempt, message: Type.String() }),
  /** Evidence only: what an attempt delivered after the call had its outcome. */
  'tool-call.late-result': Type.Object({ call: id, attempt, ...ToolResult }),
}
