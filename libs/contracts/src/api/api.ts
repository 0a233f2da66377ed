// The HTTP API's shapes: the source of validation, of /openapi.json and of the client's types.
import { type Static, type TSchema, Type } from 'typebox'
import type { Only } from '../access/only.ts'
import { SentFiles } from '../agents/code/code.ts'
import { moduleNamePattern } from '../agents/code/instance.ts'
import { AgentDefinition } from '../agents/definition.ts'
import { OutputRetries, OutputSchema } from '../agents/output-schema.ts'
import { Agent } from '../agents/registry.ts'
import { Budget } from '../budget/limits.ts'
import { TextPart, Usage } from '../events/content.ts'
import { maxNameChars } from '../events/fields.ts'
import { maxImages } from '../events/images.ts'
import { PlanStep } from '../events/mind/planning.ts'
import { OnBusy } from '../events/session.ts'
import { maxCursorChars } from '../frame/cursor.ts'
import { Delta } from '../frame/delta.ts'
import { type Status, statuses } from '../frame/frame.ts'
import { DecideApproval } from './approvals.ts'
import { AnswerElicitation } from './elicitations.ts'
import { SessionBudget } from './usage.ts'

const closed = { additionalProperties: false } as const
const SessionId = Type.String({ minLength: 26, maxLength: 64, description: 'A session id' })
const CursorText = Type.String({ minLength: 1, maxLength: maxCursorChars, description: 'An opaque cursor' })
const StatusSchema = Type.Unsafe<Status>(Type.Union(statuses.map((status) => Type.Literal(status))))

/** Text, or parts. */
export const MessageContent = Type.Union([
  Type.String({ minLength: 1, description: 'At most 1,000,000 bytes, as JSON' }),
  Type.Array(Type.Object(TextPart.properties, closed), { minItems: 1, maxItems: 64 }),
])

/** Shown to the model with a message. How large they may be, and that the bytes are of the type, is said where they are taken. */
export const ShownImage = Type.Object(
  {
    type: Type.Literal('image'),
    mimeType: Type.String({ maxLength: 100, description: 'image/png, image/jpeg, image/gif or image/webp' }),
    data: Type.String({ description: 'base64; at most 3,932,160 bytes, and 6 MiB of one message' }),
  },
  closed,
)
export type ShownImage = Static<typeof ShownImage>
const images = Type.Optional(Type.Array(ShownImage, { minItems: 1, maxItems: maxImages }))
/** Of a message with its images. */
export const maxMessageBodyBytes = 10_000_000

/** A definition with contents of the files that it names; `definition` or `yaml`, not both. */
export const AgentWithFiles = Type.Object(
  {
    definition: Type.Optional(AgentDefinition),
    yaml: Type.Optional(Type.String({ description: 'The definition as YAML text, instead of "definition"' })),
    files: SentFiles,
  },
  closed,
)
/** The first is the definition itself. */
export const AgentBody = Type.Union([AgentDefinition, AgentWithFiles])
/** Of a body with files: contents in base64, and the definition. */
export const maxAgentBodyBytes = 12 * 1024 * 1024
export const AgentAnswer = Type.Object(
  {
    agent: Agent,
    outcome: Type.Union([Type.Literal('created'), Type.Literal('updated'), Type.Literal('unchanged')]),
    warnings: Type.Optional(Type.Array(Type.String({ description: 'What will not work yet, and what to do' }))),
  },
  closed,
)
/** An agent that a module of a project makes: what it is, its initializer says for each instance. */
export const AgentModule = Type.Object(
  {
    kind: Type.Literal('code'),
    name: Type.String(),
    description: Type.Optional(Type.String()),
    project: Type.String(),
    version: Type.Integer({ description: 'Of the project' }),
    file: Type.String(),
    route: Type.Boolean({ description: 'It has an HTTP address' }),
    websocket: Type.Boolean({ description: 'It takes WebSockets' }),
    model: Type.Optional(
      Type.String({ description: 'Where its initializer names one without reading a value of the project' }),
    ),
    updatedAt: Type.Integer(),
  },
  closed,
)
export type AgentModule = Static<typeof AgentModule>

const ListedAgent = Type.Object({ kind: Type.Literal('yaml'), ...Agent.properties }, closed)

