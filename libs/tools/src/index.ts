// The one door of @reins/tools.
export { builtinTools } from './builtin/builtin.ts'
export type { ToolContext, ToolSettings } from './context.ts'
export type { ToolErrorCode, ToolOutcome } from './outcome.ts'
export { PathLocks } from './path-locks.ts'
export {
  defaultBlocklist,
  defaultSettings,
  type ResolvedTool,
  type ResolvedTools,
  resolveTools,
  type ToolsProblem,
} from './resolve.ts'
export { runTool } from './run.ts'
export { detectSandbox, type SandboxOptions } from './sandbox/detect.ts'
export {
  describeSandbox,
  type Sandbox,
  type SandboxCommand,
  type SandboxExit,
  type SandboxInfo,
  type SandboxKind,
  type SandboxProcess,
  type SpawnResult,
} from './sandbox/sandbox.ts'
export type { ToolDefinition, ToolGroup } from './tool.ts'
export { toolsTable } from './tools-table.ts'
