// The MCP servers of definitions, for a tool-runner: what they have, for a session's log; and calls of their tools.
//   M1. Nothing here rejects: a server that is not there is an answer, with a reason.
//   M2. A call is sent once. It is sent again only where the server cannot have begun it (a token that was refused, a connection that was
//       gone before), or where it may run again.
//   M3. The reason names the server, what happened, and what a person can do.
import {
  type AgentDefinition,
  mcpServers,
  type ResolvedMcpServer,
  type ServerAnswer,
  type ServerTool,
} from '@reins/contracts'
import {
  type AskPerson,
  answered,
  type CallContext,
  type OfferedTool,
  type ToolErrorCode,
  type ToolOutcome,
  type ToolSource,
  type ToolSpec,
} from '@reins/tools'
import { connect, type Ends, type Wanted } from './connect.ts'
import type { Asked, Connection, ServerInfo } from './connection.ts'
import { elicitationsIn, urlElicitationRequired } from './calls/elicitation.ts'
import type { Failure } from './failures.ts'
import { type ListedTool, ownTool } from './listed-tools.ts'
import { Pool, type PoolOptions } from './pool.ts'
import { listText, outcomeOf } from './calls/results.ts'
import { isObject } from './tool-schema.ts'

export type Secret = (name: string) => Promise<string>

export interface Discovery {
  readonly definition: AgentDefinition
  /** For whom: connections are shared by the sessions of one. */
  readonly principal: string
  readonly secret: Secret
}

/** What a server says of itself, for people who try it. */
export interface ServerReport {
  readonly answer: ServerAnswer
  readonly info?: ServerInfo
  /** Where it is, without what is secret. */
  readonly at: string
}

export type ServerTools =
  | { readonly kind: 'offered'; readonly tools: readonly OfferedTool<ToolSource>[] }
  | { readonly kind: 'unavailable'; readonly outcome: ToolOutcome }

/** Characters of all that is pinned at once: an event has room in a frame. */
const allToolsChars = 600_000

export class McpServers {
  readonly #pool: Pool
  readonly #ends: Ends
  readonly #now: () => number
  #changed: (connection: Connection) => void = () => undefined

  constructor(options: PoolOptions) {
    this.#pool = new Pool(options)
    this.#ends = options
    this.#now = options.now
  }

  /** Whoever makes it closes it. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  /** `known`: digests of what a session has pinned, by server; what is the same is not said again. */
  async discover(asked: Discovery, known: Readonly<Record<string, string>>): Promise<readonly ServerAnswer[]> {
    const answers = await Promise.all(mcpServers(asked.definition).map((server) => this.#ask(server, asked)))
    let room = allToolsChars
    return answers.map(({ answer }): ServerAnswer => {
      if (answer.status === 'unavailable') return answer
      if (known[answer.server] === answer.digest)
        return { server: answer.server, status: 'ready', digest: answer.digest, ...took(answer) }
      const size = JSON.stringify(answer).length
      if (size > room)
        return {
          server: answer.server,
          status: 'unavailable',
          reason: `the tools of all servers together are described in more than ${allToolsChars} characters. Choose some with tools: {allow: […]}.`,
        }
      room -= size
      return answer
    })
  }

  /** As `discover`, for people: over connections of its own, with what each server says of itself. */
  report({ definition, secret }: Discovery): Promise<readonly ServerReport[]> {
    const agent = definition.name
    return Promise.all(
      mcpServers(definition).map((server) =>
        this.#said(
          server,
          () => connect(this.#ends, { server, agent, secret }),
          (connection) => void connection.close(),
        ),
      ),
    )
  }

  /** Called when a server has said that its tools changed. */
  onChanged(listener: (principal: string, server: string) => void): void {
    this.#changed = (connection) => {
      for (const principal of this.#principals.get(connection) ?? []) listener(principal, connection.server.name)
    }
  }
  /** Called when a server has said that a person is done with a page. The id is the server's. */
  onElicitationCompleted(listener: (principal: string, server: string, elicitation: string) => void): void {
    this.#completed = (connection, elicitation) => {
      for (const principal of this.#principals.get(connection) ?? [])
        listener(principal, connection.server.name, elicitation)
    }
  }
  #completed: (connection: Connection, elicitation: string) => void = () => undefined

  readonly #principals = new WeakMap<Connection, Set<string>>()

  #ask(server: ResolvedMcpServer, asked: Discovery): Promise<ServerReport> {
    return this.#said(
      server,
      () => this.#connection(server, asked),
      (connection, listed) => {
        if (!listed) this.#pool.drop(connection)
      },
    )
  }