export const AgentList = Type.Object(
  {
    agents: Type.Array(ListedAgent),
    modules: Type.Optional(
      Type.Array(AgentModule, { description: 'Agents of projects, by name; all of them, on the first page' }),
    ),
    warnings: Type.Optional(
      Type.Array(Type.String(), { description: 'Which of these agents cannot call their models, and what to do' }),
    ),
    next: Type.Optional(Type.String()),
  },
  closed,
)

/** Of a message: the answer to it has to fit. It stands for the schema of the agent's definition. */
const output = { output_schema: Type.Optional(OutputSchema), output_retries: Type.Optional(OutputRetries) }

export const CreateSession = Type.Object(
  {
    agent: Type.String({
      pattern: moduleNamePattern,
      description: 'The name of an agent: of one in YAML, or of one in a project',
    }),
    message: Type.Optional(MessageContent),
    images,
    ...output,
    /** With it the id is derived from agent, instance and session: a repeat answers 200 with the same session. */
    instance: Type.Optional(Type.String({ minLength: 1, maxLength: maxNameChars })),
    session: Type.Optional(Type.String({ minLength: 1, maxLength: maxNameChars })),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    budget: Type.Optional(Budget),
  },
  closed,
)
export type CreateSession = Static<typeof CreateSession>

/** A session as lists show it; `head` fields are from the stream when one session is asked for. */
/**
 * It waits for a slot for its model call, or for the provider of its model: since when (epoch ms), and how many sessions came before it to
 * the same executor.
 */
export const SessionQueued = Type.Object(
  {
    since: Type.Integer(),
    ahead: Type.Integer(),
    throttled: Type.Optional(Type.String({ description: 'Why its provider is asked for nothing now' })),
  },
  closed,
)
export type SessionQueued = Static<typeof SessionQueued>

/** A tool call that has shown nothing since then (epoch ms); it goes on. */
export const SlowToolCall = Type.Object(
  { call: Type.String(), name: Type.String({ description: 'The tool' }), since: Type.Integer() },
  closed,
)
export type SlowToolCall = Static<typeof SlowToolCall>

