// What a server must have sent before a caller builds on it: the fields that clients read, and what kind of value each is. A server of
// another version may send more. Whatever answers without these fields is no Reins server, or a broken one.
import { ReinsError } from '@reins/contracts/errors'

/** undefined: it is one. Otherwise what is wrong, after its path: `sessions[0].createdAt is no number`. */
export type Form = (value: unknown, path: string) => string | undefined

export const text: Form = (value, path) => (typeof value === 'string' ? undefined : `${path} is no text`)
export const finite: Form = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : `${path} is no number`
/** A point in time, in epoch ms, that a Date can hold. */
export const instant: Form = (value, path) =>
  typeof value === 'number' && Math.abs(value) <= 8.64e15 ? undefined : `${path} is no time`

export const record =
  (fields: Readonly<Record<string, Form>>): Form =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path || 'it'} is no object`
    for (const [name, form] of Object.entries(fields)) {
      const inside = path === '' ? name : `${path}.${name}`
      const wrong = form(Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined, inside)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

export const list =
  (item: Form): Form =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} is no list`
    for (const [index, one] of value.entries()) {
      const wrong = item(one, `${path}[${index}]`)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

export const optional =
  (form: Form): Form =>
  (value, path) =>
    value === undefined ? undefined : form(value, path)

const definition = record({ name: text, model: text, system_prompt: text })
const agent = record({
  ...{ name: text, digest: text, version: finite, createdAt: instant, updatedAt: instant },
  definition,
})
const session = record({
  ...{ id: text, agent: text, digest: text, status: text, turns: finite, usage: record({}) },
  ...{ title: optional(text), createdAt: instant, lastActivityAt: instant },
})
const treeNode = record({
  ...{ id: text, agent: text, status: text, state: text, depth: finite, turns: finite, usage: record({}) },
  ...{ createdAt: instant, lastActivityAt: instant, worked: finite, since: optional(instant) },
  doing: list(record({ call: text, name: text, since: instant, child: optional(text) })),
  branch: record({ sessions: finite, running: finite, waiting: finite, failed: finite, usage: record({}) }),
})

const approval = record({
  ...{ session: text, call: text, agent: text, name: text, digest: text, reason: text, state: text },
  ...{ requestedAt: instant, expiresAt: optional(instant), decidedAt: optional(instant) },
})
const elicitation = record({
  ...{ mode: text, elicitation_id: text, message: text, server_name: text, session: text, call: text, tool: text },
  ...{ url: optional(text), state: text, expiresAt: optional(instant) },
})
const askedElicitation = record({
  ...{ session: text, agent: text, call: text, elicitation_id: text, mode: text, message: text, server_name: text },
  ...{ url: optional(text), state: text, requestedAt: instant, expiresAt: instant, endedAt: optional(instant) },
})
const grant = record({ grant: text, tool: text, target: optional(text), by: text, at: instant })
const stamped = { name: text, createdAt: instant, updatedAt: instant, by: text }
const secret = record(stamped)
const config = record(stamped)

const webhook = record({ id: text, url: text, on: list(text), createdAt: instant })
const delivery = record({
  ...{ id: text, webhook: text, type: text },
  last: record({ attempt: finite, at: instant, ms: finite, outcome: text, next: optional(instant) }),
})

const exposed = { name: text, file: text }
const project = record({
  ...{ name: text, version: finite, digest: text, size: finite, createdAt: instant, updatedAt: instant, by: text },
  manifest: record({
    ...{ agents: list(record(exposed)), workflows: list(record(exposed)), channels: list(record(exposed)) },
  }),
  previous: list(record({ version: finite, digest: text, at: instant, by: text })),
})

const memory = record({ scope: text, key: text, version: finite, createdAt: instant, updatedAt: instant })

const run = record({ runId: text, workflowName: text, project: text, status: text, startedAt: instant })

/** By what the caller asked for. */
const used = { turns: finite, modelCalls: finite, usd: finite, usage: record({ inputTokens: finite }) }

export const answers = {
  memoryScopes: record({ scopes: list(record({ scope: text, entries: finite })), next: optional(text) }),
  memoryEntries: record({ entries: list(memory), next: optional(text) }),
  memoryEntry: record({ entry: memory }),
  memorySearch: record({ found: list(record({ entry: memory, score: finite })), how: text }),
  memoryHistory: record({ records: list(record({ kind: text, at: instant })) }),
  memoryCleared: record({ scope: text, forgotten: finite }),
  approvals: record({ approvals: list(approval), next: optional(text) }),
  approvalDecided: record({ session: text, call: text, verdict: text, cursor: text }),
  elicitations: record({ elicitations: list(elicitation) }),
  askedElicitations: record({ elicitations: list(askedElicitation), next: optional(text) }),
  elicitationAnswered: record({ session: text, elicitation_id: text, action: text, state: text, cursor: text }),
  grants: record({ grants: list(grant) }),
  grantsRevoked: record({ revoked: list(text), cursor: text }),
  agent: record({ agent }),
  agentPut: record({ agent, outcome: text, warnings: optional(list(text)) }),
  mcpTest: record({
    agent: text,
    servers: list(
      record({
        server: text,
        at: text,
        status: text,
        took: finite,
        tools: list(record({ name: text })),
        notes: list(text),
      }),
    ),
  }),
  agents: record({
    agents: list(agent),
    modules: optional(list(record({ name: text, project: text, version: finite, updatedAt: instant }))),
    warnings: optional(list(text)),
    next: optional(text),
  }),
  session,
  sessions: record({ sessions: list(session), next: optional(text) }),
  stop: record({}),
  tree: record({ root: text, cursor: text, nodes: list(treeNode) }),
  sessionCreated: record({ session, cursor: text }),
  state: record({ id: text, cursor: text, status: text }),
  prompt: record({ session: text, call: text, attempt: finite, system: text, check: text }),
  messageAccepted: record({ messageId: text, cursor: text }),
  turn: record({ turn: record({ id: text, status: text }), cursor: text }),
  controlAccepted: record({ id: text, status: text, cursor: text }),
  sessionErased: record({ id: text, cursor: text, by: text, at: instant }),
  sessionUpgraded: record({
    ...{ id: text, status: text, cursor: text, from: record({ digest: text }), to: record({ digest: text }) },
    ...{ changes: list(record({ what: text, change: text })), breaks: list(text), obstacles: list(text) },
  }),
  events: record({
    events: list(record({ cursor: text, n: finite, i: finite, at: instant, type: text })),
    cursor: text,
  }),
  frames: record({ frames: list(record({ seq: finite, n: finite, at: instant, hash: text, events: text })) }),
  project: record({ project }),
  projectPut: record({ project, outcome: text, warnings: optional(list(text)) }),
  projects: record({ projects: list(project) }),
  schedules: record({
    schedules: list(
      record({
        project: text,
        of: text,
        name: text,
        cron: text,
        timeZone: text,
        missed: text,
        next: optional(instant),
      }),
    ),
  }),
  run,
  runStarted: record({ run, cursor: text }),
  runs: record({
    runs: list(record({ runId: text, workflowName: text, status: text, startedAt: instant })),
    next: optional(text),
  }),
  runDelivered: record({ runId: text, cursor: text }),
  secret: record({ secret }),
  secretPut: record({ secret, outcome: text }),
  secrets: record({ secrets: list(secret), next: optional(text) }),
  keyRotation: record({ outcome: text, key: text, rewrapped: finite }),
  webhook: record({ webhook }),
  webhookCreated: record({ webhook, secret: text }),
  webhooks: record({ webhooks: list(webhook) }),
  delivery: record({ delivery }),
  deliveries: record({ deliveries: list(delivery) }),
  config: record({ config }),
  configPut: record({ config, outcome: text }),
  configs: record({ configs: list(config), next: optional(text) }),
  usage: record({ by: text, rows: list(record({ key: text, ...used })), more: finite, total: record(used) }),
  pools: record({ pools: list(record({ key: text, kind: text, servedBy: list(record({ instance: text })) })) }),
  health: record({ status: text, version: text, parts: record({}) }),
  anything: (): undefined => undefined,
} as const satisfies Readonly<Record<string, Form>>

/** Throws ReinsError. `root`: as it may be printed. */
export function checked<T>(value: unknown, form: Form, root: string): T {
  const wrong = form(value, '')
  if (wrong === undefined) return value as T
  throw new ReinsError('internal', `${root} sent an answer that this version of Reins does not understand: ${wrong}.`, {
    next: 'Check that the address is that of a Reins server, and that client and server are of the same version.',
  })
}
