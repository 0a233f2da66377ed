// From a server's entry in a definition to a connection: secrets resolved, transport chosen, everything within its time.
//   O1. Secrets are resolved for each connection anew, at the process that connects.
//   O2. A server that does not take the streamable transport is an old one: its address is tried with SSE (MCP, backwards compatibility).
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type ResolvedMcpServer, secretIn } from '@reins/contracts'
import type { Sandbox, Workplace } from '@reins/tools'
import { type Asked, Connection } from './connection.ts'
import { oneLine } from './foreign-text.ts'
import { type Fetch, foreignFetch } from './transports/foreign-fetch.ts'
import { HttpTransport } from './transports/http-transport.ts'
import { replyTurns } from './transports/reply-turns.ts'
import { StdioTransport } from './transports/stdio-transport.ts'

export interface Ends {
  readonly sandbox: Sandbox
  /** The folder of an agent's commands, and what is closed to them; rejects with what is wrong with it. */
  workplaceOf(agent: string, workspace: string | null): Promise<Workplace>
  /** Whether a person can be asked in the middle of a call: servers are told so. */
  readonly asksPeople: boolean
}

export interface Wanted {
  readonly server: ResolvedMcpServer
  readonly agent: string
  readonly secret: (name: string) => Promise<string>
}

export async function connect(ends: Ends, wanted: Wanted): Promise<Asked<Connection>> {
  const { server } = wanted
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new Error('late')), server.connectMs)
  try {
    return server.at.kind === 'http'
      ? await overHttp(ends, wanted, server.at, deadline.signal)
      : await overStdio(ends, wanted, server.at, deadline.signal)
  } catch (error) {
    // A secret, or a folder, that is not there.
    return {
      kind: 'failed',
      failure: { kind: 'unreachable', why: oneLine(error instanceof Error ? error.message : String(error)) },
    }
  } finally {
    clearTimeout(timer)
  }
}

type At<K extends ResolvedMcpServer['at']['kind']> = Extract<ResolvedMcpServer['at'], { kind: K }>

async function overHttp(
  ends: Ends,
  { server, secret }: Wanted,
  at: At<'http'>,
  signal: AbortSignal,
): Promise<Asked<Connection>> {
  const url = new URL(at.url)
  const headers = new Headers(await resolved(at.headers, secret))
  if (at.bearer !== null) headers.set('authorization', `Bearer ${(await secret(at.bearer)).trim()}`)
  let status = 0
  const fetch: Fetch = async (to, init) => {
    const own = new Headers(init?.headers)
    for (const [name, value] of headers) own.set(name, value)
    const response = await foreignFetch(to, { ...init, headers: own })
    status = response.status
    return response
  }
  const options = { signal, withinMs: server.connectMs, asks: ends.asksPeople }
  const opened = await Connection.open(server, new HttpTransport(url, fetch), 'http', options)
  if (opened.kind === 'answered' || signal.aborted || !isOld(status)) return opened
  const old = new SSEClientTransport(url, { fetch, eventSourceInit: { fetch } })
  const fallback = await Connection.open(server, inTurns(closesOnError(old)), 'sse', options)
  // What the first way met is nearer to what the definition asks for.
  return fallback.kind === 'answered' ? fallback : opened
}

/** O2. */
const isOld = (status: number): boolean => status >= 400 && status < 500 && ![401, 403, 429].includes(status)

/** A stream that broke off has lost its session, and with it all answers: the connection is over. */
/** RT1 of reply-turns.ts. */
function inTurns(transport: SSEClientTransport): SSEClientTransport {
  const send = transport.send.bind(transport)
  const replies = replyTurns()
  transport.send = (message) => ('method' in message ? send(message) : replies.take(() => send(message)))
  return transport
}

function closesOnError(transport: SSEClientTransport): SSEClientTransport {
  const start = transport.start.bind(transport)
  transport.start = async () => {
    await start()
    const told = transport.onerror
    transport.onerror = (error) => {
      told?.(error)
      if (!(error instanceof StreamableHTTPError) && 'event' in error) void transport.close()
    }
  }
  return transport
}

async function overStdio(
  ends: Ends,
  { server, agent, secret }: Wanted,
  at: At<'stdio'>,
  signal: AbortSignal,
): Promise<Asked<Connection>> {
  const { folder: workspace, guard } = await ends.workplaceOf(agent, at.workspace)
  const transport = new StdioTransport(ends.sandbox, {
    argv: [at.command, ...at.args],
    ...{ workspace, guard },
    network: at.network,
    env: await resolved(at.env, secret),
  })
  const opened = await Connection.open(server, transport, 'stdio', {
    signal,
    withinMs: server.connectMs,
    asks: ends.asksPeople,
  })
  if (opened.kind === 'answered' || opened.failure.kind === 'refused') return opened
  const why = transport.ended === '' || transport.ended === 'it was closed' ? null : transport.ended
  const said = saidOn(transport.stderr)
  if (why === null && opened.failure.kind !== 'late') return opened
  return {
    kind: 'failed',
    failure: {
      kind: 'unreachable',
      why: `${why ?? `it said nothing within ${server.connectMs / 1000} s`}${aboutNetwork(ends.sandbox, at)}${said === '' ? '' : `. It wrote: ${said}`}`,
    },
  }
}

/** Programs that download what they are told to run, if it is not installed. */
const downloaders = new Set(['npx', 'npm', 'pnpm', 'yarn', 'bunx', 'uvx', 'uv', 'pipx', 'deno'])

/** What does not start may be missing the network. */
function aboutNetwork({ networkAllowed }: Sandbox, { network, command }: At<'stdio'>): string {
  if (network) return networkAllowed ? '' : ' (it asks for the network, which the operator does not allow)'
  const program = command.split('/').at(-1) ?? ''
  return downloaders.has(program)
    ? ` (${program} can download nothing here: install the server in the folder of the command, or give it network: true)`
    : ''
}

/** The line that names the error where there is one, and the last ones. */
function saidOn(stderr: string): string {
  const lines = stderr.trim().split('\n')
  const error = lines.slice(0, -3).find((line) => /\berror\b|Error:/i.test(line))
  return oneLine([...(error === undefined ? [] : [error]), ...lines.slice(-3)].join(' '), 300)
}

async function resolved(
  values: Readonly<Record<string, string>>,
  secret: Wanted['secret'],
): Promise<Readonly<Record<string, string>>> {
  const pairs = await Promise.all(
    Object.entries(values).map(async ([name, value]) => {
      const named = secretIn(value)
      return [name, named === null ? value : await secret(named)] as const
    }),
  )
  return Object.fromEntries(pairs)
}
