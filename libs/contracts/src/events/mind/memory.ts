// memory.*: that a session has a long-term memory. What is stored there are tool calls like any other.
import { Type } from 'typebox'
import { id } from '../fields.ts'

export const memoryEvents = {
  /** In the session's first frame. `scope`: as the definition has it, with its variables; `principal`: whose they are filled in for. */
  'memory.declared': Type.Object({ provider: id, scope: Type.String(), principal: Type.Optional(id) }),
}
