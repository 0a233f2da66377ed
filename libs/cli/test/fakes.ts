// A terminal, a clock and a server that do what a test says.
import { EventEmitter } from 'node:events'
import type {
  CreateSession,
  GrantBody,
  Principal,
  Agent,
  AgentModule,
  ApiEvent,
  ApprovalInfo,
  AskedElicitation,
  Delivery,
  ElicitationInfo,
  McpTried,
  MemoryEntry,
  Schedule,
  SessionInfo,
  SessionPrompt,
  SessionTree,
  TreeNode,
  TreeStop,
  Webhook,
  WorkflowRun,
} from '@reins/contracts'
import { ReinsError } from '@reins/contracts'
import type { ControlVerb, FollowItem, ReinsClient } from '../src/client-port.ts'
import type { CliContext } from '../src/context.ts'
import { usage } from '../../transcript/test/fakes.ts'

export { delta, event, plainTurn, started, usage } from '../../transcript/test/fakes.ts'

export class FakeInput extends EventEmitter {
  readonly isTTY: boolean
  raw = false
  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }
  setRawMode(on: boolean) {
    this.raw = on
  }
  setEncoding() {}
  resume() {}
  pause() {}
  type(text: string) {
    this.emit('data', text)
  }
}

export class FakeOutput extends EventEmitter {
  readonly isTTY: boolean
  columns = 60
  rows = 20
  text = ''
  readonly #waiting: (() => void)[] = []
  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }
  write(text: string): boolean {
    this.text += text
    for (const check of this.#waiting.splice(0)) check()
    return true
  }
  /** Resolves as soon as what was written (from `from` on) holds `part`. */
  async until(part: string, from = 0): Promise<void> {
    while (!this.text.slice(from).includes(part)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/** The stream broke. */
export const lost: FollowItem = {
  type: 'connection',
  state: 'lost',
  error: new ReinsError('unavailable'),
  retryInMs: 250,
}

export const sessionId = '01JDTESTSESSION00000000000'

export const sessionInfo = (change: Partial<SessionInfo> = {}): SessionInfo => ({
  id: sessionId,
  agent: 'assistant',
  digest: 'd1',
  status: 'idle',
  title: 'List the files',
  model: 'scripted/demo',
  turns: 2,
  usage,
  createdAt: 1_000_000,
  lastActivityAt: 1_060_000,
  cursor: 'c0',
  ...change,
})

export const treeNode = (info: SessionInfo, change: Partial<TreeNode> = {}): TreeNode => ({
  ...info,
  ...{ depth: 0, state: 'completed', worked: 1000, doing: [] },
  branch: { sessions: 1, running: 0, waiting: 0, failed: 0, usage: info.usage },
  ...change,
})

export const agent = (name: string, change: Partial<Agent['definition']> = {}): Agent => ({
  name,
  digest: `digest-${name}`,
  version: 1,
  createdAt: 1_000_000,
  updatedAt: 1_000_000,
  definition: { name, model: 'scripted/demo', system_prompt: 'Be brief.', ...change },
})

/** Items that a follower gets as they are pushed; ended by `end`. */
export class Feed {
  readonly #items: FollowItem[] = []
  #wake = Promise.withResolvers<void>()
  #ended = false
  push(...items: readonly FollowItem[]): void {
    this.#items.push(...items)
    this.#wake.resolve()
  }
  end(): void {
    this.#ended = true
    this.#wake.resolve()
  }
  async *read(signal?: AbortSignal): AsyncGenerator<FollowItem> {
    const stopped = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    for (let at = 0; ; ) {
      while (at < this.#items.length) {
        if (signal?.aborted) return
        yield this.#items[at++]!
      }
      if (this.#ended || signal?.aborted) return
      this.#wake = Promise.withResolvers()
      await Promise.race([this.#wake.promise, stopped])
    }
  }
}

export const workflowRun = (change: Partial<WorkflowRun> = {}): WorkflowRun => ({
  ...{ runId: `run_${sessionId}`, workflowName: 'report', project: 'support', status: 'active', startedAt: 1_000_000 },
  ...change,
})

export interface FakeServer {
  readonly client: ReinsClient
  readonly feed: Feed
  /** What was asked of it, as `verb detail`. */
  readonly asked: string[]
  readonly agents: Map<string, Agent>
  modules: AgentModule[]
  schedules: Schedule[]
  sessions: SessionInfo[]
  approvals: ApprovalInfo[]
  elicitations: ElicitationInfo[]
  /** Of all sessions, as the index has them. */
  askedEverywhere: AskedElicitation[]
  readonly secrets: Map<string, string>
  readonly configs: Map<string, unknown>
  readonly webhooks: Webhook[]
  /** Of the one scope that it has, by key. */
  readonly memory: Map<string, MemoryEntry>
  readonly deliveries: Delivery[]
  /** By their names. */
  readonly prompts: Map<string, SessionPrompt>
  readonly outputs: Map<string, string>
  /** One after the other; the last one stays. */
  readonly trees: SessionTree[]
  stop: TreeStop | null
  events: ApiEvent[]
  /** Thrown by the next sends, one each. */
  readonly tried: McpTried[]
  readonly sendFailures: Error[]
  /** Called with each message that arrives. */
  onMessage: (text: string, key: string | undefined) => void
  /** The run that there is. */
  run: WorkflowRun
  /** Resolves when something was asked that begins so. */
  until(start: string): Promise<void>
}

export const delivered = (webhook: string, change: Partial<Delivery['last']> = {}): Delivery => ({
  ...{ id: 'msg_1', webhook, type: 'turn.failed', session: sessionId, n: 3, i: 0 },
  last: { attempt: 1, at: 1_060_000, ms: 12, outcome: 'delivered', status: 200, ...change },
})

const stamps = { createdAt: 1_000_000, updatedAt: 1_060_000, by: 'user:admin' }

const nothingUsed = {
  ...{ turns: 0, modelCalls: 0, toolCalls: 0, usd: 0, unpricedTokens: 0, charged: { tokens: 0, usd: 0 } },
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
}

const shownWith = ({ images }: Pick<CreateSession, 'images'>): string =>
  images === undefined ? '' : ` with ${images.map(({ mimeType, data }) => `${mimeType} ${data}`).join(', ')}`

export function fakeServer(): FakeServer {
  const feed = new Feed()
  const asked: string[] = []
  const waiting: (() => void)[] = []
  const note = (text: string) => {
    asked.push(text)
    for (const check of waiting.splice(0)) check()
  }
  const control = (verb: ControlVerb) => async (id: string) => {
    note(`${verb} ${id}`)
    return { id, status: verb === 'pause' ? ('paused' as const) : ('idle' as const), cursor: 'c1' }
  }
  const server: FakeServer = {
    feed,
    asked,
    agents: new Map([['assistant', agent('assistant')]]),
    modules: [],
    schedules: [],
    sessions: [sessionInfo()],
    approvals: [],
    elicitations: [],
    askedEverywhere: [],
    secrets: new Map(),
    configs: new Map(),
    webhooks: [],
    memory: new Map(),
    deliveries: [],
    prompts: new Map(),
    outputs: new Map(),
    trees: [],
    stop: null,
    events: [],
    tried: [],
    sendFailures: [],
    onMessage: () => undefined,
    run: workflowRun(),
    until: async (start) => {
      while (!asked.some((text) => text.startsWith(start))) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    client: {
      agents: {
        put: async (name, source, condition = { kind: 'apply' }) => {
          note(`put ${name} ${condition.kind} ${JSON.stringify(source)}`)
          const known = server.agents.get(name)
          if (condition.kind === 'create' && known) throw new ReinsError('agent_exists')
          const definition = 'definition' in source ? source.definition : { ...agent(name).definition }
          const stored = { ...agent(name), definition }
          server.agents.set(name, stored)
          return { agent: stored, outcome: known ? 'updated' : 'created' }
        },
        testMcp: async (name) => {
          note(`test MCP ${name}`)
          return { agent: name, servers: server.tried }
        },
        get: async (name) => {
          const known = server.agents.get(name)
          if (!known) throw new ReinsError('agent_not_found', `There is no agent "${name}".`)
          return known
        },
        list: async () => [...server.agents.values()],
        modules: async () => server.modules,
        delete: async (name) => note(`delete ${name}`),
      },
      projects: {
        deploy: async (name, bundle) => {
          note(`deploy ${name} ${bundle.length}`)
          throw new ReinsError('invalid_project')
        },
        rollback: async (name, version) => {
          note(`rollback ${name} ${version ?? ''}`)
          throw new ReinsError('project_not_found')
        },
        get: async () => {
          throw new ReinsError('project_not_found')
        },
        list: async () => [],
        delete: async (name) => note(`delete project ${name}`),
        schedules: async () => server.schedules,
      },
      runs: {
        start: async (body, options) => {
          note(`run ${JSON.stringify(body)} ${options?.idempotencyKey ?? ''}`)
          if (body.workflow !== server.run.workflowName)
            throw new ReinsError('workflow_not_found', `There is no workflow ${body.workflow}.`)
          return { run: { ...server.run, status: 'active' }, cursor: 'c0' }
        },
        get: async (run) => {
          if (run !== server.run.runId) throw new ReinsError('run_not_found', `There is no run ${run}.`)
          return server.run
        },
        ended: async () => server.run,
        list: async () => {
          const { runId, workflowName, startedAt } = server.run
          return { runs: [{ runId, workflowName, status: 'running', startedAt, lastActivityAt: startedAt }] }
        },
        deliver: async (run, body) => {
          note(`deliver ${run} ${JSON.stringify(body)}`)
          return { runId: server.run.runId, cursor: 'c1' }
        },
      },
      secrets: {
        set: async (name, value) => {
          note(`set secret ${name} of ${value.length} characters`)
          const outcome = server.secrets.has(name) ? 'updated' : 'created'
          server.secrets.set(name, value)
          return { secret: { name, ...stamps }, outcome }
        },
        get: async (name) => ({ name, ...stamps }),
        list: async () => [...server.secrets.keys()].map((name) => ({ name, ...stamps })),
        delete: async (name) => {
          if (!server.secrets.delete(name)) throw new ReinsError('secret_not_found', `There is no secret "${name}".`)
        },
        rotateKey: async () => ({ outcome: 'rotated', key: '0123456789ab', rewrapped: server.secrets.size }),
      },
      configs: {
        set: async (name, value) => {
          const outcome = server.configs.has(name) ? 'updated' : 'created'
          server.configs.set(name, value)
          return { config: { name, value, ...stamps }, outcome }
        },
        get: async (name) => {
          if (!server.configs.has(name)) throw new ReinsError('config_not_found', `There is no config "${name}".`)
          return { name, value: server.configs.get(name), ...stamps }
        },
        list: async () => [...server.configs].map(([name, value]) => ({ name, value, ...stamps })),
        delete: async (name) => void server.configs.delete(name),
      },
      memory: {
        scopes: async () => [{ scope: 'user:ann', entries: server.memory.size, bytes: 10, updatedAt: 1_060_000 }],
        list: async (at, { prefix = '' } = {}) => {
          note(`list ${JSON.stringify(at)}`)
          return [...server.memory.values()].filter(({ key }) => key.startsWith(prefix))
        },
        search: async (_, query) => ({
          found: [...server.memory.values()]
            .filter(({ value }) => String(value).includes(query))
            .map((entry) => ({ entry, score: 1 })),
          how: 'words',
        }),
        get: async (_, key) => {
          const entry = server.memory.get(key)
          if (!entry) throw new ReinsError('memory_not_found', `Nothing is remembered under "${key}".`)
          return entry
        },
        history: async (_, key) => {
          const entry = server.memory.get(key)
          if (!entry) return []
          const { scope, value, version, createdAt, by } = entry
          return [{ kind: 'stored', op: 'o', scope, key, value, version, created: true, createdAt, at: createdAt, by }]
        },
        put: async (at, key, { value, expires }) => {
          note(`put ${JSON.stringify({ ...at, key, value, ...(expires === undefined ? {} : { expires }) })}`)
          const entry: MemoryEntry = {
            ...{ scope: at.scope ?? 'user:ann', key, value, version: 1 },
            ...{ createdAt: 1_060_000, updatedAt: 1_060_000, by: { principal: 'ann', session: 's1' } },
          }
          server.memory.set(key, entry)
          return { entry, outcome: 'created' }
        },
        forget: async (at, key) => {
          note(`forget ${JSON.stringify(at)} ${key}`)
          server.memory.delete(key)
        },
        clear: async () => {
          const forgotten = server.memory.size
          server.memory.clear()
          return { scope: 'user:ann', forgotten }
        },
      },
      access: {
        audit: async () => [
          {
            at: 1_060_000,
            by: 'user:ann',
            did: 'turn.read',
            on: 'gateway',
            outcome: 'denied',
            permission: 'session:x:read',
            count: 3,
            from: '127.0.0.1',
          },
        ],
        me: async () => ({ principal: 'admin', kind: 'person', roles: ['admin'], permissions: ['*'] }),
        can: async (action, principal = 'admin') =>
          principal === 'admin'
            ? {
                ...{ action, principal, allowed: true, because: [{ grant: '*', from: 'role admin' }] },
                why: `admin may ${action}: * covers it (role admin).`,
              }
            : {
                ...{ action, principal, allowed: false, because: [] },
                why: `${principal} may not ${action}: no role and no grant covers it.`,
                next: `Grant it: reins principal grant ${principal} --permission ${action}`,
              },
        tokens: {
          create: async ({ principal = 'admin', permissions = ['*'], label }) => {
            const token = { id: '0123456789abcdef', principal, permissions, createdAt: 1_060_000 }
            return { token: label === undefined ? token : { ...token, label }, text: 'reins_text' }
          },
          list: async () => [
            {
              id: '0123456789abcdef',
              principal: 'ci',
              permissions: ['agent:*:read'],
              createdAt: 1_060_000,
              label: 'build',
            },
          ],
          revoke: async () => {},
        },
        roles: {
          list: async () => [{ name: 'admin', permissions: ['*'], description: 'Everything', builtin: true }],
          get: async (name) => ({ name, permissions: ['agent:*:read', 'config:*:read'], builtin: true }),
          create: async (name, role) => ({ name, ...role, builtin: false }),
          update: async (name, role) => ({ name, ...role, builtin: false }),
          delete: async () => {},
        },
        principals: {
          list: async () => [principalOf('admin', { roles: ['admin'] })],
          get: async (name) => principalOf(name),
          create: async ({ name, ...rest }) => principalOf(name, rest),
          grant: async (name, body) => principalOf(name, body),
          revoke: async (name) => principalOf(name),
          ban: async (name) => ({ ...principalOf(name), banned: true }),
          unban: async (name) => principalOf(name),
        },
      },
      webhooks: {
        create: async ({ url, on }) => {
          const webhook = { id: `wh_${server.webhooks.length + 1}`, url, on, createdAt: 1_060_000, by: 'user:admin' }
          server.webhooks.push(webhook)
          return { webhook, secret: 'whsec_c2VjcmV0' }
        },
        get: async (id) => {
          const found = server.webhooks.find((webhook) => webhook.id === id)
          if (!found) throw new ReinsError('webhook_not_found', `There is no webhook "${id}".`)
          return found
        },
        list: async () => server.webhooks,
        delete: async (id) => note(`delete webhook ${id}`),
        test: async (id) => server.deliveries.find((delivery) => delivery.webhook === id) ?? delivered(id),
        deliveries: async () => server.deliveries,
      },
      sessions: {
        create: async (body, options) => {
          const text = String(body.message)
          note(
            `create ${body.agent}${body.instance ? ` ${body.instance}/${body.session ?? ''}` : ''} ${text}${shownWith(body)}`,
          )
          const failure = server.sendFailures.shift()
          if (failure) throw failure
          server.onMessage(text, options?.idempotencyKey)
          return { session: sessionInfo({ agent: body.agent }), messageId: 'm-t1', cursor: 'c0' }
        },
        list: async (query = {}) => {
          note(`list ${JSON.stringify(query)}`)
          return { sessions: server.sessions }
        },
        get: async (id) => {
          const known = server.sessions.find((session) => session.id === id)
          if (!known) throw new ReinsError('session_not_found', `There is no session ${id}.`)
          return known
        },
        tree: async (id) => {
          const next = server.trees.length > 1 ? server.trees.shift() : server.trees[0]
          if (next) return next
          const known = server.sessions.find((session) => session.id === id) ?? sessionInfo({ id })
          return { root: id, cursor: 'c0', nodes: [treeNode(known)] }
        },
        stop: async () => server.stop,
        state: async (id) => ({ id, cursor: 'c1', status: 'idle', state: { turns: 2 } }),
        send: async (id, body, options) => {
          note(`send ${id} ${String(body.content)}${shownWith(body)}`)
          const failure = server.sendFailures.shift()
          if (failure) throw failure
          server.onMessage(String(body.content), options?.idempotencyKey)
          return { messageId: 'm-t1', cursor: 'c0' }
        },
        frames: async () => ({ frames: [], more: false }),
        prompt: async (id, query = {}) => {
          const prompt = server.prompts.get(query.call ?? 'c2')
          if (!prompt) throw new ReinsError('call_not_found', `Session ${id} has no model call ${query.call}.`)
          return { ...prompt, session: id }
        },
        output: async (id, named, { offset = 0, limit = 10 } = {}) => {
          const whole = server.outputs.get(named)
          if (!whole) throw new ReinsError('output_not_found', `Session ${id} names no kept output ${named}.`)
          const bytes = new TextEncoder().encode(whole)
          return { ref: named, bytes: bytes.subarray(offset, offset + limit), size: bytes.length }
        },
        events: async (_id, query = {}) => {
          const from = query.after === undefined ? 0 : server.events.findIndex((one) => one.cursor === query.after) + 1
          const events = server.events.slice(from, from + (query.limit ?? 100))
          const more = from + events.length < server.events.length
          return { events: [...events], cursor: events.at(-1)?.cursor ?? query.after ?? 'c0', more }
        },
        cancel: control('cancel'),
        pause: async (id, options) => control('pause')(options?.tree ? `${id} with its tree` : id),
        resume: control('resume'),
        release: control('release'),
        end: control('end'),
        compact: control('compact'),
        restore: control('restore'),
        fork: async (id, request = {}) => {
          note(`fork ${id} ${JSON.stringify(request)}`)
          const session = sessionInfo({ id: `${id}-fork`, forkedFrom: { session: id, frame: request.at ?? 9 } })
          const said = request.message !== undefined || request.again === true
          return { session, ...(said ? { messageId: 'm-t1' } : {}), cursor: 'c0' }
        },
        erase: async (id) => {
          note(`erase ${id}`)
          return { id, by: 'user:ada', at: 1_700_000_000_000, completed: true, cursor: 'c1' }
        },
        upgrade: async (id, request = {}) => {
          note(`upgrade ${id} ${JSON.stringify(request)}`)
          return {
            ...{ id, status: 'idle', cursor: 'c1', upgraded: request.dry_run !== true },
            ...{ from: { digest: 'sha256:old', build: 3 }, to: { digest: 'sha256:new', build: 4 }, obstacles: [] },
            changes: [
              { what: 'model', change: 'changed', from: 'a/one', to: 'a/two' },
              { what: 'tools.grep', change: 'removed' },
            ],
            breaks: ['The conversation has calls of grep, which is no tool of it then.'],
          }
        },
        raiseBudget: async (id, raise) => {
          note(`raise ${id} ${JSON.stringify(raise)}`)
          return { id, status: 'idle', cursor: 'c1' }
        },
        follow: (_id, options = {}) => feed.read(options.signal),
      },
      approvals: {
        list: async (query = {}) => {
          note(`approvals ${JSON.stringify(query)}`)
          return { approvals: [...server.approvals] }
        },
        decide: async (session, call, decision) => {
          note(`decide ${session} ${call} ${JSON.stringify(decision)}`)
          const failure = server.sendFailures.shift()
          if (failure) throw failure
          const verdict = decision.verdict === 'denied' ? 'denied' : decision.args ? 'edited' : 'approved'
          const grant = decision.scope === undefined || decision.scope === 'call' ? {} : { grant: 'g1' }
          return { session, call, verdict, ...grant, cursor: 'c1' }
        },
        grants: async () => [{ grant: 'g1', tool: 'shell', target: 'make', call: 'k1', by: 'user:ada', at: 1_000_000 }],
        revoke: async (session, grant) => {
          note(`revoke ${session} ${grant ?? 'all'}`)
          return { revoked: ['g1'], cursor: 'c1' }
        },
      },
      elicitations: {
        list: async () => [...server.elicitations],
        listAll: async (query = {}) => {
          note(`elicitations ${JSON.stringify(query)}`)
          return { elicitations: [...server.askedEverywhere] }
        },
        answer: async (session, elicitation, answer) => {
          note(`answer ${session} ${elicitation} ${JSON.stringify(answer)}`)
          const failure = server.sendFailures.shift()
          if (failure) throw failure
          const of = server.elicitations.find((one) => one.elicitation_id === elicitation)
          const waits = of?.mode === 'url' && answer.action === 'accept' && !answer.completed
          const state = waits ? 'accepted' : 'answered'
          return { session, elicitation_id: elicitation, action: answer.action, state, cursor: 'c1' }
        },
      },
      usage: async ({ by = 'agent' } = {}) => ({ by, rows: [], more: 0, total: nothingUsed }),
      pools: async () => [],
      signIn: {
        config: async () => ({}),
      },
    },
  }
  return server
}

export interface FakeContext extends CliContext {
  readonly stdin: FakeInput
  readonly stdout: FakeOutput
  readonly stderr: FakeOutput
  readonly connected: { baseUrl: string; token?: string | (() => Promise<string>) }[]
  interrupt(): void
}

function fileIn(files: Readonly<Record<string, string>>, path: string): string {
  const text = files[path]
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  return text
}

export function fakeContext(
  client: ReinsClient,
  options: { terminal?: boolean; files?: Record<string, string> } & Partial<CliContext> = {},
): FakeContext {
  const { terminal = false, files = {}, ...change } = options
  const connected: { baseUrl: string; token?: string | (() => Promise<string>) }[] = []
  const interrupts = new Set<() => void>()
  let keys = 0
  return {
    env: { noColor: true, dumb: false },
    readAdminToken: async () => 'admin-token',
    now: () => 1_120_000,
    sleep: async () => undefined,
    makeKey: () => `key-${++keys}`,
    readFile: async (path) => fileIn(files, path),
    readBytes: async (path) => Buffer.from(fileIn(files, path), 'latin1'),
    bundleSkills: async (folder) => ({ kind: 'failed', problems: [`${folder}: there is no such folder`] }),
    bundle: async (file) => {
      const text = files[file]
      return text === undefined
        ? { kind: 'failed', problems: [`${file}: there is no such file`] }
        : { kind: 'bundled', text: `bundle of ${text}` }
    },
    onInterrupt: (listener) => {
      interrupts.add(listener)
      return () => interrupts.delete(listener)
    },
    connect: (to) => {
      connected.push(to)
      return client
    },
    timeZone: 'UTC',
    ...change,
    stdin: new FakeInput(terminal),
    stdout: new FakeOutput(terminal),
    stderr: new FakeOutput(terminal),
    connected,
    interrupt: () => {
      for (const listener of interrupts) listener()
    },
  }
}

const principalOf = (name: string, { roles = [], permissions = [] }: GrantBody = {}): Principal => ({
  ...{ name, kind: 'person', roles, permissions, banned: false },
  ...{ createdAt: 1_060_000, updatedAt: 1_060_000, by: 'user:admin' },
})
