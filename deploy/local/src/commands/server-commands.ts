// The commands that run the product: `up`, `service`, `doctor`, `rebuild-index`, `backup`, `restore`, `streams`, `database`,
// `keys`. What they do is loaded when they are run:
// a client command does not pay for the services.

import { examples } from '@reins/cli'
import { type ServiceName, serviceNames } from '@reins/contracts'
import { Argument, type Command, Option } from 'commander'
import type { LocalFlags } from '../config.ts'
import type { RestoreFlags } from './server-actions.ts'

const actions = () => import('./server-actions.ts')

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

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
    )
    .option(
      '--concurrency <number>',
      'work on at most this many sessions, or tool calls, at once (env REINS_CONCURRENCY, default 64)',
    )
    .option(
      '--waiting-calls <number>',
      'let at most this many model calls, or tool calls that take long, be in flight (env REINS_WAITING_CALLS, default 1000)',
    )
    .option(
      '--workspace-root <folder>',
      'look for relative workspaces of agents in this folder (env REINS_WORKSPACE_ROOT, default this folder)',
    )
    .option(
      '--allow-unsandboxed-shell',
      'let the shell tool run without a sandbox where there is none (env REINS_ALLOW_UNSANDBOXED_SHELL=1)',
    )
    .option(
      '--allow-shell-network',
      'let the shells of agents that ask for it use the network (env REINS_ALLOW_SHELL_NETWORK=1)',
    )
    .option(
      '--allow-nested-workspaces',
      "let an agent work in a folder that holds another agent's: it can lead that one elsewhere (env REINS_ALLOW_NESTED_WORKSPACES=1)",
    )
    .option(
      '--shell-memory <MB>',
      'kill a shell command or an MCP server that, with all that it started, holds more memory; 0 for no limit (env REINS_SHELL_MEMORY_MB, default half of the machine)',
    )
    .addOption(
      new Option('--log-level <level>', 'log from this level on (env REINS_LOG_LEVEL, default info)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
}

/** `--json` is an option of every command, made by @reins/cli. */
const asJson = (program: Command): boolean => program.opts<{ json?: boolean }>().json === true

export function serverCommands(program: Command): void {
  serverOptions(program.command('up'))
    .description('Start the whole product: embedded servers, all services, the HTTP API')
    .addOption(
      new Option(
        '--durability <mode>',
        'fsync: an append counts when it is on the disk; interval: faster, but a power cut may lose the last two minutes (env REINS_DURABILITY, default fsync)',
      ).choices(['fsync', 'interval']),
    )
    .addHelpText(
      'after',
      examples([
        'reins up',
        'reins up --data-dir /var/lib/reins --port 8080',
        'NATS_URL=nats://10.0.0.5:4222 DATABASE_URL=postgres://reins@db/reins reins up',
      ]),
    )
    .action(async (flags: LocalFlags) => (await actions()).runUp(flags))

  serverOptions(program.command('service'))
    .description(`Run one service as a process of its own: ${serviceNames.join(', ')}`)
    .addArgument(new Argument('<name>', 'the service to run').choices(serviceNames))
    .addHelpText(
      'after',
      examples([
        'reins service executor --label browser=true',
        'NATS_URL=nats://10.0.0.5:4222 reins service tool-runner --workspace-root /srv/projects',
      ]),
    )
    .action(async (name: ServiceName, flags: LocalFlags) => (await actions()).runOneService(name, flags))

  program
    .command('rebuild-index')
    .description('Rebuild the list of sessions from the sessions themselves; the memory service does the work')
    .option('--data-dir <folder>', 'ask the product that runs on this folder (env REINS_DATA_DIR, default .reins)')
    .addHelpText('after', examples(['reins rebuild-index', 'NATS_URL=nats://10.0.0.5:4222 reins rebuild-index']))
    .action(async (flags: LocalFlags) => (await actions()).runRebuildIndex(flags, asJson(program)))

  program
    .command('backup')
    .description('Save everything that Reins keeps to a new folder, while it runs or not')
    .argument('<folder>', 'is made; it holds passwords and keys, so keep it as you keep the data folder')
    .option('--data-dir <folder>', 'save this data folder (env REINS_DATA_DIR, default .reins)')
    .addHelpText(
      'after',
      examples(['reins backup /backups/reins-monday', 'reins backup ../today --data-dir /var/lib/reins']),
    )
    .action(async (folder: string, flags: LocalFlags) => (await actions()).runBackup(folder, flags, asJson(program)))

  program
    .command('restore')
    .description('Make a data folder from a backup; reins up then goes on from there')
    .argument('<folder>', 'what reins backup has made')
    .option(
      '--data-dir <folder>',
      'make this data folder; it must not hold anything (env REINS_DATA_DIR, default .reins)',
    )
    .option('--erased <file>', 'erase these sessions again: what reins session list --erased --json has printed since')
    .option('--none-erased', 'no session was erased since the backup was made')
    .addHelpText(
      'after',
      examples(['reins restore /backups/reins-monday', 'reins restore ../today --data-dir /var/lib/reins']),
    )
    .action(async (folder: string, flags: RestoreFlags) => (await actions()).runRestore(folder, flags, asJson(program)))

  program
    .command('streams')
    .description('Change how the broker keeps the sessions')
    .command('split')
    .description('Split the one stream of sessions over four, while services work; run again, it goes on where it was')
    .option('--dry-run', 'say how far it is and what it needs, and change nothing')
    .option('--data-dir <folder>', 'split the stream of the product that runs on this folder (env REINS_DATA_DIR)')
    .addHelpText(
      'after',
      examples([
        'NATS_URL=nats://reins-mover:PASSWORD@10.0.0.5:4222 reins streams split --dry-run',
        'NATS_URL=nats://reins-mover:PASSWORD@10.0.0.5:4222 reins streams split',
      ]),
    )
    .action(async (flags: LocalFlags & { readonly dryRun?: boolean }) =>
      (await actions()).runStreamsSplit(flags, asJson(program)),
    )

  program
    .command('database')
    .description('Prepare a database that exists already')
    .command('setup')
    .description('Make a role of Postgres for each service that has tables, as the owner whom DATABASE_URL names')
    .requiredOption('--registry <file>', 'holds the URL that the registry is given as DATABASE_URL')
    .requiredOption('--memory <file>', 'holds the URL that the memory service is given as DATABASE_URL')
    .addHelpText(
      'after',
      examples([
        'DATABASE_URL=postgres://postgres@db/reins reins database setup --registry registry.url --memory memory.url',
      ]),
    )
    .action(async (files: { readonly registry: string; readonly memory: string }) =>
      (await actions()).runDatabaseSetup(files, asJson(program)),
    )

  program
    .command('keys')
    .description('Change the keys with which services sign what they record')
    .command('rotate')
    .description('Give each service a new key; Reins must not run on the data folder meanwhile')
    .option('--data-dir <folder>', 'change the keys of this data folder (env REINS_DATA_DIR, default .reins)')
    .addHelpText('after', examples(['reins keys rotate', 'reins keys rotate --data-dir /var/lib/reins']))
    .action(async (flags: LocalFlags) => (await actions()).runKeysRotate(flags, asJson(program)))

  serverOptions(program.command('doctor'))
    .description('Print what Reins finds on this machine, what is missing, and how to get it')
    .addHelpText('after', examples(['reins doctor', 'reins doctor --json']))
    .action(async (flags: LocalFlags) => (await actions()).runDoctor(flags, asJson(program)))
}
