// The client: every route of the gateway as a typed call. It keeps no state but its address and token.
import type { DispatchReceipt, DispatchRequest } from '@reins/agent'
import type {
  Agent,
  AgentDefinition,
  AgentModule,
  AnswerElicitation,
  ApprovalDecided,
  ApprovalList,
  ApprovalState,
  AskedElicitationList,
  AskUsage,
  ControlAccepted,
  CreatedSession,
  CreateSession,
  ForkSession,
  DecideApproval,
  ElicitationAnswered,
  ElicitationInfo,
  ElicitationList,
  ElicitationState,
  EventPage,
  FramePage,
  GrantInfo,
  GrantList,
  GrantsRevoked,
  Health,
  McpTest,
  MessageAccepted,
  PoolInfo,
  PoolList,
  PutAgentResult,
  PutCondition,
  RaiseBudget,
  SendMessage,
  SentFile,
  SessionInfo,
  SessionList,
  SessionPrompt,
  SessionState,
  SessionTree,
  SessionErased,
  SessionUpgraded,
  TreeStop,
  TurnResult,
  UpgradeSession,
  UsageReport,
} from '@reins/contracts'
import { ReinsError } from '@reins/contracts/errors'
import { localFetch } from '#fetch'
import { type AccessCalls, accessCalls } from './access.ts'
import { answers, type Form } from './answers.ts'
import { type FollowItem, type FollowOptions, follow } from './follow.ts'
import { boundedBytes, mostAnswerBytes } from './transport/bounded.ts'
import { isLoopback } from './transport/loopback.ts'
import { withoutCredentials } from './transport/shown-url.ts'
import { type MemoryCalls, memoryCalls } from './memory.ts'
import { allPages } from './pages.ts'
import { type SignInCalls, signInCalls } from './sign-in.ts'
import {
  createTransport,
  type Fetch,
  keyHeader,
  type TokenOf,
  unreachable,
  type WriteOptions,
} from './transport/transport.ts'
import { type ProjectCalls, projectCalls } from './projects/projects.ts'
import { dispatch } from './projects/dispatch.ts'
import { type RunCalls, runCalls } from './projects/runs.ts'
import { type ConfigCalls, configCalls, type SecretCalls, secretCalls } from './values.ts'
import { type WebhookCalls, webhookCalls } from './webhooks.ts'

