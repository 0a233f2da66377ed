// elicitation.*: a server asks a person something, in the middle of a call or before the call can be made.
import { type Static, Type } from 'typebox'
import { attempt, id, maxNameChars } from '../fields.ts'

export const maxElicitationMessageChars = 2_000
export const maxElicitationUrlChars = 8_000
/** Characters of a form's schema as JSON. */
export const maxElicitationSchemaChars = 64_000

export const ElicitationMode = Type.Union([Type.Literal('form'), Type.Literal('url')])
export type ElicitationMode = Static<typeof ElicitationMode>

/** What a person said. Who did not answer in time has said nothing: that is an event of its own. */
export const ElicitationAction = Type.Union([Type.Literal('accept'), Type.Literal('decline'), Type.Literal('cancel')])
export type ElicitationAction = Static<typeof ElicitationAction>

/** The fields of a form, as a person filled them in. */
export const ElicitationContent = Type.Record(
  Type.String({ maxLength: 1_000 }),
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Type.String())]),
)
export type ElicitationContent = Static<typeof ElicitationContent>

/** An answer for the runner that goes on with the call. `expired`: nobody answered in time; the server is told `cancel`. */
export const GivenAnswer = Type.Object({
  elicitation: id,
  /** Of what was asked: whoever is asked the same again by a repeated call has the answer. */
  key: id,
  action: ElicitationAction,
  content: Type.Optional(ElicitationContent),
  expired: Type.Optional(Type.Literal(true)),
})
export type GivenAnswer = Static<typeof GivenAnswer>

/** A call that has waited for a person goes on: at the runner that holds its connection, or as a further attempt elsewhere. */
export const Resumed = Type.Object({
  /** The attempt that asked, and the instance that runs it if it still lives. */
  attempt,
  by: id,
  /** The server had done nothing of the call when it asked: the call may be repeated, whatever its `replay` says. */
  nothingRan: Type.Optional(Type.Literal(true)),
  /** All answers that this call got, in their order. The last one is what it waited for. */
  answers: Type.Array(GivenAnswer, { minItems: 1 }),
})
export type Resumed = Static<typeof Resumed>

const which = { call: id, elicitation: id }

export const elicitationEvents = {
  /** Said by the runner that runs this attempt of the call. */
  'elicitation.requested': Type.Object({
    ...which,
    attempt,
    /** The name of the server, as the definition has it. */
    server: id,
    mode: ElicitationMode,
    message: Type.String({ maxLength: maxElicitationMessageChars }),
    url: Type.Optional(Type.String({ maxLength: maxElicitationUrlChars })),
    /** JSON Schema of a form: an object with flat fields. */
    schema: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** The server refused the call until a person has opened the page (-32042): nothing of it ran. */
    nothingRan: Type.Optional(Type.Literal(true)),
    key: id,
    timer: id,
    /** epoch ms */
    expiresAt: Type.Integer({ minimum: 0 }),
  }),
  /**
   * `accept` of a page that the server wants to be opened first: the call waits on, for the server's notice or for the person's word
   * (`completed`, or a second accept).
   */
  'elicitation.answered': Type.Object({
    ...which,
    action: ElicitationAction,
    content: Type.Optional(ElicitationContent),
    completed: Type.Optional(Type.Literal(true)),
    /** As `by` of the frame says it. */
    person: Type.String({ minLength: 1, maxLength: maxNameChars * 2 }),
  }),
  /** The server says that the person is done with the page. */
  'elicitation.completed': Type.Object(which),
  /** The server was authorised before in this session: nobody is asked again. */
  'elicitation.remembered': Type.Object(which),
  /** Its timer has fired, and nobody had answered. */
  'elicitation.expired': Type.Object(which),
  /** What asked was cancelled, interrupted or ended. */
  'elicitation.withdrawn': Type.Object(which),
}
