// skills.*: which skills a session has. Using one is a tool call like any other.
import { Type } from 'typebox'
import { id } from '../fields.ts'

export const skillEvents = {
  /** In the session's first frame. `digest`: of the bundle that holds their files. */
  'skills.declared': Type.Object({
    digest: id,
    skills: Type.Array(
      Type.Object({
        name: id,
        description: Type.String(),
        allowedTools: Type.Optional(Type.Array(Type.String())),
      }),
    ),
  }),
}
