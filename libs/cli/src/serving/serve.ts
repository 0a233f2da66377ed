// reins agent start NAME --mode api|web: serves until somebody stops it.
import { ReinsError } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Serving, ServingOptions } from '@reins/serving'
import { CommandFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { type ServingModeName, servingModes } from './serving-modes.ts'

export interface ServeFlags {
  readonly session?: string
  readonly port: number
  readonly host: string
  readonly allowHost?: readonly string[]
  readonly allowOrigin?: readonly string[]
}

/** ms for the last frames of open streams: whoever pressed Ctrl-C waits no longer. */
const closeWithinMs = 1000

const port = (text: string): number => {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 65_536
  if (number > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535, such as 8080; 0 is any free one.')
  return number
}
const repeat = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value]

export const servingOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--port <port>', 'of --mode api and web: listen on this port; 0 is any free one')
        .argParser(port)
        .default(8080),
    )
    .addOption(new Option('--host <address>', 'of --mode api and web: listen on this address').default('127.0.0.1'))
    .addOption(
      new Option('--allow-host <name>', 'of --mode api and web: requests may name this host; repeatable').argParser(
        repeat,
      ),
    )
    .addOption(
      new Option(
        '--allow-origin <origin>',
        'of --mode api and web: pages of this origin may ask; repeatable',
      ).argParser(repeat),
    )

export async function serve(run: Invocation, agent: string, mode: ServingModeName, flags: ServeFlags): Promise<void> {
  const { context, server } = run
  const serving = await started(mode, {
    ...{ agent, server, host: flags.host, port: flags.port },
    ...(flags.session === undefined ? {} : { session: flags.session }),
    connect: (token) => context.connect({ baseUrl: server, ...(token === undefined ? {} : { token }) }),
    operatorToken: () => run.token(),
    allowedHosts: (flags.allowHost ?? []).map((name) => name.toLowerCase()),
    allowedOrigins: flags.allowOrigin ?? [],
  })
  if (run.json) run.printJson({ agent, mode, url: serving.url, server })
  else run.print(`Agent ${agent} is served at ${serving.url} (--mode ${mode}), by ${server}. Ctrl-C stops it.`)
  await stopped(run)
  await serving.close({ withinMs: closeWithinMs })
}

async function started(mode: ServingModeName, options: ServingOptions): Promise<Serving> {
  try {
    return await servingModes[mode](options)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const { host, port: at } = options
    if (code === 'EADDRINUSE')
      throw new CommandFailure(`Port ${at} of ${host} is in use.`, {
        next: 'Choose another port with --port, or --port 0 for any that is free.',
      })
    if (code === 'EACCES')
      throw new CommandFailure(`You may not listen on port ${at} of ${host}.`, {
        next: 'Choose a port above 1023 with --port.',
      })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      throw new CommandFailure(`This machine has no address ${host}.`, {
        next: 'Give one that it has with --host: 127.0.0.1 for this machine alone, 0.0.0.0 for all.',
      })
    // It knows better what to do than what is said of a token in general.
    if (error instanceof ReinsError && error.code === 'unauthorized')
      throw new CommandFailure(error.message, { next: error.next })
    throw error
  }
}

/** Ctrl-C, a closed output, or SIGTERM. */
function stopped({ signal, context }: Invocation): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = () => resolve()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const forget = context.onTerminate?.(stop)
  return promise.finally(() => {
    signal.removeEventListener('abort', stop)
    forget?.()
  })
}
