// The one door of @reins/agent: what people import in the files that they give to an agent.
export { Type } from 'typebox'
export type { AgentConfiguration, Configured, LiveTools, SubagentConfiguration } from './authoring/configure.ts'
export {
  type AgentForm,
  type AgentInitContext,
  type AgentInitializer,
  type CreatedAgent,
  createAgent,
  isCreatedAgent,
} from './authoring/created-agent.ts'
export type { AgentRouteHandler, AgentWebSocketHandler, WorkflowRouteHandler } from './authoring/handlers.ts'
export { defineAgentProfile } from './authoring/profile.ts'
export type {
  AgentProfile,
  AgentRuntimeConfig,
  CompactionConfig,
  DurabilityConfig,
  Skill,
  ThinkingLevel,
} from './authoring/runtime-config.ts'
export { type SandboxChoice, virtual } from './authoring/sandbox.ts'
export { SkillCatalog } from './authoring/skill-catalog.ts'
export { type WorkflowAgent, workflowAgent } from './authoring/workflow-agent.ts'
export type { AgentSchedule, WorkflowSchedule } from './project/schedules.ts'
export type { ProjectConfig } from './project/project-config.ts'
export { type ContentBlock, content, type ToolContent } from './content.ts'
export { dispatch } from './app/dispatch.ts'
export type { DispatchReceipt, DispatchRequest } from './app/dispatch-request.ts'
export type { Json, ToolContext, ToolLog } from './context.ts'
export { AgentNotFoundError, AgentValidationError, DelegationResult } from './delegation.ts'
export type { JsonSchema } from './json-schema.ts'
export type { StandardSchema } from './standard-schema.ts'
export {
  type Approval,
  defineTool,
  isTool,
  type Replay,
  type Risk,
  type RunContext,
  type RunToolOptions,
  type Tool,
  type ToolForm,
  type ToolOptions,
  type ToolParameters,
} from './tool.ts'
export {
  type AgentAnswer,
  type ToolAnswer,
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
export type {
  FileStat,
  FlueContext,
  InitOptions,
  PromptData,
  PromptImage,
  PromptText,
  PromptUsage,
  ResultSchema,
  RunFiles,
  RunHarness,
  RunSession,
  ShellOptions,
  ShellResult,
  RunStepOptions,
  WorkflowRunContext,
} from './run.ts'
