// The one door of @reins/tools.

export { resultProblem } from './arguments/result.ts'
export { type BuiltinOptions, builtinCatalog, builtinSource } from './builtin/builtin-source.ts'
export type { KeepOutput, KeptOutput, ReadKept, ToolContext, ToolSettings } from './calls/context.ts'
export { missingConfig, missingSecret, type NamedValues, noValues } from './calls/named-values.ts'
export { type ToolErrorCode, ToolFailure, type ToolOutcome } from './calls/outcome.ts'
export { PathLocks } from './calls/path-locks.ts'
export type { AskPerson, Elicitation, PersonsAnswer, Question } from './calls/people.ts'
export { runTool } from './calls/run.ts'
export { type AskMemory, type MemorySourceOptions, memoryCatalog, memorySource } from './memory/memory-source.ts'
export { answered } from './output/content.ts'
export { answerProblems, outputSchemaProblem } from './output/output-schema.ts'
export {
  defaultSettings,
  type ResolvedTool,
  type ResolvedTools,
  resolveTools,
  type ToolsProblem,
  toolGroups,
  toolsProblemsText,
  workspaceNamed,
  workspacesNamed,
} from './resolve.ts'
export { detectSandbox, type SandboxOptions } from './sandbox/detect.ts'
export { contextInMemory } from './virtual/context-in-memory.ts'
export { packFiles, type PackedFiles, unpackFiles, type VirtualEntry } from './virtual/files.ts'
export { virtualToolNames } from './virtual/virtual-tools.ts'
export { type Passed, watchLimits } from './sandbox/limits/watch.ts'
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
export { SkillFoldersOnDisk, skillsPlace } from './skills/folders-on-disk.ts'
export { type SkillBundles, type SkillsSourceOptions, skillsCatalog, skillsSource } from './skills/skills-source.ts'
export type {
  AskedApproval,
  CallContext,
  ListContext,
  TimePolicy,
  ToolCall,
  ToolCatalog,
  ToolListing,
  ToolSource,
  ToolSpec,
} from './source.ts'
export type { ToolDefinition, ToolGroup } from './tool.ts'
export {
  argumentsProblem,
  askedApproval,
  type OfferedTool,
  pinnedTools,
  resolveToolset,
  runCall,
  type Toolset,
  toolsAtStart,
} from './toolset.ts'
export type { WorkerCall } from './worker/messages.ts'
export { WorkerPool, type WorkerPoolOptions } from './worker/worker-pool.ts'
export { contextFiles } from './workspace/context-files.ts'
export { type Guard, noGuard } from './workspace/guard.ts'
export {
  type Neighbour,
  type Neighbours,
  type Workplace,
  type WorkplaceOptions,
  Workplaces,
} from './workspace/workplaces.ts'
