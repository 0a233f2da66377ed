// The binary `reins`: `up`, `service` and `doctor` here; everything that speaks to a running server comes from @reins/cli.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  type CliEnvironment,
  processEnvironment as cliEnvironment,
  clientCommands,
  processContext,
  runProgram,
} from '@reins/cli'
import { ConfigError, type Running, systemClock } from '@reins/service'
import { describeSandbox, detectSandbox } from '@reins/tools'
import { Command } from 'commander'
import { currentFolder, type LocalFlags, loadLocalConfig, processEnvironment } from './config.ts'
import { DataDirError, dataDirOwner } from './data-dir.ts'
import { formatDoctor, inspect } from './doctor.ts'
import { serviceNames } from './nats-users.ts'
import { rebuildIndex } from './rebuild-index.ts'
import { isServiceName, runService } from './service-command.ts'
import { up } from './up.ts'
import { verifySession } from './verify.ts'

const version = '0.1.0'
const minNodeVersion = '24.0.0'
const closeWithinMs = 30_000

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function configOf(flags: LocalFlags) {
  return loadLocalConfig(processEnvironment(), flags, currentFolder())
}

/** Runs until it is told to stop; a second signal does not wait. */
async function untilStopped(start: (fatal: (error: Error) => void) => Promise<Running>): Promise<void> {
  const stop = Promise.withResolvers<number>()
  let asked = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked) process.exit(signal === 'SIGINT' ? 130 : 1)
    asked = true
    stop.resolve(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => onSignal(signal))
  const running = await start((error) => {
    say(`reins: stopping: ${error.message}`)
    stop.resolve(1)
  })
  const code = await stop.promise
  if (asked) say('stopping…')
  const { abandoned } = await running.close({ withinMs: closeWithinMs })
  if (abandoned.length > 0) say(`not finished in time: ${abandoned.join(', ')}`)
  process.exit(code)
}

function failed(error: unknown): never {
  if (error instanceof ConfigError || error instanceof DataDirError) say(`reins: ${error.message}`)
  else say(`reins: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]

function serverOptions(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'where everything is kept (env REINS_DATA_DIR, default .reins)')
    .option('--port <number>', 'port of the HTTP API; 0: any free one (env REINS_PORT, default 7420)')
    .option('--host <address>', 'address to listen on (env REINS_HOST, default 127.0.0.1: this machine only)')
    .option(
      '--label <name=value>',
      'a label of this process: it serves every pool whose labels it has (repeatable; env REINS_LABELS)',
      collect,
      [],
    )
    .option('--concurrency <number>', 'sessions, or tool calls, at once (env REINS_CONCURRENCY, default 64)')
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
    .option('--log-level <level>', 'debug, info, warn, error or silent (env REINS_LOG_LEVEL, default info)')
}

function serverCommands(program: Command): void {
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
    .action(async (flags: LocalFlags) => {
      try {
        const config = configOf(flags)
        await untilStopped(async (fatal) => {
          const product = await up({ config, clock: systemClock, version, say, fatal })
          process.stdout.write(`ready ${product.url}\n`)
          process.stdout.write(`data  ${product.dataDir}\n`)
          process.stdout.write(`model ${product.model.model} (${product.model.because})\n`)
          if (product.sandbox) process.stdout.write(`shell ${product.sandbox}\n`)
          process.stdout.write(`next  npx reins chat\n`)
          return product
        })
      } catch (error) {
        failed(error)
      }
    })

  serverOptions(program.command('service'))
    .description(`Run one service as a process of its own: ${serviceNames.join(', ')}`)
    .argument('<name>', 'which service')
    .addHelpText(
      'after',
      '\nExamples:\n  reins service executor --label browser=true\n  NATS_URL=nats://10.0.0.5:4222 reins service tool-runner --workspace-root /srv/projects\n',
    )
    .action(async (name: string, flags: LocalFlags) => {
      if (!isServiceName(name)) {
        say(`reins: there is no service "${name}"; there are ${serviceNames.join(', ')}`)
        process.exit(2)
      }
      try {
        const config = configOf(flags)
        await untilStopped(async (fatal) => {
          const running = await runService({ config, name, clock: systemClock, version, say, fatal })
          process.stdout.write(running.url === undefined ? `ready ${name}\n` : `ready ${running.url}\n`)
          return running
        })
      } catch (error) {
        failed(error)
      }
    })

  program
    .command('rebuild-index')
    .description('Make the list of sessions anew from the sessions themselves (the memory service does it)')
    .option('--data-dir <folder>', 'of the running product (env REINS_DATA_DIR, default .reins)')
    .addHelpText('after', '\nExamples:\n  reins rebuild-index\n  NATS_URL=nats://10.0.0.5:4222 reins rebuild-index\n')
    .action(async (flags: LocalFlags) => {
      try {
        const { frames } = await rebuildIndex(configOf(flags))
        process.stdout.write(`The list of sessions was made anew from ${frames} frames.\n`)
      } catch (error) {
        failed(error)
      }
    })

  serverOptions(program.command('doctor'))
    .description('Say what was found on this machine, what is missing, and how to get it')
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', '\nExamples:\n  reins doctor\n  reins doctor --json\n')
    .action(async (flags: LocalFlags & { json?: boolean }) => {
      try {
        const config = configOf(flags)
        const sandbox = describeSandbox(
          await detectSandbox({
            allowUnsandboxed: config.allowUnsandboxedShell,
            allowNetwork: config.allowShellNetwork,
          }),
        )
        const rows = await inspect({
          nodeVersion: process.versions.node,
          minNodeVersion,
          nats: {
            cacheDir: config.cacheDir,
            searchPath: config.searchPath,
            ...(config.natsServer === undefined ? {} : { explicit: config.natsServer }),
          },
          ...(config.natsUrl === undefined ? {} : { natsUrl: config.natsUrl }),
          ...(config.databaseUrl === undefined ? {} : { databaseUrl: config.databaseUrl }),
          sandbox,
          dataDir: config.dataDir,
          port: config.gateway.port,
          modelKeys: config.modelKeys,
        })
        const json = flags.json === true || program.opts<{ json?: boolean }>().json === true
        process.stdout.write(
          json
            ? `${JSON.stringify(rows, null, 2)}\n`
            : `${formatDoctor(rows, { color: process.stdout.isTTY === true })}\n`,
        )
        process.exitCode = rows.some(({ status }) => status === 'missing') ? 1 : 0
      } catch (error) {
        failed(error)
      }
    })
}

/** Without REINS_URL, client commands talk to the product that runs on the data folder, whatever port it has. */
function clientEnvironment(): CliEnvironment {
  const env = cliEnvironment()
  if (env.url !== undefined) return env
  try {
    const url = dataDirOwner(configOf({}).dataDir)?.note
    return url === undefined ? env : { ...env, url }
  } catch {
    return env
  }
}

/** The token of the data folder that a client command would use: the flag's, the environment's, or .reins here. */
async function readAdminToken(): Promise<string | undefined> {
  try {
    return readFileSync(path.join(configOf({}).dataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return undefined
  }
}

const program = new Command('reins').description('Runs LLM agents as sessions that survive').version(version)
const context = processContext({
  now: systemClock.now,
  readAdminToken,
  verify: verifySession,
  env: clientEnvironment(),
})
serverCommands(program)
clientCommands(program, context)
const code = await runProgram(program, process.argv.slice(2), context)
// A request that hangs must not keep a command that has its exit code.
process.exit(code === 0 ? (process.exitCode ?? 0) : code)
