// A subagent whose sessions a workflow decides: `subagents: [workflowAgent({ name, description, workflow })]`.
import { AgentValidationError } from '../delegation.ts'
import { isRecord } from './check-profile.ts'

const marker: unique symbol = Symbol.for('reins.workflow-agent')

export interface WorkflowAgent {
  readonly name: string
  /** When to delegate to it, for the model that delegates. */
  readonly description: string
  /** The agent that a `workflow_file` leads. */
  readonly workflow: string
  readonly [marker]: 1
}

const agentName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** Throws an AgentValidationError. */
export function workflowAgent({
  name,
  description,
  workflow,
}: Pick<WorkflowAgent, 'name' | 'description' | 'workflow'>): WorkflowAgent {
  if (typeof name !== 'string' || !agentName.test(name))
    throw new AgentValidationError(
      'workflowAgent() takes a name that begins with a letter and has letters, digits, "_" and "-", 64 at most.',
    )
  if (typeof description !== 'string' || description.trim() === '')
    throw new AgentValidationError(`Sub-agent '${name}' must have a non-empty description attribute.`)
  if (typeof workflow !== 'string' || workflow === '')
    throw new AgentValidationError(
      `Sub-agent '${name}' must name its workflow: workflowAgent({ …, workflow: 'ship' }).`,
    )
  return Object.freeze({ name, description, workflow, [marker]: 1 as const })
}

export const isWorkflowAgent = (value: unknown): value is WorkflowAgent =>
  isRecord(value) && Object.hasOwn(value, marker)
