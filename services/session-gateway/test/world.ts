// A gateway on real HTTP over the in-memory journal, with the rest of the system played by the test.
import { createHash } from 'node:crypto'
import {
  type Address,
  type AgentDefinition,
  type AgentEntry,
  type Delta,
  definitionDigest,
  encodeCursor,
  type Frame,
  type Heartbeat,
  headOf,
  type Reply,
  type Role,
  type SessionEvent,
  type Status,
  type PrincipalEntry,
  type ProjectEntry,
  type RoleEntry,
  type TokenEntry,
  toLog,
  type VersionEntry,
} from '@reins/contracts'
import {
  createMemoryJournal,
  decodeEntry,
  encodeEntry,
  type IdempotencyCreated,
  type IdempotencyEntry,
  type IdempotencyStore,
  type MemoryFaults,
} from '@reins/journal'
import { Metrics, silentLog } from '@reins/telemetry'
import { defaultLimits, type GatewayConfig, type Limits, type RunningGateway, start } from '../src/index.ts'

export const token = 'test-token'
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

export const definition: AgentDefinition = {
  name: 'helper',
  model: 'scripted/echo',
  system_prompt: 'You help.',
  tools: ['files'],
  affinity: { browser: 'true' },
}

/** Entries are kept as text: what does not survive a bucket must not survive here. */
export class MemoryIdempotency implements IdempotencyStore {
  readonly entries = new Map<string, string>()
  /** As after a crash between the append and the noting of its outcome. */
  forgetOutcomes = false

  async create(key: string, entry: IdempotencyEntry): Promise<IdempotencyCreated> {
    const known = this.entries.get(key)
    if (known !== undefined) {
      const kept = decodeEntry(known)
      return kept ? { kind: 'existing', entry: kept } : { kind: 'unreadable' }
    }
    this.entries.set(key, encodeEntry(entry))
    return { kind: 'created' }
  }

  async complete(key: string, entry: IdempotencyEntry): Promise<void> {
    if (!this.forgetOutcomes) this.entries.set(key, encodeEntry(entry))
  }

  async forget(key: string): Promise<void> {
    this.entries.delete(key)
  }
}

export interface WorldOptions {
  readonly limits?: Partial<Limits>
  readonly config?: Partial<GatewayConfig>
  readonly faults?: MemoryFaults
  /** Beside those of every world: the text is the key. */
  readonly tokens?: Readonly<Record<string, Partial<TokenEntry>>>
  readonly principals?: readonly PrincipalEntry[]
  readonly roles?: readonly RoleEntry[]
  readonly projects?: readonly ProjectEntry[]
  /** Beside that of `helper`, by digest. */
  readonly versions?: ReadonlyMap<string, AgentDefinition>
}

export class World {
  readonly url: string
  readonly journal
  readonly idempotency = new MemoryIdempotency()
  readonly calls: { subject: string; request: unknown }[] = []
  replies: Record<string, Reply<unknown>> = {}
  heartbeat: (service: 'executor' | 'tool-runner', heartbeat: Heartbeat) => void = () => {}
  now = 1_700_000_000_000
  readonly #gateway: RunningGateway

  static async start(options: WorldOptions = {}): Promise<World> {
    const holder: { world?: World; heartbeat?: World['heartbeat'] } = {}
    const journal = createMemoryJournal({
      clock: { now: () => holder.world?.now ?? 0 },
      ...(options.faults ? { faults: options.faults } : {}),
    })
    const idempotency = new MemoryIdempotency()
    const digest = definitionDigest(definition)
    const entry: AgentEntry = {
      ...{ name: 'helper', digest, version: 1, deleted: false, createdAt: 1, updatedAt: 2, by: 'user:admin' },
    }
    const tokens = new Map<string, TokenEntry>(
      [
        { text: token, principal: 'admin', permissions: ['*'] },
        { text: 'reader', principal: 'reader', permissions: ['sessions:read', 'agents:*'] },
      ].map(({ text, principal, permissions }) => [
        hashOf(text),
        { hash: hashOf(text), principal, permissions, revoked: false, createdAt: 1 },
      ]),
    )
    for (const [text, given] of Object.entries(options.tokens ?? {})) {
      const entry = { hash: hashOf(text), principal: text, permissions: [], revoked: false, createdAt: 1, ...given }
      tokens.set(hashOf(text), entry)
    }
    const { principals = [], roles = [] } = options
    const version: VersionEntry = { digest, at: 1, by: 'user:admin', definition }
    let random = 1
    const gateway = await start({
      host: '127.0.0.1',
      port: 0,
      allowedHosts: [],
      allowedOrigins: [],
      publicMetrics: false,
      sessions: journal.sessions,
      feed: journal.feed,
      work: journal.work,
      outputs: journal.outputs,
      registry: {
        agent: (name) => (name === 'helper' ? entry : undefined),
        codeAgent: (name) => {
          for (const project of options.projects ?? []) {
            const module = project.manifest.agents.find((one) => one.name === name)
            if (module) return { project, module }
          }
          return undefined
        },
        agentFresh: async () => undefined,
        version: async (asked) => {
          const kept = options.versions?.get(asked)
          return kept
            ? { digest: asked, at: 1, by: 'user:admin', definition: kept }
            : asked === digest
              ? version
              : undefined
        },
        token: (hash) => tokens.get(hash),
        tokens: () => [...tokens.values()],
        role: (name) => roles.find((role) => role.name === name),
        roles: () => roles,
        principal: (name) => principals.find((principal) => principal.name === name),
        principals: () => principals,
        project: (name) => options.projects?.find((project) => project.name === name),
        projects: () => options.projects ?? [],
        codeWorkflow: (name) => {
          for (const project of options.projects ?? []) {
            const module = project.manifest.workflows.find((one) => one.name === name)
            if (module) return { project, module }
          }
          return undefined
        },
        webhooks: () => [],
        waitFor: async () => true,
      },
      idempotency,
      call: async <T>(subject: string, request: unknown): Promise<Reply<T>> => {
        // What was refused is recorded by and by, whatever a test looks at.
        if (subject === 'svc.registry.denials.record') return { ok: true, value: {} as T }
        holder.world?.calls.push({ subject, request })
        const reply = holder.world?.replies[subject]
        return (reply ?? { ok: false, error: { code: 'unavailable', message: 'Nobody is there.' } }) as Reply<T>
      },
      heartbeats: (on) => {
        holder.heartbeat = on
        return { close() {} }
      },
      toolsOf: async () => [
        { name: 'read_file', source: 'builtin', replay: 'safe', risk: 'read', digest: 'd1' },
        { name: 'edit_file', source: 'builtin', replay: 'never', risk: 'write', digest: 'd2' },
      ],
      settingsOf: async () => ({
        kind: 'known',
        settings: { system: definition.system_prompt, tools: [], maxTokens: 100, stream: true },
      }),
      health: () => ({ status: 'ok', version: '0.1.0', parts: { journal: 'ok' } }),
      clock: {
        now: () => holder.world?.now ?? 0,
        random: () => {
          random = (random * 16_807) % 2_147_483_647
          return random / 2_147_483_647
        },
      },
      log: silentLog,
      metrics: new Metrics(),
      instance: 'gateway-1',
      ...options.config,
      limits: { ...defaultLimits, ...options.limits },
    })
    const world = new World(gateway, journal, idempotency)
    holder.world = world
    if (holder.heartbeat) world.heartbeat = holder.heartbeat
    return world
  }

