// delegation.*: one session asks another. Each step between them is a frame in one, addressed to the pool of the other.
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const id = Type.String({ minLength: 1, maxLength: 128 })

export const delegationEvents = {
  'delegation.requested': Type.Object(
    { call: id, agent: id, digest: id, child: id, pool: id, instruction: Type.String() },
    closed,
  ),
  'delegation.cancel-requested': Type.Object({ call: id, child: id, pool: id }, closed),
  'delegation.settled': Type.Object(
    {
      call: id,
      child: id,
      status: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('cancelled')]),
      output: Type.String(),
    },
    closed,
  ),
}