export const SessionInfo = Type.Object(
  {
    id: SessionId,
    agent: Type.String(),
    digest: Type.String(),
    status: StatusSchema,
    title: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String()),
    parent: Type.Optional(Type.String()),
    model: Type.Optional(Type.String()),
    turns: Type.Integer(),
    usage: Usage,
    usd: Type.Optional(Type.Number({ description: 'What its models cost in US dollars, as far as prices are known' })),
    principal: Type.Optional(Type.String({ description: 'Who started it' })),
    forkedFrom: Type.Optional(
      Type.Object(
        {
          session: Type.String(),
          frame: Type.Integer({
            description: 'It goes on behind this frame of it. What it used is counted from there on',
          }),
        },
        closed,
      ),
    ),
    /** Nothing of what was said in it is left, or is going to be. */
    erased: Type.Optional(
      Type.Object(
        {
          by: Type.String({ description: 'Who ordered it' }),
          at: Type.Integer({ description: 'When; epoch ms' }),
          completed: Type.Boolean({ description: 'Whether it is done, for the whole tree; said of its root' }),
        },
        closed,
      ),
    ),
    /** In lists alone: what the archive holds of it could not be read when it was last looked at. */
    unreadable: Type.Optional(Type.Boolean()),
    createdAt: Type.Integer(),
    lastActivityAt: Type.Integer(),
    cursor: Type.Optional(CursorText),
    /** Calls that wait for a person; absent: none. */
    waiting: Type.Optional(
      Type.Array(
        Type.Object(
          {
            for: Type.Union([Type.Literal('approval'), Type.Literal('elicitation')]),
            call: Type.String(),
            name: Type.String({ description: 'The tool; of an elicitation, the server that asks' }),
            since: Type.Integer({ description: 'epoch ms' }),
            expiresAt: Type.Optional(Type.Integer({ description: 'epoch ms' })),
          },
          closed,
        ),
      ),
    ),
    /** Only of one session, never in a list: why it is in quarantine, and the frame that is the evidence. */
    quarantine: Type.Optional(
      Type.Object({ reason: Type.String(), frame: Type.Integer({ description: 'The number of the frame' }) }, closed),
    ),
    /** Only of one session, never in a list: its MCP servers, as their latest answer was. */
    servers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            server: Type.String(),
            status: Type.Union([Type.Literal('ready'), Type.Literal('unavailable')]),
            reason: Type.Optional(Type.String({ description: 'Why it is not available' })),
          },
          closed,
        ),
      ),
    ),
    /** Only of one session, never in a list: the plan of its model, as it is now. */
    plan: Type.Optional(Type.Object({ steps: Type.Array(PlanStep) }, closed)),
    /** Only of one session, never in a list: its limits, and what is used of them. */
    budget: Type.Optional(SessionBudget),
    /** Only of one session, never in a list. */
    queued: Type.Optional(SessionQueued),
    /** Only of one session, never in a list. */
    slow: Type.Optional(Type.Array(SlowToolCall)),
    /** Only of one session, never in a list: nobody serves the labels of its pool, so it waits. */
    unserved: Type.Optional(
      Type.Object(
        {
          service: Type.Union([Type.Literal('executor'), Type.Literal('tool-runner')]),
          labels: Type.Record(Type.String(), Type.String()),
          message: Type.String({ description: 'What it waits for, and the command that starts one' }),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type SessionInfo = Static<typeof SessionInfo>
export const SessionList = Type.Object(
  { sessions: Type.Array(SessionInfo), next: Type.Optional(Type.String()) },
  closed,
)
export type SessionList = Static<typeof SessionList>

/** Of memory, about other sessions: which were forked from it or from one below it, and which below it are not at rest. */
export interface Erasable {
  readonly forks: readonly string[]
  readonly busy: readonly string[]
}

/** `completed`: nothing is left already. Else memory is at it, and the session says when it is done. */
export const SessionErased = Type.Object(
  {
    ...{ id: SessionId, by: Type.String(), at: Type.Integer({ description: 'epoch ms' }) },
    ...{ completed: Type.Boolean(), cursor: CursorText },
  },
  closed,
)
export type SessionErased = Static<typeof SessionErased>

/** `cursor` lies before the first event that the request caused: reading from it shows all that follows. */
export const CreatedSession = Type.Object(
  { session: SessionInfo, messageId: Type.Optional(Type.String()), cursor: CursorText },
  closed,
)
export type CreatedSession = Static<typeof CreatedSession>

export const SendMessage = Type.Object(
  { content: MessageContent, images, onBusy: Type.Optional(OnBusy), ...output },
  closed,
)
export type SendMessage = Static<typeof SendMessage>
export const MessageAccepted = Type.Object({ messageId: Type.String(), cursor: CursorText }, closed)
export type MessageAccepted = Static<typeof MessageAccepted>

export const TurnResult = Type.Object(
  {
    turn: Type.Object(
      {
        id: Type.String(),
        status: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('cancelled')]),
        content: Type.String({
          description: 'The text of the answer; of a turn that failed for its form, the last one',
        }),
        result: Type.Optional(Type.Unknown({ description: 'The value of the answer, where it had to fit a schema' })),
        usage: Usage,
        reason: Type.Optional(Type.String()),
        error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
        problems: Type.Optional(Type.Array(Type.String({ description: 'Why the last answer does not fit' }))),
      },
      closed,
    ),
    messageId: Type.String(),
    cursor: CursorText,
  },
  closed,
)
export type TurnResult = Static<typeof TurnResult>

/** One event as every transport shows it. `n` counts frames from 1, `i` events inside one; `data` is as the event's schema says. */
export const ApiEvent = Type.Object(
  {
    cursor: CursorText,
    session: Type.Optional(Type.String({ description: 'Only when a tree is read' })),
    n: Type.Integer(),
    i: Type.Integer(),
    at: Type.Integer({ description: 'epoch ms' }),
    by: Type.String(),
    type: Type.String(),
    v: Type.Optional(Type.Integer({ description: 'The version of the type; absent: 1' })),
    trace: Type.Optional(
      Type.String({ description: 'W3C traceparent: the trace that it belongs to, where one was given' }),
    ),
    data: Type.Unknown(),
  },
  closed,
)
export type ApiEvent = Static<typeof ApiEvent>

/** A delta as streams show it: SSE event `delta`; on the WebSocket and in NDJSON `{type: "delta", cursor, data}`. */
export const ApiDelta = Type.Object(
  { cursor: CursorText, session: Type.Optional(Type.String()), type: Type.Literal('delta'), data: Delta },
  closed,
)
export type ApiDelta = Static<typeof ApiDelta>

/** What clients are told beside the log. */
const clientEvent = <const T extends string, Data extends TSchema>(type: T, data: Data) =>
  Type.Object({ type: Type.Literal(type), cursor: CursorText, session: Type.Optional(Type.String()), data }, closed)

/** A client event, not in the log: the answer's earlier attempt was lost, what was shown of it is void. */
export const AnswerRestarted = clientEvent(
  'answer.restarted',
  Type.Object({ call: Type.String(), attempt: Type.Integer() }, closed),
)
export type AnswerRestarted = Static<typeof AnswerRestarted>

/** A client event, not in the log: no executor has a slot for the session's model call; it waits, and goes on by itself. */
export const SessionQueuedHint = clientEvent('session.queued', SessionQueued)
export type SessionQueuedHint = Static<typeof SessionQueuedHint>

/** A client event, not in the log: a tool call has shown nothing for longer than its tool usually takes; it goes on. */
export const ToolSlowHint = clientEvent('tool.slow', SlowToolCall)
export type ToolSlowHint = Static<typeof ToolSlowHint>

export type StreamItem = ApiEvent | ApiDelta | AnswerRestarted | SessionQueuedHint | ToolSlowHint

export const EventPage = Type.Object(
  {
    events: Type.Array(ApiEvent),
    cursor: CursorText,
    more: Type.Boolean({ description: 'Whether further events were there already' }),
    unreadable: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Of a tree: sessions of which something cannot be read any more, and is left out here',
      }),
    ),
  },
  closed,
)
export type EventPage = Static<typeof EventPage>

