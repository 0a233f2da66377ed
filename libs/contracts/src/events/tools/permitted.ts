// tools.permitted: which tools a turn may call for the person whose message it takes in.
import { Type } from 'typebox'
import { id } from '../fields.ts'

export const permittedEvents = {
  /**
   * Behind message.received: what its sender may have called (workflow:agents:agent_chat:task:<tool>:execute), as it was then. A message
   * without it may have everything called.
   */
  'tools.permitted': Type.Object({
    /** Absent: beside session.started, what whoever began the session may have called; it holds for a workflow until a message resumes it. */
    message: Type.Optional(id),
    principal: Type.String({ maxLength: 300 }),
    tools: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 500 }),
  }),
}
