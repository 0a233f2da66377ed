// What `up`, `service`, `doctor` and `rebuild-index` do. Loaded only when one of them is run, and of them only the one that is run: a service
// starts without what starts servers.

import { existsSync, readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import path from 'node:path'
import { amount, CommandFailure, usageFailure } from '@reins/cli'
import { type ServiceName, serviceNames } from '@reins/contracts'
import { ConfigError, type Running, systemClock } from '@reins/service'
import { describeSandbox, detectSandbox } from '@reins/tools'
import { currentFolder, type LocalConfig, type LocalFlags, loadLocalConfig, processEnvironment } from '../config.ts'
import type { DatabaseService } from '../postgres/database-roles.ts'
import { version } from '../product-version.ts'
import type { SplitState } from './split-streams.ts'

const minNodeVersion = '24.0.0'
const closeWithinMs = 30_000

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function configOf(flags: LocalFlags): LocalConfig {
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
  // What Node has compiled is kept for the next start, also where this one is killed.
  flushCompileCache()
  const code = await stop.promise
  if (asked) say('stopping…')
  const { abandoned } = await running.close({ withinMs: closeWithinMs })
  if (abandoned.length > 0)
    say(`These parts did not end within ${closeWithinMs / 1000} s and were stopped: ${abandoned.join(', ')}.`)
  process.exit(code)
}

/** What fails is a failure of the command: told on stderr, with exit code 1, or 2 where a flag is wrong. */
async function orFail(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof ConfigError && error.problems.some((problem) => problem.startsWith('--')))
      throw usageFailure(error.message)
    throw isTimeout(error)
      ? new CommandFailure('The broker (nats-server) did not answer in time.', {
          next: 'The machine or its disk may be too busy. Try again; npx reins doctor shows what it finds here.',
        })
      : new CommandFailure(error instanceof Error ? error.message : String(error))
  }
}

/** The broker's client says no more than "timeout". */
const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError'

export const runUp = (flags: LocalFlags): Promise<void> =>
  orFail(async () => {
    const config = configOf(flags)
    const { up } = await import('./up.ts')
    await untilStopped(async (fatal) => {
      const product = await up({ config, clock: systemClock, version, say, fatal })
      process.stdout.write(`ready ${product.url}\n`)
      process.stdout.write(`data  ${product.dataDir}\n`)
      process.stdout.write(`model ${product.model.model} (${product.model.because})\n`)
      if (product.sandbox) process.stdout.write(`shell ${product.sandbox}\n`)
      process.stdout.write('next  npx reins chat\n')
      process.stdout.write('      npx reins agent start assistant --mode web   (a chat page in the browser)\n')
      return product
    })
  })

/** A product in this process, for a command that needs one. Whoever starts it closes it. */
export async function startHere({
  port,
  env,
}: {
  readonly port: string
  readonly env: Readonly<Record<string, string>>
}): Promise<{ readonly url: string; close(): Promise<void> }> {
  const config = loadLocalConfig({ ...env, ...processEnvironment() }, { port }, currentFolder())
  const fatal = (error: Error): void => {
    say(`reins: stopping: ${error.message}`)
    process.exit(1)
  }
  const [{ up }, { appOutput }] = await Promise.all([import('./up.ts'), import('./app-output.ts')])
  const hearLog = (line: string) => appOutput(line).forEach(say)
  const product = await up({ config, clock: systemClock, version, say, fatal, hearLog })
  return {
    url: product.url,
    close: async () => {
      await product.close({ withinMs: closeWithinMs })
    },
  }
}

export const runOneService = (name: ServiceName, flags: LocalFlags): Promise<void> =>
  orFail(async () => {
    const config = configOf(flags)
    const { runService } = await import('./service-command.ts')
    await untilStopped(async (fatal) => {
      const running = await runService({ config, name, clock: systemClock, version, say, fatal })
      process.stdout.write(running.url === undefined ? `ready ${name}\n` : `ready ${running.url}\n`)
      return running
    })
  })

export const runRebuildIndex = (flags: LocalFlags, json: boolean): Promise<void> =>
  orFail(async () => {
    const { rebuildIndex } = await import('./rebuild-index.ts')
    const { frames } = await rebuildIndex(configOf(flags), ({ frames, of, waiting }) =>
      say(`${frames} of ${of} frames${waiting === undefined ? '' : `; waiting: ${waiting}`}`),
    )
    process.stdout.write(
      json ? `${JSON.stringify({ frames })}\n` : `The list of sessions was rebuilt from ${frames} frames.\n`,
    )
  })

const steps = ({ stream, bytes }: { readonly stream: string; readonly bytes: number }): void =>
  say(`${stream}: ${amount(bytes)}`)

export const runBackup = (folder: string, flags: LocalFlags, json: boolean): Promise<void> =>
  orFail(async () => {
    const { backup } = await import('./backup.ts')
    const options = { version, now: new Date(systemClock.now()), say: steps, tell: say }
    const { streams, madeAt } = await backup(configOf(flags), folder, options)
    const bytes = streams.reduce((sum, one) => sum + one.bytes, 0)
    process.stdout.write(
      json
        ? `${JSON.stringify({ folder, madeAt, bytes, streams: streams.map(({ name, messages }) => ({ name, messages })) })}\n`
        : `Saved to ${folder} (${amount(bytes)}). It holds passwords and keys.\nreins restore ${folder} makes a data folder of it. Workspaces of agents are not in it.\n`,
    )
  })

export interface RestoreFlags extends LocalFlags {
  readonly erased?: string
  readonly noneErased?: boolean
}

