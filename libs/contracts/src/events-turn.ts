// turn.*: from a message to its answer.
import { Type } from 'typebox'
import { Usage } from './content.ts'

const closed = { additionalProperties: false } as const
const id = Type.String({ minLength: 1, maxLength: 128 })

export const turnEvents = {
  'turn.started': Type.Object({ turn: id, messages: Type.Array(id, { minItems: 1 }) }, closed),
  /** The answer is the content of the model call named by `call`. */
  'turn.completed': Type.Object(
    {
      turn: id,
      call: id,
      usage: Usage,
      reason: Type.Union([
        Type.Literal('answered'),
        Type.Literal('max-tool-calls'),
        Type.Literal('length'),
        Type.Literal('refused'),
      ]),
    },
    closed,
  ),
  'turn.failed': Type.Object(
    { turn: id, usage: Usage, error: Type.Object({ code: id, message: Type.String() }, closed) },
    closed,
  ),
  'turn.cancelled': Type.Object(
    {
      turn: id,
      usage: Usage,
      reason: Type.Union([Type.Literal('cancelled'), Type.Literal('interrupted'), Type.Literal('ended')]),
    },
    closed,
  ),
}
