// The door of @reins/agent/app: what an `app.ts` imports.
export { flue } from './flue.ts'
export type { AgentRouteHandler, AgentWebSocketHandler, WorkflowRouteHandler } from '../authoring/handlers.ts'
