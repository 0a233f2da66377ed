// The commands that run the product: `up`, `service`, `doctor`, `rebuild-index`. What they do is loaded when they are run:
// a client command does not pay for the services.
import type { Command } from 'commander'
import type { LocalFlags } from '../config.ts'
import { serviceNames } from '../nats/nats-users.ts'

const actions = () => import('./server-actions.ts')

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]

function serverOptions(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'keep everything in this folder (env REINS_DATA_DIR, default .reins)')
    .option('--port <number>', 'serve the HTTP API on this port; 0 takes any free one (env REINS_PORT, default 7420)')
    .option(
      '--host <address>',
      'listen on this address (env REINS_HOST, default 127.0.0.1, which only this machine reaches)',
    )
    .option(
      '--label <name=value>',
      'give this process a label; it serves every pool whose labels it has (repeatable; env REINS_LABELS)',
      collect,
      [],
    )
    .option(
      '--concurrency <number>',
      'sessions, or tool calls, that are worked on at once (env REINS_CONCURRENCY, default 64)',
    )
    .option(
      '--waiting-calls <number>',
      'model calls in flight, or tool calls that take long, at once (env REINS_WAITING_CALLS, default 1000)',
    )
    .option(
      '--workspace-root <folder>',
      'where relative workspaces of agents are (env REINS_WORKSPACE_ROOT, default this folder)',
    )
    .option(
      '--allow-unsandboxed-shell',
      'let the shell tool run without a sandbox where there is none (env REINS_ALLOW_UNSANDBOXED_SHELL=1)',
    )
    .option(
      '--allow-shell-network',
      'let agents that ask for it use the network in their shell (env REINS_ALLOW_SHELL_NETWORK=1)',
    )
    .option(
      '--log-level <level>',
      'log from this level on: debug, info, warn, error or silent (env REINS_LOG_LEVEL, default info)',
    )
}

export function serverCommands(program: Command): void {
  serverOptions(program.command('up'))
    .description('Start the whole product: embedded servers, all services, the HTTP API')
    .option(
      '--durability <mode>',
      'fsync: every append is on the disk before it counts; interval: faster, may lose the last two minutes at a power cut (env REINS_DURABILITY, default fsync)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  reins up\n  reins up --data-dir /var/lib/reins --port 8080\n  NATS_URL=nats://10.0.0.5:4222 DATABASE_URL=postgres://reins@db/reins reins up\n',
    )
    .action(async (flags: LocalFlags) => (await actions()).runUp(flags))

  serverOptions(program.command('service'))
    .description(`Run one service as a process of its own: ${serviceNames.join(', ')}`)
    .argument('<name>', 'the service to run')
    .addHelpText(
      'after',
      '\nExamples:\n  reins service executor --label browser=true\n  NATS_URL=nats://10.0.0.5:4222 reins service tool-runner --workspace-root /srv/projects\n',
    )
    .action(async (name: string, flags: LocalFlags) => (await actions()).runOneService(name, flags))

  program
    .command('rebuild-index')
    .description('Rebuild the list of sessions from the sessions themselves; the memory service does the work')
    .option('--data-dir <folder>', 'the data folder of the running product (env REINS_DATA_DIR, default .reins)')
    .addHelpText('after', '\nExamples:\n  reins rebuild-index\n  NATS_URL=nats://10.0.0.5:4222 reins rebuild-index\n')
    .action(async (flags: LocalFlags) => (await actions()).runRebuildIndex(flags))

  serverOptions(program.command('doctor'))
    .description('Print what Reins finds on this machine, what is missing, and how to get it')
    .option('--json', 'print JSON for programs')
    .addHelpText('after', '\nExamples:\n  reins doctor\n  reins doctor --json\n')
    .action(async (flags: LocalFlags & { json?: boolean }) => {
      const json = flags.json === true || program.opts<{ json?: boolean }>().json === true
      await (await actions()).runDoctor(flags, json)
    })
}
