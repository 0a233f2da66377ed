// The door of @reins/client: a typed client of the gateway's HTTP API, for Node and for browsers.
export {
  type AgentSource,
  type Client,
  type ClientOptions,
  createClient,
  type OutputPage,
  type WriteOptions,
} from './client.ts'
export { AgentNotFoundError, AgentValidationError, DelegationResult } from '@reins/agent'
export type { ConnectionItem, FollowItem, FollowOptions } from './follow.ts'
export { isLoopback } from './loopback.ts'
export { holdsCredentials, withoutCredentials } from './shown-url.ts'
export type { MemoryAt, MemoryCalls } from './memory.ts'
