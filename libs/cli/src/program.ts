// The client commands on a commander program, and the run of such a program to an exit code.
import { Command, CommanderError, Option } from 'commander'
import { agentCommands } from './commands/agent.ts'
import { chatCommand } from './commands/chat.ts'
import { completionCommands } from './commands/completion.ts'
import { poolCommands } from './commands/pool.ts'
import { sessionCommands } from './commands/session.ts'
import type { CliContext } from './context.ts'
import { exitCodes, explainFailure, failureText, QuietExit } from './failure.ts'
import { type Act, colours, defaultServer, type GlobalOptions, makeInvocation } from './invocation.ts'

const graceMs = 1500
const runs = new WeakMap<Command, AbortController>()

/** Adds `agent`, `chat`, `session`, `pool`, `completion` and the global options to the program. */
export function clientCommands(program: Command, context: CliContext): Command {
  if (!program.options.some((option) => option.long === '--server')) {
    program
      .addOption(new Option('--server <url>', `the server (env REINS_URL, default ${defaultServer})`))
      .addOption(new Option('--token <token>', 'its token (env REINS_TOKEN, default the admin token of this machine)'))
      .option('--json', 'print JSON, for programs')
  }
  styleHelp(program, context)
  const act: Act = (action) => async (args, command) => {
    const signal = (runs.get(program) ?? new AbortController()).signal
    await action(makeInvocation(context, command, signal), ...args)
  }
  agentCommands(program, act)
  chatCommand(program, act)
  sessionCommands(program, act)
  poolCommands(program, act)
  completionCommands(program, act)
  return program
}

/** Help goes to the context's streams, with global options and without reading the environment. */
function styleHelp(program: Command, context: CliContext): void {
  program.configureHelp({ showGlobalOptions: true })
  program.configureOutput({
    writeOut: (text) => void context.stdout.write(text),
    writeErr: (text) => void context.stderr.write(text),
    getOutHelpWidth: () => context.stdout.columns ?? 100,
    getErrHelpWidth: () => context.stderr.columns ?? 100,
    getOutHasColors: () => colours(context),
    getErrHasColors: () => false,
  })
  program.exitOverride()
  program.showHelpAfterError('(add --help for how it is used)')
}

/**
 * Parses and runs; the exit code is the answer, and the process is left alone. Failures are told on stderr: one line that says
 * what happened, one that says what to do; with --json as `{error}`. A closed stdout (EPIPE) ends the command quietly.
 * @param argv the words behind the name of the program
 */
export async function runProgram(program: Command, argv: readonly string[], context: CliContext): Promise<number> {
  const controller = new AbortController()
  runs.set(program, controller)
  let interrupted = false
  const closed = new Promise<'closed'>((resolve) => {
    context.stdout.on('error', () => {
      controller.abort()
      resolve('closed')
    })
  })
  const abandoned = Promise.withResolvers<'abandoned'>()
  const stopListening = context.onInterrupt(() => {
    // The command ends by its signal, cleanly; it is not waited for if it hangs, nor at the second Ctrl-C.
    if (interrupted) abandoned.resolve('abandoned')
    interrupted = true
    controller.abort()
    void context.sleep(graceMs, new AbortController().signal).then(() => abandoned.resolve('abandoned'))
  })
  try {
    const done = program.parseAsync(argv, { from: 'user' }).then(() => 'done' as const)
    await Promise.race([done, closed, abandoned.promise])
    return interrupted ? exitCodes.interrupted : exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof QuietExit) return error.exitCode
    if (interrupted) return exitCodes.interrupted
    if (controller.signal.aborted) return exitCodes.ok
    const options = program.opts<GlobalOptions>()
    const failure = explainFailure(error)
    if (options.json === true) {
      const { message, next, code, details } = failure
      context.stderr.write(`${JSON.stringify({ error: { code: code ?? 'failed', message, details, next } })}\n`)
    } else context.stderr.write(`${failureText(failure)}\n`)
    return failure.exitCode
  } finally {
    stopListening()
    runs.delete(program)
  }
}

/** A program with the client commands alone: for tests, for the reference, and to build on. */
export const clientProgram = (context: CliContext): Command =>
  clientCommands(new Command('reins').description('Runs LLM agents as sessions that survive'), context)