  private constructor(
    gateway: RunningGateway,
    journal: ReturnType<typeof createMemoryJournal>,
    idempotency: MemoryIdempotency,
  ) {
    this.#gateway = gateway
    this.url = gateway.url
    this.journal = journal
    this.idempotency = idempotency
  }

  async close(): Promise<readonly string[]> {
    const { abandoned } = await this.#gateway.close({ withinMs: 5000 })
    this.journal.close()
    return abandoned
  }

  async request(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; token?: string | null; signal?: AbortSignal } = {},
  ) {
    const { body, headers = {}, token: bearer = token, signal } = options
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
    const text = await response.text()
    const json = text === '' ? undefined : JSON.parse(text)
    return { status: response.status, headers: response.headers, json }
  }

  /** A new session at rest; gives its id. */
  async session(): Promise<string> {
    const { json } = await this.request('POST', '/v1/sessions', { body: { agent: 'helper' } })
    return json.session.id
  }

  frames(session: string): Promise<readonly Frame[]> {
    return this.journal.sessions.read(session)
  }

  /** Appends as somebody else would. */
  async append(
    session: string,
    events: readonly SessionEvent[],
    options: { status?: Status; role?: Role; to?: Address; by?: string } = {},
  ): Promise<Frame> {
    const head = await this.journal.sessions.head(session)
    const { status = head.status, role = 'e', to = toLog, by = 'executor-1' } = options
    const draft = {
      ...{ id: `x${head.seq + 1}`, n: head.n + 1, prev: head.seq, at: this.now, by, role },
      ...{ needs: Math.max(head.needs, 1), status, pool: head.pool, events },
    }
    const outcome = await this.journal.sessions.append(session, draft, to, head.hash)
    if (outcome.kind !== 'appended') throw new Error('the test raced itself')
    return (await this.frames(session)).at(-1)!
  }

  /** The executor's part of a plain turn. */
  async turn(session: string, message: string, text = 'Hello.', turn = 't1'): Promise<void> {
    await this.append(session, [...begin(turn, message)], { status: 'running' })
    await this.append(session, [...finish(turn, text)], { status: 'idle' })
  }

  delta(session: string, text: string, offset: number, options: Partial<Delta> = {}): void {
    const delta: Delta = { call: 'm-t1', attempt: 1, block: 0, kind: 'text', offset, text, ...options }
    this.journal.feed.publishDelta(session, delta.kind === 'output' ? 't' : 'e', delta)
  }
}

export const usage = { inputTokens: 3, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

export const begin = (turn: string, message: string, attempt = 1): readonly SessionEvent[] => [
  { type: 'turn.started', data: { turn, messages: [message] } },
  { type: 'model-call.started', data: { call: `m-${turn}`, attempt, turn, model: 'scripted/echo' } },
]

export const finish = (turn: string, text: string, attempt = 1): readonly SessionEvent[] => [
  {
    type: 'model-call.completed',
    data: { call: `m-${turn}`, attempt, content: [{ type: 'text', text }], usage, finish: 'stop' },
  },
  { type: 'turn.completed', data: { turn, call: `m-${turn}`, usage, reason: 'answered' } },
]

export const endCursor = (session: string, frame: Frame): string =>
  encodeCursor({ of: session, tree: false, seq: frame.seq, n: frame.n, i: frame.events.length - 1 })

export { headOf }
