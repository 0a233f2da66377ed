// timer.* and cancel.requested.
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const id = Type.String({ minLength: 1, maxLength: 128 })

export const controlEvents = {
  /** `at`: epoch ms. Nothing compares it with a clock: only `timer.fired` lets it happen. */
  'timer.armed': Type.Object({ timer: id, at: Type.Integer({ minimum: 0 }) }, closed),
  'timer.fired': Type.Object({ timer: id }, closed),
  /** `end: true` asks for the end of the session; without it only what runs and waits now is cancelled. */
  'cancel.requested': Type.Object({ cancel: id, end: Type.Optional(Type.Literal(true)) }, closed),
}
