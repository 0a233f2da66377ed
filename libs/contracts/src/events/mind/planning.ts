// planning.* and plan.*: the plan of a session, which its model makes and works through.
import { type Static, Type } from 'typebox'
import { id } from '../fields.ts'

export const planDefaults = { maxSteps: 20 } as const
export const maxStepNameChars = 64
export const maxStepTextChars = 1_000

export const PlanStepStatus = Type.Union([
  Type.Literal('pending'),
  Type.Literal('in_progress'),
  Type.Literal('completed'),
  Type.Literal('failed'),
])
export type PlanStepStatus = Static<typeof PlanStepStatus>

/** `result`, `error`: at most 1,000 characters; what was longer stands whole in the call that said it. */
export const PlanStep = Type.Object({
  name: Type.String({ minLength: 1, maxLength: maxStepNameChars }),
  description: Type.String({ maxLength: maxStepTextChars }),
  /** Names of steps that come before it. */
  dependsOn: Type.Optional(Type.Array(Type.String({ maxLength: maxStepNameChars }), { maxItems: 100 })),
  status: PlanStepStatus,
  result: Type.Optional(Type.String({ maxLength: maxStepTextChars })),
  error: Type.Optional(Type.String({ maxLength: maxStepTextChars })),
})
export type PlanStep = Static<typeof PlanStep>

export const planningEvents = {
  /** Beside session.started: its model may plan. `approve`: a person approves each plan. `strict`: no step before those it depends on. */
  'planning.declared': Type.Object({
    maxSteps: Type.Integer({ minimum: 2, maximum: 100 }),
    strict: Type.Optional(Type.Literal(true)),
    approve: Type.Optional(Type.Literal(true)),
  }),
  /** What a call of the model made of the plan: all of it, as it is now. */
  'plan.updated': Type.Object({ call: id, steps: Type.Array(PlanStep, { maxItems: 100 }) }),
}
