// The door of @reins/client: a typed client of the gateway's HTTP API, for Node and for browsers.
export type { AccessCalls, WhoAmI } from './access.ts'
export {
  type AgentSource,
  type Client,
  type ClientOptions,
  createClient,
  fetchFor,
  type OutputPage,
} from './client.ts'
export type { WriteOptions } from './transport/transport.ts'
export type { DispatchReceipt, DispatchRequest } from '@reins/agent'
export {
  type AgentPrompt,
  type AsJson,
  type EndedRun,
  type ProjectClient,
  projectClient,
  type ProjectTypes,
  type WorkflowTypes,
} from './projects/project-client.ts'
export type { RunCalls } from './projects/runs.ts'
export {
  type AgentEvent,
  type AgentEventKind,
  type ApprovalAsked,
  type ElicitationAsked,
  eventOfFrame,
  frameOf,
  isLastEvent,
  type SessionEndReason,
} from './agent-events/agent-event.ts'
export { type Ask, askEvent, newProgress, type Progress, type Step, step } from './agent-events/progress.ts'
export { type Standing, standingAt } from './agent-events/progress-at.ts'
export { type ReadEvent, readAgentEvents } from './agent-events/read-frames.ts'
export { tokensFrom } from './agent-events/tokens.ts'
export { AgentNotFoundError, AgentValidationError, DelegationResult } from '@reins/agent'
export type { ConnectionItem, FollowItem, FollowOptions } from './follow.ts'
export { isLoopback } from './transport/loopback.ts'
export { holdsCredentials, withoutCredentials } from './transport/shown-url.ts'
export type { MemoryAt, MemoryCalls } from './memory.ts'
