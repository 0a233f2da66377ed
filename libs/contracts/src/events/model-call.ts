// model-call.*: one request to a model. An attempt has an intent (started) and exactly one outcome.
import { type Static, Type } from 'typebox'
import { ModelPrice } from '../budget/prices.ts'
import { ModelErrorCode } from '../model.ts'
import { AssistantBlock, Usage } from './content.ts'
import { attempt, id } from './fields.ts'
import { PromptRecipe } from './mind/recipe.ts'

/** A model error (model.ts), or what the harness itself says of an attempt: lost with its process, cancelled, shed at shutdown. */
export const ModelCallError = Type.Object({
  code: Type.Union([...ModelErrorCode.anyOf, Type.Literal('lost'), Type.Literal('cancelled')]),
  message: Type.String(),
})
export type ModelCallError = Static<typeof ModelCallError>

const usd = Type.Number({ minimum: 0 })

/** What an attempt uses at most: set aside before it begins. `usd`: where the price is known. */
export const Reserved = Type.Object({ tokens: Type.Integer({ minimum: 0 }), usd: Type.Optional(usd) })
export type Reserved = Static<typeof Reserved>

/** Of an attempt to ask a model: the price that it was begun with, so that nobody needs a table to read it later. */
export const metered = { price: Type.Optional(ModelPrice), reserved: Type.Optional(Reserved) }

/** Of an attempt without an answer. `charged`: what counts as used of the budget. `usage`: as the provider counted it, where that is known. */
export const charged = { charged: Type.Optional(Reserved), usage: Type.Optional(Usage) }

/** US dollars, at the price that the attempt was begun with. Absent: the price was not known. */
export const cost = { usd: Type.Optional(usd) }

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
    /** It waited so long (ms) for its provider before it began, and why. */
    throttled: Type.Optional(Type.Object({ ms: Type.Integer({ minimum: 0 }), reason: Type.String() })),
    ...metered,
  }),
  'model-call.completed': Type.Object({
    call: id,
    attempt,
    content: Type.Array(AssistantBlock),
    usage: Usage,
    ...cost,
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
  'model-call.failed': Type.Object({
    call: id,
    attempt,
    error: ModelCallError,
    partial: Type.Optional(Type.String()),
    ...charged,
  }),
  /** The attempt failed for now; the next one starts when the timer fires. */
  'model-call.throttled': Type.Object({
    call: id,
    attempt,
    error: ModelCallError,
    timer: id,
    /** epoch ms */ until: Type.Integer(),
    ...charged,
  }),
}
