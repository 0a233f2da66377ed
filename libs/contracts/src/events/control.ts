// timer.* and cancel.requested.
import { Type } from 'typebox'
import { id } from './fields.ts'
import { Parent } from './session.ts'

export const controlEvents = {
  /** `at`: epoch ms. Nothing compares it with a clock: only `timer.fired` lets it happen. */
  'timer.armed': Type.Object({ timer: id, at: Type.Integer({ minimum: 0 }) }),
  'timer.fired': Type.Object({ timer: id }),
  /** `end: true` asks for the end of the session; without it only what runs and waits now is cancelled. */
  /** `parent`: of a session that nobody has made yet, whose first frame this is. */
  'cancel.requested': Type.Object({
    cancel: id,
    end: Type.Optional(Type.Literal(true)),
    parent: Type.Optional(Parent),
  }),
}
