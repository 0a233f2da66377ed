// model-call.*: one request to a model. An attempt has an intent (started) and exactly one outcome.
import { type Static, Type } from 'typebox'
import { ModelErrorCode } from '../model.ts'
import { AssistantBlock, Usage } from './content.ts'
import { attempt, id } from './fields.ts'
import { PromptRecipe } from './recipe.ts'

/** A model error (model.ts), or what the harness itself says of an attempt: lost with its process, cancelled, shed at shutdown. */
export const ModelCallError = Type.Object({
  code: Type.Union([...ModelErrorCode.anyOf, Type.Literal('lost'), Type.Literal('cancelled')]),
  message: Type.String(),
})
export type ModelCallError = Static<typeof ModelCallError>

export const modelCallEvents = {
  'model-call.started': Type.Object({
    call: id,
    attempt,
    turn: id,
    model: id,
    /** true: the tools are withheld, because the turn has used them up; the model is asked for its final answer. */
    final: Type.Optional(Type.Boolean()),
    /** What the model is sent. Absent: nothing could be sent, or the process that wrote this was older. */
    prompt: Type.Optional(PromptRecipe),
  }),
  'model-call.completed': Type.Object({
    call: id,
    attempt,
    content: Type.Array(AssistantBlock),
    usage: Usage,
    finish: Type.Union([
      Type.Literal('stop'),
      Type.Literal('tool-calls'),
      Type.Literal('length'),
      Type.Literal('refused'),
    ]),
    responseId: Type.Optional(Type.String()),
    responseModel: Type.Optional(Type.String()),
  }),
  /** `partial`: the text that had been streamed when the attempt was lost. */
  'model-call.failed': Type.Object({ call: id, attempt, error: ModelCallError, partial: Type.Optional(Type.String()) }),
  /** The attempt failed for now; the next one starts when the timer fires. */
  'model-call.throttled': Type.Object({
    call: id,
    attempt,
    error: ModelCallError,
    timer: id,
    /** epoch ms */ until: Type.Integer(),
  }),
}
