// turn.*: from a message to its answer.
import { Type } from 'typebox'
import { Usage } from './content.ts'
import { RanCall } from './delegation.ts'
import { id } from './fields.ts'

/** US dollars of its model calls and summaries. Absent: no price was known, or nothing was asked of a model. */
const usd = { usd: Type.Optional(Type.Number({ minimum: 0 })) }

export const turnEvents = {
  'turn.started': Type.Object({ turn: id, messages: Type.Array(id, { minItems: 1 }) }),
  /** The answer is the content of the model call named by `call`. `result`: its value, where the answer had to fit a schema. */
  'turn.completed': Type.Object({
    turn: id,
    call: id,
    usage: Usage,
    ...usd,
    reason: Type.Union([
      Type.Literal('answered'),
      Type.Literal('max-tool-calls'),
      Type.Literal('length'),
      Type.Literal('refused'),
    ]),
    result: Type.Optional(Type.Unknown()),
  }),
  /** `text`, `problems`: of the last answer, where none fitted its schema. */
  'turn.failed': Type.Object({
    turn: id,
    usage: Usage,
    ...usd,
    error: Type.Object({ code: id, message: Type.String() }),
    text: Type.Optional(Type.String()),
    problems: Type.Optional(Type.Array(Type.String())),
  }),
  'turn.cancelled': Type.Object({
    turn: id,
    usage: Usage,
    ...usd,
    reason: Type.Union([Type.Literal('cancelled'), Type.Literal('interrupted'), Type.Literal('ended')]),
    /** Calls that had run, or may have, and changed something: that is not undone. Absent: none had. */
    ran: Type.Optional(Type.Array(RanCall)),
  }),
}
