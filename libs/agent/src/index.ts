// The one door of @reins/agent: what people import in the files that they give to an agent.
export { Type } from 'typebox'
export { type ContentBlock, content, type ToolContent } from './content.ts'
export { AgentNotFoundError, AgentValidationError, DelegationResult } from './delegation.ts'
export type { Json, ToolContext, ToolLog } from './context.ts'
export type { JsonSchema } from './json-schema.ts'
export type { StandardSchema } from './standard-schema.ts'
export {
  type Approval,
  defineTool,
  isTool,
  type Replay,
  type Risk,
  type Tool,
  type ToolOptions,
  type ToolForm,
  type ToolParameters,
} from './tool.ts'
export {
  type AgentAnswer,
  ChatResponseOutput,
  type ElicitationInput,
  ElicitationOutput,
  type MessageInput,
  type OperationError,
  SessionEndOutput,
  type StepContext,
  type StepOptions,
  type Workflow,
  type WorkflowContext,
} from './workflow.ts'