  /** `done`: whoever opened the connection does with it what they want; `listed`: it has said what it has. */
  async #said(
    server: ResolvedMcpServer,
    open: () => Promise<Asked<Connection>>,
    done: (connection: Connection, listed: boolean) => void,
  ): Promise<ServerReport> {
    const since = this.#now()
    const at = placeOf(server)
    const spent = () => ({ took: Math.max(0, Math.round(this.#now() - since)) })
    const unavailable = (failure: Failure): ServerReport => ({
      at,
      answer: { server: server.name, status: 'unavailable', reason: reasonOf(failure, server), ...spent() },
    })
    const opened = await open()
    if (opened.kind === 'failed') return unavailable(opened.failure)
    const connection = opened.value
    const { info } = connection
    const listed = await connection.list()
    done(connection, listed.kind === 'answered')
    if (listed.kind === 'failed') return unavailable(listed.failure)
    const { tools, digest, notes } = listed.value
    return {
      at,
      info,
      answer: {
        server: server.name,
        status: 'ready',
        digest,
        tools: tools.map(pinnable),
        ...(notes.length > 0 ? { notes: [...notes] } : {}),
        ...spent(),
      },
    }
  }

  async #connection(server: ResolvedMcpServer, { definition, principal, secret }: Discovery) {
    const wanted: Wanted = { server, agent: definition.name, secret }
    const opened = await this.#pool.connection(principal, wanted)
    if (opened.kind === 'answered') this.#watch(opened.value, principal)
    return opened
  }

  #watch(connection: Connection, principal: string): void {
    const known = this.#principals.get(connection)
    if (known) {
      known.add(principal)
      return
    }
    this.#principals.set(connection, new Set([principal]))
    connection.onChanged(() => this.#changed(connection))
    connection.onElicitationCompleted((elicitation) => this.#completed(connection, elicitation))
  }

  /** The server that a tool of this name belongs to; undefined: none. */
  serverOf(definition: AgentDefinition, name: string): ResolvedMcpServer | undefined {
    return mcpServers(definition).find((server) => name.startsWith(`mcp__${server.name}__`))
  }

  /** The tools of one server as they can be called now. */
  async tools(server: ResolvedMcpServer, asked: Discovery): Promise<ServerTools> {
    const opened = await this.#connection(server, asked)
    if (opened.kind === 'failed') return unavailable(server, opened.failure)
    const listed = await opened.value.list()
    if (listed.kind === 'failed') {
      this.#pool.drop(opened.value)
      return unavailable(server, listed.failure)
    }
    return {
      kind: 'offered',
      tools: listed.value.tools.map((tool) => ({
        spec: specOf(tool, server),
        source: this.#source(server, asked, tool),
      })),
    }
  }

  #source(server: ResolvedMcpServer, asked: Discovery, tool: ListedTool): ToolSource {
    return {
      name: `mcp:${server.name}`,
      list: () => ({ kind: 'listed', tools: [specOf(tool, server)] }),
      run: ({ arguments: args }, context) => this.#run(server, asked, tool, isObject(args) ? args : {}, context),
    }
  }

  /** M2. */
  async #run(
    server: ResolvedMcpServer,
    asked: Discovery,
    tool: ListedTool,
    args: Readonly<Record<string, unknown>>,
    context: CallContext,
  ): Promise<ToolOutcome> {
    const request = requestOf(server.name, tool, args)
    for (let attempt = 1; ; attempt++) {
      const opened = await this.#connection(server, asked)
      if (opened.kind === 'failed') return unavailable(server, opened.failure).outcome
      const connection = opened.value
      const done = await this.#send(connection, request, context, attempt)
      if (done.kind === 'answered') return this.#outcome(done.value, tool, server, context)
      const { failure } = done
      if (context.signal.aborted) throw context.signal.reason
      if (failure.kind === 'refused' && failure.code === urlElicitationRequired && attempt === 1 && context.elicit) {
        const asked = elicitationsIn(failure.data, server.name)
        // Its answer repeats the call, as an attempt of its own: nothing comes back here.
        connection.awaits(asked.flatMap((one) => (one.mode === 'url' ? [one.id] : [])))
        if (asked.length > 0) await context.elicit({ nothingRan: true, asked }, context.signal)
      }
      if (failure.kind === 'refused')
        return answered(
          [{ type: 'text', text: `The server ${server.name} refused the call: ${failure.message} (${failure.code})` }],
          'failed',
        )
      if (connection.closed || failure.kind === 'session-unknown' || failure.kind === 'unauthorized')
        this.#pool.drop(connection)
      const notBegun = failure.kind === 'unauthorized' || failure.kind === 'unreachable'
      if (attempt === 1 && failure.kind !== 'late' && (notBegun || tool.replay === 'safe')) continue
      return answered(
        [{ type: 'text', text: `${reasonOf(failure, server)} ${effectOf(failure, tool)}`.trim() }],
        codeOf(failure, tool),
      )
    }
  }

  #send(connection: Connection, { method, params, all }: Request, context: CallContext, sent: number) {
    const { signal, progress, elicit: ask, traceparent } = context
    const traced = traceparent === undefined ? params : { ...params, _meta: { traceparent } }
    const elicit: AskPerson | undefined =
      ask && ((question, until) => ask(question.nothingRan ? question : { ...question, sent }, until))
    return all === undefined
      ? connection.call(method, traced, {
          signal,
          withinMs: elicit ? Number.POSITIVE_INFINITY : connection.server.callMs + 10_000,
          progress,
          elicit,
        })
      : connection
          .all(method, all, signal)
          .then((found) => (found.kind === 'answered' ? { ...found, value: { [all]: found.value.entries } } : found))
  }

  async #outcome(
    result: Readonly<Record<string, unknown>>,
    tool: ListedTool,
    server: ResolvedMcpServer,
    { keep }: CallContext,
  ) {
    const bounds = { keep, maxOutputChars: server.maxOutputChars }
    const own = tool.tool === undefined ? ownTool(server.name, tool.name) : null
    switch (own) {
      case 'read_resource': {
        const contents = Array.isArray(result.contents) ? result.contents : []
        return outcomeOf({ content: contents.map((resource) => ({ type: 'resource', resource })) }, undefined, bounds)
      }
      case 'list_resources':
        return outcomeOf(
          {
            content: [
              {
                type: 'text',
                text: listText(entriesOf(result.resources), [
                  'uri',
                  'name',
                  'title',
                  'description',
                  'mimeType',
                  'size',
                ]),
              },
            ],
          },
          undefined,
          bounds,
        )
      case 'list_prompts':
        return outcomeOf(
          {
            content: [
              {
                type: 'text',
                text: listText(entriesOf(result.prompts), ['name', 'title', 'description', 'arguments']),
              },
            ],
          },
          undefined,
          bounds,
        )
      case 'get_prompt': {
        const messages = Array.isArray(result.messages) ? result.messages.filter(isObject) : []
        return outcomeOf({ content: messages.map(({ content }) => content) }, undefined, bounds)
      }
      default:
        return outcomeOf(result, tool.outputSchema, bounds)
    }
  }
}

const entriesOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const took = (answer: ServerAnswer): { took?: number } => (answer.took === undefined ? {} : { took: answer.took })
const pinnable = ({ outputSchema: _, ...tool }: ListedTool): ServerTool => tool

const specOf = (tool: ListedTool, server: ResolvedMcpServer): ToolSpec => ({
  name: tool.name,
  description: tool.description,
  parameters: tool.parameters,
  replay: tool.replay,
  risk: tool.risk,
  time: { keptBy: 'runner', ms: server.callMs, graceMs: 5_000, hint: lateHint(tool, server) },
})

const lateHint = ({ replay }: ListedTool, { name }: ResolvedMcpServer): string =>
  `the server ${name} did not answer in time.${replay === 'safe' ? '' : ' The call may or may not have taken effect: check before you repeat it.'} Its "timeout" in the agent's definition gives it more`

interface Request {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  /** The list that is asked for whole. */
  readonly all?: string
}

function requestOf(server: string, tool: ListedTool, args: Readonly<Record<string, unknown>>): Request {
  if (tool.tool !== undefined) return { method: 'tools/call', params: { name: tool.tool, arguments: args } }
  switch (ownTool(server, tool.name)) {
    case 'read_resource':
      return { method: 'resources/read', params: { uri: String(args.uri ?? '') } }
    case 'list_prompts':
      return { method: 'prompts/list', params: {}, all: 'prompts' }
    case 'get_prompt':
      return {
        method: 'prompts/get',
        params: { name: String(args.name ?? ''), arguments: isObject(args.arguments) ? args.arguments : {} },
      }
    default:
      return { method: 'resources/list', params: {}, all: 'resources' }
  }
}

