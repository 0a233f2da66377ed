// output.*: the form that the answer of a turn has to have, and whether an answer had it.
import { Type } from 'typebox'
import { id } from './fields.ts'

const schema = Type.Record(Type.String(), Type.Unknown())
const retries = Type.Integer({ minimum: 0, maximum: 100 })

export const outputEvents = {
  /** Beside session.started: the answer of each turn has to fit. `retries`: how often a model is asked again. */
  'output.declared': Type.Object({ schema, retries }),
  /** Behind message.received: the answer of the turn that takes the message in has to fit this schema. */
  'output.requested': Type.Object({ message: id, schema, retries: Type.Optional(retries) }),
  /** An answer was held against the schema of its turn. Empty: it fits. */
  'output.checked': Type.Object({
    call: id,
    problems: Type.Array(Type.String({ maxLength: 2_000 }), { maxItems: 20 }),
  }),
}
