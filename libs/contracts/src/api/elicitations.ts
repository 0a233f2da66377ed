// Elicitations over the API: what a server asks a person, and what they can answer.
import { type Static, Type } from 'typebox'
import { ElicitationAction, ElicitationContent, ElicitationMode } from '../events/tools/elicitation.ts'

const closed = { additionalProperties: false } as const

/** Read from the session itself. */
export const ElicitationInfo = Type.Object(
  {
    type: Type.Literal('elicitation'),
    mode: ElicitationMode,
    elicitation_id: Type.String({ description: 'Answer under this id' }),
    url: Type.Optional(Type.String({ description: 'The page to open, with mode "url"' })),
    message: Type.String(),
    server_name: Type.String(),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the fields, with mode "form"' }),
    ),
    session: Type.String(),
    call: Type.String({ description: 'The tool call that waits' }),
    tool: Type.String(),
    state: Type.Union([Type.Literal('waiting'), Type.Literal('accepted')], {
      description: '"accepted": a person opens the page; the call waits until the server or the person says it is done',
    }),
    expiresAt: Type.Optional(Type.Integer({ description: 'epoch ms. Absent: nothing ends the waiting' })),
  },
  closed,
)
export type ElicitationInfo = Static<typeof ElicitationInfo>

export const ElicitationList = Type.Object({ elicitations: Type.Array(ElicitationInfo) }, closed)
export type ElicitationList = Static<typeof ElicitationList>

/** `accepted`: a person has opened the page, and the call still waits. `answered`: accepted, and over. */
export const elicitationStates = [
  ...(['waiting', 'accepted', 'answered', 'declined', 'cancelled'] as const),
  ...(['expired', 'withdrawn', 'remembered'] as const),
] as const
export type ElicitationState = (typeof elicitationStates)[number]

/** What a server asks, or asked. From an index: it may be some moments old; answering looks at the session itself. */
export const AskedElicitation = Type.Object(
  {
    session: Type.String(),
    agent: Type.String(),
    call: Type.String({ description: 'The tool call that waits, or waited' }),
    elicitation_id: Type.String({ description: 'Answer under this id' }),
    mode: ElicitationMode,
    url: Type.Optional(Type.String({ description: 'The page to open, with mode "url"' })),
    message: Type.String(),
    server_name: Type.String(),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'JSON Schema of the fields, with mode "form". Absent where it is long: the session has it',
      }),
    ),
    state: Type.Unsafe<ElicitationState>(Type.Union(elicitationStates.map((state) => Type.Literal(state)))),
    requestedAt: Type.Integer({ description: 'epoch ms' }),
    expiresAt: Type.Optional(Type.Integer({ description: 'epoch ms. Absent: nothing ends the waiting' })),
    endedAt: Type.Optional(Type.Integer({ description: 'epoch ms' })),
    answeredBy: Type.Optional(Type.String()),
  },
  closed,
)
export type AskedElicitation = Static<typeof AskedElicitation>

export const AskedElicitationList = Type.Object(
  { elicitations: Type.Array(AskedElicitation), next: Type.Optional(Type.String()) },
  closed,
)
export type AskedElicitationList = Static<typeof AskedElicitationList>

export const AnswerElicitation = Type.Object(
  {
    action: ElicitationAction,
    elicitation_id: Type.Optional(Type.String({ maxLength: 128, description: 'The same as in the path' })),
    content: Type.Optional(ElicitationContent),
    completed: Type.Optional(
      Type.Boolean({
        description: 'With accept: the page is opened, and what it asks for is done. So is a second accept',
      }),
    ),
  },
  closed,
)
export type AnswerElicitation = Static<typeof AnswerElicitation>

export const ElicitationAnswered = Type.Object(
  {
    session: Type.String(),
    elicitation_id: Type.String(),
    action: ElicitationAction,
    state: Type.Union([Type.Literal('answered'), Type.Literal('accepted')], {
      description: '"accepted": the call waits until the server or the person says that the page is done',
    }),
    cursor: Type.String(),
  },
  closed,
)
export type ElicitationAnswered = Static<typeof ElicitationAnswered>
