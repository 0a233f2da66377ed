// The client commands on a commander program, and the run of such a program to an exit code.
import { Command, CommanderError, Option } from 'commander'
import { agentCommands } from './commands/agents/agent.ts'
import { approvalCommands } from './commands/approvals.ts'
import { authCommands } from './commands/access/auth.ts'
import { auditCommand } from './commands/access/audit.ts'
import { authCanCommand } from './commands/access/auth-can.ts'
import { chatCommand } from './commands/chat.ts'
import { completionCommands } from './commands/completion.ts'
import { configCommands } from './commands/agents/config.ts'
import { devCommand } from './commands/projects/dev.ts'
import { elicitationCommands } from './commands/elicitations.ts'
import { initCommands } from './commands/projects/init.ts'
import { mcpCommands } from './commands/agents/mcp.ts'
import { memoryCommands } from './commands/agents/memory.ts'
import { poolCommands } from './commands/pool.ts'
import { principalCommands } from './commands/access/principal.ts'
import { projectCommands } from './commands/projects/project.ts'
import { connectCommand } from './commands/runs/connect.ts'
import { runCommands } from './commands/runs/run.ts'
import { scheduleCommands } from './commands/runs/schedules.ts'
import { logsCommand } from './commands/runs/logs.ts'
import { roleCommands } from './commands/access/role.ts'
import { secretCommands } from './commands/agents/secret.ts'
import { sessionCommands } from './commands/sessions/session.ts'
import { skillCommands } from './commands/agents/skill.ts'
import { tokenCommands } from './commands/access/token.ts'
import { usageCommand } from './commands/usage.ts'
import { webhookCommands } from './commands/webhook.ts'
import type { CliContext } from './context.ts'
import { asTyped, CommandFailure, exitCodes, explainFailure, failureText, QuietExit } from './failure.ts'
import { type Act, colours, defaultServer, type GlobalOptions, makeInvocation } from './invocation.ts'
import { plainJson } from './text/neutralise.ts'

const graceMs = 1500

/** What one run of a program shares with the command that it runs. */
interface Ongoing {
  readonly controller: AbortController
  interrupted: boolean
  /** Who takes Ctrl-C instead of the end of the command. */
  takes: (() => void) | undefined
  /** Resolves when stdout cannot be written. */
  readonly unwritable: Promise<void>
  /** Why stdout could not be written, where its reader did not simply leave. */
  lost: Error | undefined
}
const runs = new WeakMap<Command, Ongoing>()

/** Adds `agent`, `chat`, `session`, `approvals`, `elicitations`, `secret`, `config`, `webhook`, `memory`, `usage`, `pool`, `skill`, `init`, `test`, `dev`, `build`, `deploy`, `rollback`, `project`, `connect`, `run`, `deliver`, `logs`, `schedule`, `token`, `role`, `principal`, `auth`, `completion` and the global options to the program. */
export function clientCommands(program: Command, context: CliContext): Command {
  if (!program.options.some((option) => option.long === '--server')) {
    program
      .addOption(new Option('--server <url>', `talk to this server (env REINS_URL, default ${defaultServer})`))
      .addOption(
        new Option(
          '--token <token>',
          'send this token (env REINS_TOKEN, default your sign-in, or the admin token of this machine)',
        ),
      )
      .option('--json', 'print JSON for programs')
  }
  const act: Act = (action) => async (args, command) => {
    const ongoing = runs.get(program) ?? newRun(context)
    const run = makeInvocation(context, command, ongoing.controller.signal, (listener) => {
      ongoing.takes = listener
      return () => {
        ongoing.takes = undefined
      }
    })
    await untilInterrupted(context, ongoing, () => action(run, ...args))
  }
  agentCommands(program, act)
  chatCommand(program, act)
  sessionCommands(program, act)
  approvalCommands(program, act)
  elicitationCommands(program, act)
  secretCommands(program, act)
  configCommands(program, act)
  webhookCommands(program, act)
  memoryCommands(program, act)
  usageCommand(program, act)
  poolCommands(program, act)
  mcpCommands(program, act)
  skillCommands(program, act)
  initCommands(program, act)
  projectCommands(program, act)
  devCommand(program, act)
  connectCommand(program, act)
  runCommands(program, act)
  logsCommand(program, act)
  scheduleCommands(program, act)
  tokenCommands(program, act)
  auditCommand(program, act)
  roleCommands(program, act)
  principalCommands(program, act)
  authCanCommand(authCommands(program, act), act)
  completionCommands(program, act)
  return program
}

