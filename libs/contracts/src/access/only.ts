// What a list may show, said by the gateway to whoever makes the list: so that a page is full, whatever is left out of it.
import { type Static, Type } from 'typebox'

const name = Type.Optional(Type.String({ maxLength: 300 }))

/** What matches one of these; [] is nothing. Absent: all. */
export const Only = Type.Array(
  Type.Object({ agent: name, session: name, tool: name }, { additionalProperties: false }),
  { maxItems: 2000 },
)
export type Only = Static<typeof Only>
