// What a model that may plan is offered: six tools and a part of its prompt. They follow from the session's start alone.
import { maxStepNameChars, type ToolSpec } from '@reins/contracts'
import {
  createPlan,
  getPlan,
  getReadySteps,
  markStepDone,
  markStepFailed,
  type PlanAnswer,
  type Planning,
  startStep,
} from './rules.ts'

type PlanTool = (planning: Planning, args: Readonly<Record<string, unknown>>) => PlanAnswer

/** What each call comes to, by the tool's name. */
export const planCalls: Readonly<Record<string, PlanTool>> = {
  create_plan: createPlan,
  start_step: startStep,
  mark_step_done: markStepDone,
  mark_step_failed: markStepFailed,
  get_plan: getPlan,
  get_ready_steps: getReadySteps,
}

export const createPlanName = 'create_plan'

const stepName = { type: 'string', description: 'The name of the step, as in the plan.' }

const tool = (name: string, description: string, properties: object, required: readonly string[] = []): ToolSpec => ({
  name,
  description,
  parameters: { type: 'object', properties, required, additionalProperties: false },
})

export const planTools = (maxSteps: number): readonly ToolSpec[] => [
  tool(
    createPlanName,
    `Make a plan of 2 to ${maxSteps} steps, or replace the one there is. Completed steps that the new plan names again stay completed.`,
    {
      steps: {
        type: 'array',
        minItems: 2,
        maxItems: maxSteps,
        items: {
          type: 'object',
          properties: {
            name: {
              type: 'string',
              maxLength: maxStepNameChars,
              description: 'Short and unique, of lower-case letters, digits and hyphens, such as "write-tests".',
            },
            description: { type: 'string', description: 'What is done in this step.' },
            depends_on: { type: 'array', items: { type: 'string' }, description: 'Names of steps that come first.' },
          },
          required: ['name', 'description'],
        },
      },
    },
    ['steps'],
  ),
  tool('start_step', 'Say that you begin a step. One step is in progress at a time.', { step_name: stepName }, [
    'step_name',
  ]),
  tool(
    'mark_step_done',
    'Say that a step is done, and what came of it.',
    { step_name: stepName, result: { type: 'string', description: 'What came of it, for later steps. Short.' } },
    ['step_name', 'result'],
  ),
  tool(
    'mark_step_failed',
    'Say that a step cannot be done, and why.',
    { step_name: stepName, reason: { type: 'string', description: 'Why.' } },
    ['step_name', 'reason'],
  ),
  tool('get_plan', 'Show the plan: each step, its status and its result.', {}),
  tool('get_ready_steps', 'Show the steps that can begin now.', {}),
]

export const planSection = ({ maxSteps, approve }: Pick<Planning, 'maxSteps' | 'approve'>): string =>
  `## Planning
For a task of several steps, call create_plan first, with 2 to ${maxSteps} steps. Then, for each step: call start_step, do the work, and call mark_step_done with a short result, or mark_step_failed with the reason. Steps that do not depend on each other may come in any order; get_ready_steps shows which can begin. When a step failed or the task has changed, call create_plan again: completed steps that it names stay completed. Answer a simple question without a plan.${
    approve ? '\nA person reads each plan before it counts, and may change or refuse it.' : ''
  }`