/** A frame as the log has it, for audits: `events` are its bytes as text, over which `hash` was made (frame.ts, frameHash). */
export const ApiFrame = Type.Object(
  {
    seq: Type.Number({ description: 'Of a fork: below 1 where the frame is of the session that it was forked from' }),
    id: Type.String(),
    n: Type.Integer(),
    prev: Type.Number(),
    at: Type.Integer({ description: 'epoch ms' }),
    by: Type.String(),
    role: Type.Union([Type.Literal('g'), Type.Literal('e'), Type.Literal('t'), Type.Literal('m')]),
    needs: Type.Integer(),
    status: StatusSchema,
    pool: Type.String(),
    hash: Type.String(),
    seal: Type.Optional(Type.String({ description: 'The signature of the service that wrote it' })),
    events: Type.String(),
    fault: Type.Optional(Type.String({ description: 'Why it is no valid frame' })),
  },
  closed,
)
export type ApiFrame = Static<typeof ApiFrame>
export const FramePage = Type.Object({ frames: Type.Array(ApiFrame), more: Type.Boolean() }, closed)
export type FramePage = Static<typeof FramePage>

export const SessionState = Type.Object(
  { id: SessionId, cursor: CursorText, status: StatusSchema, state: Type.Unknown() },
  closed,
)
export type SessionState = Static<typeof SessionState>

export const ControlAccepted = Type.Object({ id: SessionId, status: StatusSchema, cursor: CursorText }, closed)
export type ControlAccepted = Static<typeof ControlAccepted>