function unavailable(server: ResolvedMcpServer, failure: Failure): Extract<ServerTools, { kind: 'unavailable' }> {
  const text = `Not run. The MCP server "${server.name}" is not available: ${reasonOf(failure, server)}`
  return { kind: 'unavailable', outcome: answered([{ type: 'text', text }], 'failed') }
}

/** M3. */
export function reasonOf(failure: Failure, server: ResolvedMcpServer): string {
  const at = placeOf(server)
  switch (failure.kind) {
    case 'unauthorized': {
      const bearer = server.at.kind === 'http' ? server.at.bearer : null
      return bearer === null
        ? `${at} wants a token (401). Give the server auth: bearer and a secret in the agent's definition.`
        : `${at} refuses the token of the secret ${bearer} (401). Set it anew: reins secret set ${bearer}`
    }
    case 'session-unknown':
      return `${at} has forgotten the connection, because it was started again.`
    case 'lost':
      return `${at}: ${failure.why}.`
    case 'late':
      return `${at} did not answer in time.`
    case 'refused':
      return `${at} answered with an error: ${failure.message}`
    case 'unreachable':
      return `${at}: ${failure.why}.`
    default:
      return failure satisfies never
  }
}

/** Without what may be secret: no query, no arguments. */
function placeOf({ at }: ResolvedMcpServer): string {
  if (at.kind === 'stdio') return `the command ${at.command}`
  const { origin, pathname } = new URL(at.url)
  return `${origin}${pathname}`
}

/** What a call that was not repeated may have done. */
function effectOf(failure: Failure, { replay }: ListedTool): string {
  if (failure.kind === 'session-unknown') return 'The call was not repeated. Call the tool again if it is still wanted.'
  if (failure.kind !== 'lost' && failure.kind !== 'late') return ''
  return replay === 'safe'
    ? 'The call was tried twice.'
    : 'The call may or may not have taken effect, and was not repeated: check before you repeat it.'
}

/** What went away with a call that must not run twice may have done it. */
function codeOf(failure: Failure, { replay }: ListedTool): ToolErrorCode {
  if (failure.kind === 'lost') return replay === 'safe' ? 'crashed' : 'outcome-unknown'
  return failure.kind === 'late' ? 'timeout' : 'failed'
}
