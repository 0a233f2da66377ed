// What a model was sent in a call of a session, made again from the log.
import { type Static, Type } from 'typebox'
import { PromptRecipe } from '../events/mind/recipe.ts'
import type { ModelMessage, ToolSpec } from '../model.ts'

const closed = { additionalProperties: false } as const

const ToolShown = Type.Unsafe<ToolSpec>(
  Type.Object({
    name: Type.String(),
    description: Type.String(),
    parameters: Type.Record(Type.String(), Type.Unknown()),
  }),
)
const MessageShown = Type.Unsafe<ModelMessage>(
  Type.Object({
    role: Type.Union([Type.Literal('user'), Type.Literal('assistant'), Type.Literal('tool')]),
  }),
)

const PromptPart = Type.Union([
  Type.Literal('system'),
  Type.Literal('tools'),
  Type.Literal('messages'),
  Type.Literal('notices'),
])

export const SessionPrompt = Type.Object(
  {
    session: Type.String(),
    call: Type.String(),
    attempt: Type.Integer({ minimum: 1 }),
    model: Type.String(),
    /** epoch ms */
    at: Type.Integer(),
    /** `unrecorded`: the log says nothing of what was sent, so nothing can be compared. */
    check: Type.Union([Type.Literal('agrees'), Type.Literal('differs'), Type.Literal('unrecorded')]),
    /** What is not as it was, where it differs. */
    differs: Type.Optional(Type.Array(PromptPart)),
    /** As the log has it. */
    recipe: Type.Optional(PromptRecipe),
    system: Type.String(),
    tools: Type.Array(ToolShown),
    /** Images and files stand in them as references. */
    messages: Type.Array(MessageShown),
    notices: Type.Array(Type.String()),
    /** The tools were withheld: the model had to answer. */
    final: Type.Optional(Type.Literal(true)),
    maxTokens: Type.Integer(),
    reasoningEffort: Type.Optional(Type.String()),
  },
  closed,
)
export type SessionPrompt = Static<typeof SessionPrompt>
