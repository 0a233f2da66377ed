// The door of @reins/cli: the client commands of `reins`, and what a composition needs to run them.
export type { ControlVerb, ReinsClient } from './client-port.ts'
export { examples } from './commands/examples.ts'
export { type CliEnvironment, loadCliEnvironment, processEnvironment } from './config.ts'
export type { CliContext, TerminalInput, TerminalOutput, Verified, VerifyOptions } from './context.ts'
export { CommandFailure, usageFailure } from './failure.ts'
export { processContext } from './process-context.ts'
export { clientCommands, clientProgram, runProgram } from './program.ts'
export { cliReference } from './reference.ts'