export const PoolInfo = Type.Object(
  {
    key: Type.String(),
    labels: Type.Record(Type.String(), Type.String()),
    kind: Type.Union([Type.Literal('executor'), Type.Literal('tool-runner')]),
    /** Triggers that nobody has been given yet, and those that are being worked on. */
    backlog: Type.Integer(),
    inProgress: Type.Integer(),
    /** Age in ms of the oldest trigger that nobody has been given; absent when there is none. */
    oldestMs: Type.Optional(Type.Integer()),
    servedBy: Type.Array(
      Type.Object(
        {
          instance: Type.String(),
          /** Calls that it can run, and runs. */
          slots: Type.Integer(),
          busy: Type.Integer(),
          /** Sessions that wait there for a slot; absent: none. */
          queued: Type.Optional(Type.Integer()),
          /** ms that the first of them has waited. */
          queuedMs: Type.Optional(Type.Integer()),
          leaving: Type.Boolean(),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type PoolInfo = Static<typeof PoolInfo>
export const PoolList = Type.Object({ pools: Type.Array(PoolInfo) }, closed)
export type PoolList = Static<typeof PoolList>

/** What the last whole look at the archive found. */
export const ArchiveLook = Type.Object(
  {
    at: Type.Integer({ description: 'When it ended. epoch ms' }),
    sessions: Type.Integer({ description: 'How many were looked at' }),
    unreadable: Type.Integer({ description: 'How many of them cannot be read' }),
    named: Type.Array(Type.String(), { description: 'These, at most 1,000 of them' }),
  },
  closed,
)
export type ArchiveLook = Static<typeof ArchiveLook>

export const Health = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
    version: Type.String(),
    /** Part by part: ok, or what is wrong with it. */
    parts: Type.Record(Type.String(), Type.String()),
    defaultModel: Type.Optional(Type.String()),
    sandbox: Type.Optional(Type.String()),
    archive: Type.Optional(ArchiveLook),
  },
  closed,
)
export type Health = Static<typeof Health>

const OfTree = Type.String({
  ...{ minLength: 26, maxLength: 64 },
  description: 'A session of the same tree that waits, such as one below; absent: the one of the socket',
})

/**
 * WebSocket `/v1/sessions/:id/socket?after=`: the server sends StreamItems, one JSON text a frame, and answers with `{type: "reply", …}`.
 * The client sends commands; `ref` (any text) comes back in the reply.
 */
export const SocketCommand = Type.Union([
  Type.Object(
    {
      type: Type.Literal('message'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      content: MessageContent,
      images,
      onBusy: Type.Optional(OnBusy),
      ...output,
      idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('decide'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      session: Type.Optional(OfTree),
      call: Type.String({ minLength: 1, maxLength: maxNameChars }),
      ...DecideApproval.properties,
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('answer'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      session: Type.Optional(OfTree),
      ...AnswerElicitation.properties,
      elicitation_id: Type.String({ minLength: 1, maxLength: 128 }),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Union([Type.Literal('cancel'), Type.Literal('resume'), Type.Literal('release'), Type.Literal('end')]),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('pause'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      tree: Type.Optional(Type.Boolean({ description: 'With every session below that works' })),
    },
    closed,
  ),
  /** What waits for people in the tree of the session; the grants of a session of it. */
  Type.Object(
    {
      type: Type.Union([Type.Literal('approvals'), Type.Literal('elicitations')]),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      after: Type.Optional(Type.String({ maxLength: 500, description: 'The "next" of the page before' })),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('grants'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      session: Type.Optional(OfTree),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('revoke'),
      ref: Type.Optional(Type.String({ maxLength: 128 })),
      session: Type.Optional(OfTree),
      grant: Type.Optional(
        Type.String({ minLength: 1, maxLength: 128, description: 'The grant to revoke. Default: all of them' }),
      ),
    },
    closed,
  ),
])
export type SocketCommand = Static<typeof SocketCommand>

/**
 * Requests on `svc.memory.<verb>`; the reply is a `Reply`.
 *   sessions.list     { agent?, status?, limit, after? } -> SessionList
 *   sessions.tree     { root, limit, after? } -> IndexedTree
 *   approvals.list    { state?, agent?, session?, tree?, limit, after? } -> ApprovalList
 *   elicitations.list { state?, agent?, session?, tree?, limit, after? } -> AskedElicitationList
 *   usage.report      AskUsage -> UsageReport
 *   rebuild           {} -> RebuildProgress               (begins one, unless one is under way)
 *   rebuild.progress  {} -> RebuildProgress
 */
export type RebuildProgress =
  | { readonly kind: 'none' }
  /** `waiting`: why it does not go on just now; it does by itself. */
  | { readonly kind: 'running'; readonly frames: number; readonly of: number; readonly waiting?: string }
  | { readonly kind: 'done'; readonly frames: number }

export interface ListSessions {
  readonly only?: Only
  readonly agent?: string
  /** Runs of workflows alone. */
  readonly kind?: 'run'
  /** A session: with it all that belong to the same tree. */
  readonly tree?: string
  readonly status?: string
  /** Those that were erased alone. */
  readonly erased?: true
  readonly limit: number
  readonly after?: string
}