export interface ClientOptions {
  /** http://127.0.0.1:7420 */
  readonly baseUrl: string
  /** A function is asked before each request: for tokens that are refreshed. It rejects with a ReinsError. */
  readonly token?: TokenOf
  /** Default: the platform's; to this machine itself never through a proxy. */
  readonly fetch?: Fetch
  /** ms of silence after which a followed stream is given up and opened again. Default 45 000: three heartbeats. */
  readonly silenceMs?: number
  /** ms in which a request is answered, but for those that wait for the end of a turn. Default 60 000. */
  readonly answerWithinMs?: number
  /** How a follower waits between attempts; for tests. Default: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** `files`: bundles of the code that the definition names, by the paths that it has for them. */
export type AgentSource = ({ readonly definition: AgentDefinition } | { readonly yaml: string }) & {
  readonly files?: readonly SentFile[]
}

type Control = (id: string, options?: WriteOptions) => Promise<ControlAccepted>

/** Every call throws ReinsError: what the server answered, or `unavailable` where nobody does. */
export interface Client {
  readonly agents: {
    put(name: string, source: AgentSource, condition?: PutCondition): Promise<PutAgentResult>
    get(name: string): Promise<Agent>
    /** All that have a definition. */
    list(): Promise<readonly Agent[]>
    /** All that are modules of projects. */
    modules(): Promise<readonly AgentModule[]>
    /** `force`: also where other agents list it. */
    delete(name: string, options?: { readonly ifMatch?: string; readonly force?: boolean }): Promise<void>
    /** Connects to the agent's MCP servers: what each says, and how long it took. */
    testMcp(name: string): Promise<McpTest>
  }
  readonly access: AccessCalls
  readonly projects: ProjectCalls
  readonly runs: RunCalls
  /**
   * Gives an instance of an agent work, and waits for no answer. It resolves when the work is stored; work of one session is done in the
   * order of its acceptance. The same key gives the same receipt; ReinsError idempotency_conflict with another input.
   */
  dispatch(request: DispatchRequest, options?: Pick<WriteOptions, 'signal'>): Promise<DispatchReceipt>
  readonly secrets: SecretCalls
  readonly configs: ConfigCalls
  readonly webhooks: WebhookCalls
  readonly memory: MemoryCalls
  readonly sessions: {
    create(body: CreateSession, options?: WriteOptions): Promise<CreatedSession>
    /** As `create` with a message, and answers when its turn has ended; `cursor` lies behind it then. */
    createAndWait(body: CreateSession, options?: WriteOptions): Promise<CreatedSession & Pick<TurnResult, 'turn'>>
    /** `tree`: a session, for it and all that belong to its delegation tree. */
    list(query?: {
      agent?: string
      status?: string
      tree?: string
      /** Those that were erased alone. */
      erased?: true
      limit?: number
      after?: string
    }): Promise<SessionList>
    get(id: string): Promise<SessionInfo>
    /** The whole tree that a session belongs to: how each session of it stands, and what its branch used. */
    tree(id: string): Promise<SessionTree>
    /** What its latest cancel, or its pause with all below it, has come to. `wait`: when all have stopped, or after a minute. */
    stop(id: string, query?: { wait?: boolean }): Promise<TreeStop | null>
    /** The folded state behind a cursor; without one at the end. */
    state(id: string, at?: string): Promise<SessionState>
    send(id: string, body: SendMessage, options?: WriteOptions): Promise<MessageAccepted>
    /** Answers when the turn that holds the message has ended; ReinsError timed_out names where to read on. */
    sendAndWait(id: string, body: SendMessage, options?: WriteOptions): Promise<TurnResult>
    /** One page of what is there. */
    events(id: string, query?: { after?: string; limit?: number; tree?: boolean }): Promise<EventPage>
    /** What the model was sent in a call: the latest one, unless another is named. ReinsError call_not_found. */
    prompt(id: string, query?: { call?: string; attempt?: number }): Promise<SessionPrompt>
    /** Frames with their hashes, above a sequence: for audits. */
    frames(id: string, query?: { after?: number; limit?: number }): Promise<FramePage>
    /**
     * A page of a whole output that a tool made: by its ref, or by the id of its call. At most `limit` bytes (1 MiB) from `offset` on;
     * `size` is that of the whole. ReinsError output_not_found where it is not kept any more.
     */
    output(id: string, named: string, query?: { offset?: number; limit?: number }): Promise<OutputPage>
    /** History and then what comes, reconnecting for ever; ends with the signal, throws what cannot get better. */
    follow(id: string, options?: FollowOptions): AsyncIterable<FollowItem>
    readonly cancel: Control
    /** `tree`: with every session below that works. */
    pause(id: string, options?: WriteOptions & { readonly tree?: boolean }): Promise<ControlAccepted>
    readonly resume: Control
    readonly release: Control
    readonly end: Control
    /** The model is sent a summary of what came before the newest messages. Nothing to leave out: session_conflict. */
    readonly compact: Control
    /** Undoes the latest compaction. Nothing to undo: session_conflict. */
    readonly restore: Control
    /** Raises limits of the budget; where the latest turn has ended for it, the session goes on. Needs budget:raise. */
    raiseBudget(id: string, raise: RaiseBudget, options?: WriteOptions): Promise<ControlAccepted>
    /** A new session goes on behind a frame of this one: at rest, or with a message. `session.forkedFrom` names the frame. */
    fork(id: string, request?: ForkSession, options?: WriteOptions): Promise<CreatedSession>
    /** With a message, or `again`: answers when its turn has ended. */
    forkAndWait(
      id: string,
      request: ForkSession,
      options?: WriteOptions,
    ): Promise<CreatedSession & Pick<TurnResult, 'turn'>>
    /** The version that its agent has now, from the next turn on. What would break: session_conflict, unless with force. */
    /** Erases a session that has ended, and all below it. Memory carries it out; `get` says when it is done (`erased.completed`). */
    erase(id: string, options?: WriteOptions): Promise<SessionErased>
    upgrade(id: string, request?: UpgradeSession, options?: WriteOptions): Promise<SessionUpgraded>
  }
  readonly approvals: {
    /** Calls that wait, from an index that may be some moments old. Default: those that wait now. */
    list(query?: {
      state?: ApprovalState | 'all'
      agent?: string
      session?: string
      /** A session: what waits in all of its delegation tree. */
      tree?: string
      limit?: number
      after?: string
    }): Promise<ApprovalList>
    decide(session: string, call: string, decision: DecideApproval, options?: WriteOptions): Promise<ApprovalDecided>
    grants(session: string): Promise<readonly GrantInfo[]>
    /** Without `grant` all of them. */
    revoke(session: string, grant?: string, options?: WriteOptions): Promise<GrantsRevoked>
  }
  readonly elicitations: {
    /** What servers ask people in a session now. */
    list(session: string): Promise<readonly ElicitationInfo[]>
    /** In all sessions, from an index that may be some moments old. Default: what waits now. */
    listAll(query?: {
      state?: ElicitationState | 'all'
      agent?: string
      session?: string
      /** A session: what waits in all of its delegation tree. */
      tree?: string
      limit?: number
      after?: string
    }): Promise<AskedElicitationList>
    answer(
      session: string,
      elicitation: string,
      answer: AnswerElicitation,
      options?: WriteOptions,
    ): Promise<ElicitationAnswered>
  }
  /** What sessions have used, from an index that may be some moments old. Default: by agent, of all time. */
  usage(query?: Partial<Omit<AskUsage, 'only'>>): Promise<UsageReport>
  pools(): Promise<readonly PoolInfo[]>
  health(): Promise<Health>
  readonly signIn: SignInCalls
}

export interface OutputPage {
  readonly ref: string
  readonly bytes: Uint8Array
  readonly size: number
}

/** The longest time in which a server may connect, tried in two ways, and some. */
/** A page of one, 8 MiB at most. */
const outputWithinMs = 60_000
const mcpTestWithinMs = 260_000

export function createClient(options: ClientOptions): Client {
  const { baseUrl, token } = options
  const fetch = options.fetch ?? fetchFor(baseUrl)
  const transport = createTransport(baseUrl, token, fetch, options.answerWithinMs ?? 60_000)
  const get = <T>(
    path: string,
    form: Form,
    query: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ) => transport.json<T>({ method: 'GET', path, query }, form)
  const post = <T>(path: string, form: Form, body: unknown, write: WriteOptions = {}, query = {}) =>
    transport.json<T>(
      {
        ...{ method: 'POST', path, body, query, headers: keyHeader(write), signal: write.signal },
        patient: 'wait' in query,
      },
      form,
    )
  const agent = (name: string) => `/v1/agents/${encodeURIComponent(name)}`
  const session = (id: string, rest = '') => `/v1/sessions/${encodeURIComponent(id)}${rest}`
  const control =
    (verb: string): Control =>
    (id, write) =>
      post(session(id, `/${verb}`), answers.controlAccepted, undefined, write)
  const wait = { wait: 'turn' }

  return {
    agents: {
      put: (name, source, condition = { kind: 'apply' }) =>
        transport.json(
          {
            method: 'PUT',
            path: agent(name),
            headers: conditionHeaders(condition),
            ...agentBody(source),
          },
          answers.agentPut,
        ),
      get: async (name) => (await get<{ agent: Agent }>(agent(name), answers.agent)).agent,
      list: () =>
        allPages(async (after) => {
          const { agents, next } = await get<{ agents: Agent[]; next?: string }>('/v1/agents', answers.agents, {
            limit: 500,
            after,
          })
          return { items: agents, next }
        }),
      modules: async () => {
        const query = { limit: 1 }
        const { modules } = await get<{ modules?: readonly AgentModule[] }>('/v1/agents', answers.agents, query)
        return modules ?? []
      },
      async delete(name, { ifMatch, force } = {}) {
        const headers: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }
        const query = force ? { query: { force: 'true' } } : {}
        await transport.json({ method: 'DELETE', path: agent(name), headers, ...query }, answers.anything)
      },
      testMcp: (name) =>
        transport.json({ method: 'POST', path: `${agent(name)}/mcp-test`, withinMs: mcpTestWithinMs }, answers.mcpTest),
    },
    access: accessCalls(transport),
    secrets: secretCalls(transport),
    projects: projectCalls(transport),
    runs: runCalls(transport),
    dispatch: (request, options) => dispatch(transport, request, options),
    configs: configCalls(transport),
    webhooks: webhookCalls(transport),
    memory: memoryCalls(transport),
    sessions: {
      create: (body, write) => post('/v1/sessions', answers.sessionCreated, body, write),
      createAndWait: (body, write) => post('/v1/sessions', answers.sessionCreated, body, write, wait),
      list: (query) => get('/v1/sessions', answers.sessions, query),
      get: (id) => get(session(id), answers.session),
      tree: (id) => get(session(id, '/tree'), answers.tree),
      stop: async (id, query) => (await get<{ stop: TreeStop | null }>(session(id, '/stop'), answers.stop, query)).stop,
      state: (id, at) => get(session(id, '/state'), answers.state, { at }),
      send: (id, body, write) => post(session(id, '/messages'), answers.messageAccepted, body, write),
      sendAndWait: (id, body, write) => post(session(id, '/messages'), answers.turn, body, write, wait),
      events: (id, query) => get(session(id, '/events'), answers.events, query),
      prompt: (id, query) => get(session(id, '/prompt'), answers.prompt, query),
      frames: (id, query) => get(session(id, '/frames'), answers.frames, query),
      output: async (id, named, query) => {
        const response = await transport.open({
          method: 'GET',
          path: session(id, `/outputs/${encodeURIComponent(named)}`),
          headers: { accept: 'text/plain' },
          signal: AbortSignal.timeout(outputWithinMs),
          ...(query === undefined ? {} : { query }),
        })
        const bytes = await boundedBytes(response, mostAnswerBytes, withoutCredentials(baseUrl)).catch(
          (error: unknown) => {
            throw error instanceof ReinsError ? error : unreachable(baseUrl, error)
          },
        )
        const { headers } = response
        const size = Number(headers.get('reins-output-bytes') ?? bytes.length)
        return { ref: headers.get('reins-output-ref') ?? named, bytes, size }
      },
      follow: (id, how = {}) =>
        follow({ transport, baseUrl, silenceMs: options.silenceMs ?? 45_000, wait: options.wait ?? pause }, id, how),
      cancel: control('cancel'),
      pause: (id, { tree, ...write } = {}) =>
        post(session(id, '/pause'), answers.controlAccepted, undefined, write, tree ? { tree } : {}),
      resume: control('resume'),
      release: control('release'),
      end: control('end'),
      compact: control('compact'),
      restore: control('restore'),
      fork: (id, request = {}, write) => post(session(id, '/fork'), answers.sessionCreated, request, write),
      forkAndWait: (id, request, write) => post(session(id, '/fork'), answers.sessionCreated, request, write, wait),
      erase: (id, write = {}) =>
        transport.json(
          { ...{ method: 'DELETE', path: session(id), headers: keyHeader(write), signal: write.signal } },
          answers.sessionErased,
        ),
      upgrade: (id, request = {}, write) => post(session(id, '/upgrade'), answers.sessionUpgraded, request, write),
      raiseBudget: (id, raise, write) => post(session(id, '/budget'), answers.controlAccepted, raise, write),
    },
    approvals: {
      list: (query) => get('/v1/approvals', answers.approvals, query),
      decide: (id, call, decision, write) =>
        post(session(id, `/approvals/${encodeURIComponent(call)}`), answers.approvalDecided, decision, write),
      grants: async (id) => (await get<GrantList>(session(id, '/grants'), answers.grants)).grants,
      revoke: (id, grant, write = {}) =>
        transport.json(
          {
            ...{ method: 'DELETE', path: session(id, '/grants'), headers: keyHeader(write), signal: write.signal },
            ...(grant === undefined ? {} : { query: { grant } }),
          },
          answers.grantsRevoked,
        ),
    },
    elicitations: {
      list: async (id) => (await get<ElicitationList>(session(id, '/elicitations'), answers.elicitations)).elicitations,
      listAll: (query) => get('/v1/elicitations', answers.askedElicitations, query),
      answer: (id, elicitation, answer, write) =>
        post(
          session(id, `/elicitations/${encodeURIComponent(elicitation)}`),
          answers.elicitationAnswered,
          answer,
          write,
        ),
    },
    usage: (query) => get('/v1/usage', answers.usage, { ...query }),
    pools: async () => (await get<PoolList>('/v1/pools', answers.pools)).pools,
    health: () => get('/health', answers.health),
    signIn: signInCalls(transport),
  }
}

function agentBody(source: AgentSource): { readonly body: unknown; readonly contentType?: string } {
  if (source.files !== undefined && source.files.length > 0) return { body: source }
  return 'yaml' in source ? { body: source.yaml, contentType: 'application/yaml' } : { body: source.definition }
}

/** How requests to a server leave: to this machine itself never through a proxy. */
export const fetchFor = (baseUrl: string): Fetch => (isLoopback(baseUrl) ? localFetch : platformFetch)

const platformFetch: Fetch = (input, init) => globalThis.fetch(input, init)

function conditionHeaders(condition: PutCondition): Record<string, string> {
  switch (condition.kind) {
    case 'create':
      return { 'if-none-match': '*' }
    case 'update':
      return { 'if-match': `"${condition.digest}"` }
    case 'apply':
      return {}
    default:
      return condition satisfies never
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
