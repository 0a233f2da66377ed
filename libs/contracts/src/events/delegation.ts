// delegation.*: one session asks another. Each step between them is a frame in one, addressed to the pool of the other.
import { Type } from 'typebox'
import { id } from './fields.ts'

export const delegationEvents = {
  'delegation.requested': Type.Object({
    call: id,
    agent: id,
    digest: id,
    child: id,
    pool: id,
    instruction: Type.String(),
  }),
  'delegation.cancel-requested': Type.Object({ call: id, child: id, pool: id }),
  'delegation.settled': Type.Object({
    call: id,
    child: id,
    status: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('cancelled')]),
    output: Type.String(),
  }),
}
