// The door of @reins/cli: the client commands of `reins`, and what a composition needs to run them.
export { type ChatOptions, runChat } from './chat/chat.ts'
export { fileHistory, type History, noHistory } from './chat/history-file.ts'
export type {
  ConnectionItem,
  ControlVerb,
  FollowItem,
  FollowOptions,
  ReinsClient,
  WriteOptions,
} from './client-port.ts'
export { type CliEnvironment, loadCliEnvironment, processEnvironment } from './config.ts'
export type { CliContext, TerminalInput, TerminalOutput, Verified } from './context.ts'
export { CommandFailure, exitCodes, QuietExit, usageFailure } from './failure.ts'
export { processContext } from './process-context.ts'
export { clientCommands, clientProgram, runProgram } from './program.ts'
export { cliReference, commandList } from './reference.ts'