export const runRestore = (folder: string, flags: RestoreFlags, json: boolean): Promise<void> =>
  orFail(async () => {
    const { restore } = await import('./backup.ts')
    const config = configOf(flags)
    const { erased, noneErased = false } = flags
    const { streams, madeAt, erasedAgain } = await restore(config, folder, {
      ...{ say: steps, tell: say, now: new Date(), noneErased },
      ...(erased === undefined ? {} : { erased }),
    })
    process.stdout.write(
      json
        ? `${JSON.stringify({ dataDir: config.dataDir, madeAt, erasedAgain, streams: streams.map(({ name, messages }) => ({ name, messages })) })}\n`
        : `${config.dataDir} is as it was at ${madeAt}. Start it with reins up; its lists are made again then.\n${erasedAgain === 0 ? '' : `${erasedAgain} sessions are erased again when it starts with REINS_ARCHIVE_AFTER set.\n`}`,
    )
  })

export const runStreamsSplit = (flags: LocalFlags & { readonly dryRun?: boolean }, json: boolean): Promise<void> =>
  orFail(async () => {
    const { splitState, splitStreams } = await import('./split-streams.ts')
    const { dryRun, ...local } = flags
    const config = configOf(local)
    const print = (value: object, text: string): void =>
      void process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
    if (dryRun) {
      const found = await splitState(config)
      return print(found, splitStateText(found))
    }
    let told = -1
    const outcome = await splitStreams(config, {
      say,
      progress: (copied, of) => {
        const percent = of === 0 ? 100 : Math.floor((copied * 100) / of)
        if (percent >= told + 10 || (percent === 100 && told < 100)) say(`copied: ${copied} of ${of} messages`)
        if (percent >= told + 10) told = percent
      },
    })
    const text =
      outcome.kind === 'split-already'
        ? 'The sessions lie in four streams already. Nothing was changed.'
        : `The sessions lie in four streams now (frames: ${outcome.frames}). No stream took appends for ${outcome.closedMs} ms.`
    print(outcome, text)
  })

function splitStateText(found: SplitState): string {
  switch (found.state) {
    case 'four-streams':
      return 'The sessions lie in four streams already.'
    case 'copying':
      return `A split has begun: ${found.copied} of ${found.messages} messages are copied${found.closed ? ', and no stream takes appends until it has ended' : ''}. Run reins streams split: it goes on.`
    case 'one-stream':
      return (
        `The sessions lie in one stream: ${found.messages} messages, ${amount(found.bytes)}, on ${found.replicas} ${found.replicas === 1 ? 'node' : 'nodes'}. ` +
        'Each node that holds a copy needs as much room again, until the split has ended.'
      )
    default:
      return found satisfies never
  }
}

export const runDatabaseSetup = (files: Readonly<Record<DatabaseService, string>>, json: boolean): Promise<void> =>
  orFail(async () => {
    const { databaseUrl } = configOf({})
    if (databaseUrl === undefined)
      throw new Error(
        'DATABASE_URL is not set. Set it to the URL of the owner of the database, who is a superuser; the services are not given that one.',
      )
    const { databaseServices, prepareRoles, roleIn } = await import('../postgres/database-roles.ts')
    const roles = databaseServices.map((service) => roleIn(service, readFileSync(files[service], 'utf8').trim()))
    await prepareRoles(databaseUrl, roles)
    process.stdout.write(
      json
        ? `${JSON.stringify({ roles: roles.map(({ service, user }) => ({ service, user })) })}\n`
        : roles
            .map(({ service, user }) => `The role ${user} owns the tables of the ${service}, and may nothing else.\n`)
            .join(''),
    )
  })

export const runKeysRotate = (flags: LocalFlags, json: boolean): Promise<void> =>
  orFail(async () => {
    const { dataDir } = configOf(flags)
    if (!existsSync(path.join(dataDir, 'version')))
      throw new Error(`${dataDir} is no data folder of Reins. Name one with --data-dir.`)
    const [{ openDataDir }, { rotateRoleKeys }] = await Promise.all([
      import('../data/data-dir.ts'),
      import('../data/signing-key.ts'),
    ])
    const folder = openDataDir(dataDir)
    try {
      rotateRoleKeys(folder.path)
    } finally {
      folder.release()
    }
    process.stdout.write(
      json
        ? `${JSON.stringify({ dataDir, rotated: serviceNames })}\n`
        : 'Each service has a new key. What was signed before stays sound; the registry signs its records anew at the next start.\n',
    )
  })

export const runDoctor = (flags: LocalFlags, json: boolean): Promise<void> =>
  orFail(async () => {
    const config = configOf(flags)
    const {
      allowUnsandboxedShell: allowUnsandboxed,
      allowShellNetwork: allowNetwork,
      natsServer,
      natsUrl,
      databaseUrl,
    } = config
    const { formatDoctor, inspect } = await import('./doctor.ts')
    const rows = await inspect({
      nodeVersion: process.versions.node,
      minNodeVersion,
      nats: {
        cacheDir: config.cacheDir,
        searchPath: config.searchPath,
        ...(natsServer === undefined ? {} : { explicit: natsServer }),
      },
      ...(natsUrl === undefined ? {} : { natsUrl }),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      sandbox: describeSandbox(await detectSandbox({ allowUnsandboxed, allowNetwork })),
      dataDir: config.dataDir,
      port: config.gateway.port,
      disk: config.disk,
      modelKeys: config.modelKeys,
      misspelt: config.misspelt,
    })
    const text = json ? JSON.stringify(rows, null, 2) : formatDoctor(rows, { color: process.stdout.isTTY === true })
    process.stdout.write(`${text}\n`)
    process.exitCode = rows.some(({ status }) => status === 'missing') ? 1 : 0
  })
