// The program `reins`: the commands that run the product, and those of @reins/cli that talk to a running one.
import { type CliContext, clientCommands } from '@reins/cli'
import { Command } from 'commander'
import { serverCommands } from './server-commands.ts'

export function reinsProgram(context: CliContext, version: string): Command {
  const program = new Command('reins').description('Runs AI agents in sessions that survive crashes').version(version)
  serverCommands(program)
  return clientCommands(program, context)
}