/**
 * Ctrl-C aborts the command's signal, and the command ends cleanly; it is not waited for if it hangs, nor at the second Ctrl-C.
 * Commands that are not of this library handle their signals themselves.
 */
async function untilInterrupted(context: CliContext, ongoing: Ongoing, action: () => Promise<void>): Promise<void> {
  const abandoned = Promise.withResolvers<void>()
  const stopListening = context.onInterrupt(() => {
    if (ongoing.takes) return ongoing.takes()
    if (ongoing.interrupted) abandoned.resolve()
    ongoing.interrupted = true
    ongoing.controller.abort()
    void context.sleep(graceMs, new AbortController().signal).then(() => abandoned.resolve())
  })
  try {
    await Promise.race([action(), abandoned.promise, ongoing.unwritable])
  } finally {
    stopListening()
  }
}

/** Listens to stdout and stderr from here on: an error of theirs that nobody hears would end the process. */
function newRun(context: CliContext): Ongoing {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  const run: Ongoing = { controller, interrupted: false, takes: undefined, unwritable: promise, lost: undefined }
  context.stdout.on('error', (error) => {
    if (!('code' in error && error.code === 'EPIPE')) run.lost ??= error
    controller.abort()
    resolve()
  })
  context.stderr.on('error', () => undefined) // There is nowhere left to say it.
  return run
}

/** Help and wrong usage go to the context's streams, without reading the environment, whoever made the command. */
function prepare(command: Command, context: CliContext): void {
  command.configureHelp({ showGlobalOptions: true })
  command.configureOutput({
    writeOut: (text) => void context.stdout.write(text),
    writeErr: (text) => void context.stderr.write(text),
    getOutHelpWidth: () => context.stdout.columns || 100,
    getErrHelpWidth: () => context.stderr.columns || 100,
    getOutHasColors: () => colours(context),
    getErrHasColors: () => false,
  })
  command.exitOverride()
  command.showHelpAfterError('(add --help to see how to use the command)')
  for (const below of command.commands) prepare(below, context)
}

/**
 * Parses and runs; the exit code is the answer, and the process is left alone. Failures are told on stderr: one line that says
 * what happened, one that says what to do; with --json as `{error}`. A reader that has left (EPIPE) ends the command quietly;
 * any other failure to write is a failure of the command. Commands of other libraries go on: a server outlives its terminal.
 * @param argv the words behind the name of the program
 */
export async function runProgram(program: Command, argv: readonly string[], context: CliContext): Promise<number> {
  const ongoing = newRun(context)
  runs.set(program, ongoing)
  prepare(program, context)
  const code = await outcome(program, argv, context, ongoing)
  // A write that failed is told in a later turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve))
  runs.delete(program)
  if (ongoing.lost === undefined) return code
  return tell(program, context, unwritten(ongoing.lost))
}

async function outcome(program: Command, argv: readonly string[], context: CliContext, ongoing: Ongoing) {
  try {
    await program.parseAsync(argv, { from: 'user' })
    return ongoing.interrupted ? exitCodes.interrupted : exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof QuietExit) return error.exitCode
    if (ongoing.interrupted) return exitCodes.interrupted
    if (ongoing.controller.signal.aborted) return exitCodes.ok
    return tell(program, context, error)
  }
}

/** Says on stderr why a command failed; its exit code. */
function tell(program: Command, context: CliContext, error: unknown): number {
  const failure = explainFailure(error)
  if (program.opts<GlobalOptions>().json === true) {
    const { message, next, code, details } = failure
    context.stderr.write(
      `${plainJson(JSON.stringify({ error: { code: code ?? 'failed', message, details, next } }))}\n`,
    )
  } else context.stderr.write(`${asTyped(failureText(failure), context.env.typed)}\n`)
  return failure.exitCode
}

function unwritten(error: Error): CommandFailure {
  const why = 'code' in error && error.code === 'ENOSPC' ? 'no space is left on the device' : error.message
  return new CommandFailure(`The output could not be written: ${why}.`, {
    next: 'Make room there, or send the output somewhere else. What the command did at the server is done.',
  })
}

/** A program with the client commands alone: for tests, for the reference, and to build on. */
export const clientProgram = (context: CliContext): Command =>
  clientCommands(new Command('reins').description('Runs AI agents in sessions that survive crashes'), context)
