// One run of a command: the context, the global options, the client, and how it prints.
//   R1. The admin token of this machine's data folder goes to this machine only: another server gets a token that was given, or that
//       somebody signed in for there.
import { holdsCredentials, isLoopback, withoutCredentials } from '@reins/client'
import type { Command } from 'commander'
import type { ReinsClient } from './client-port.ts'
import type { CliContext } from './context.ts'
import { asTyped, CommandFailure, usageFailure } from './failure.ts'
import { type TokenSource, tokenSource } from './sign-in/token-source.ts'
import { painted, plainJson } from './text/neutralise.ts'
import { makeStyle, type Style } from './text/style.ts'

export const defaultServer = 'http://127.0.0.1:7420'
const serverHere = (port: string | undefined): string =>
  port === undefined ? defaultServer : `http://127.0.0.1:${port}`
export const defaultAgent = 'assistant'

export interface GlobalOptions {
  readonly server?: string
  readonly token?: string
  readonly json?: boolean
}

export interface Invocation {
  readonly context: CliContext
  /** Programs read the output. */
  readonly json: boolean
  readonly style: Style
  /** Columns of the terminal; undefined where the output is none, and nothing is cut. */
  readonly width: number | undefined
  /** Aborted when the output is closed, and by Ctrl-C where the command did not take it over. */
  readonly signal: AbortSignal
  /** Ctrl-C goes to the listener alone, until the returned function is called. */
  onInterrupt(listener: () => void): () => void
  /** The address of the server. */
  readonly server: string
  /** As it is now; undefined: there is none. */
  token(): Promise<string | undefined>
  client(): Promise<ReinsClient>
  /** Which token the client sends. */
  tokenSource(): Promise<TokenSource>
  print(text: string): void
  /** A line for people that names commands: as this person types them. */
  hint(text: string): void
  printJson(value: unknown): void
}

/**
 * Makes an action for commander of one that gets its run. commander passes the arguments, the options, then the command:
 * `.action((name, options, command) => act(show)([name, options], command))`.
 */
export type Act = <A extends readonly unknown[]>(
  action: (run: Invocation, ...args: A) => Promise<void>,
) => (args: A, command: Command) => Promise<void>

export const colours = (context: CliContext): boolean =>
  context.stdout.isTTY === true && !context.env.noColor && !context.env.dumb

export function makeInvocation(
  context: CliContext,
  command: Command,
  signal: AbortSignal,
  onInterrupt: Invocation['onInterrupt'],
): Invocation {
  const options = command.optsWithGlobals<GlobalOptions & { format?: string }>()
  const server = checkedUrl(options.server ?? context.env.url ?? serverHere(context.env.port))
  const json = options.json === true || options.format === 'json'
  let client: ReinsClient | undefined
  const print = (text: string) => {
    context.stdout.write(`${json ? plainJson(text) : painted(text, colours(context))}\n`)
  }
  return {
    context,
    json,
    style: makeStyle(colours(context)),
    width: context.stdout.isTTY === true ? Math.max(20, context.stdout.columns || 80) : undefined,
    signal,
    onInterrupt,
    server,
    token: async () => {
      const source = await tokenSource(context, server, options.token)
      if (source.kind === 'signed-in') return source.current()
      return source.kind === 'none' ? undefined : source.token
    },
    tokenSource: () => tokenSource(context, server, options.token),
    client: async () => {
      if (client) return client
      const source = await tokenSource(context, server, options.token)
      if (source.kind === 'none' && !isLoopback(server))
        throw new CommandFailure(`reins has no token for ${server}.`, {
          next:
            'Sign in with reins auth login, or give a token with --token or REINS_TOKEN. ' +
            'reins sends the admin token of this machine to no other machine.',
        })
      const token = source.kind === 'given' || source.kind === 'admin' ? source.token : undefined
      if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
        throw usageFailure(
          'The token contains a character that no token has.',
          'Copy the token again: it is one line of visible characters.',
        )
      const sent = source.kind === 'signed-in' ? source.current : token
      client = context.connect({ baseUrl: server, ...(sent === undefined ? {} : { token: sent }) })
      return client
    },
    print,
    hint: (text) => print(asTyped(text, context.env.typed)),
    printJson: (value) => print(plainJson(JSON.stringify(value, null, 2))),
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw usageFailure(
      `"${withoutCredentials(text)}" is not the address of a server.`,
      `Give one that begins with http:// or https://, such as --server ${defaultServer}`,
    )
  if (holdsCredentials(text))
    throw usageFailure(
      `The address of the server, ${withoutCredentials(text)}, holds a user name or a password.`,
      'Leave them out of the address. Reins knows people by their token: give it with --token or REINS_TOKEN.',
    )
  return text.replace(/\/+$/, '')
}
