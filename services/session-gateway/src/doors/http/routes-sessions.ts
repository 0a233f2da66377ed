// Sessions: start, send, steer, read. Decode, call, encode.
import {
  ControlAccepted,
  CreatedSession,
  CreateSession,
  EventPage,
  FramePage,
  MessageAccepted,
  ReinsError,
  SendMessage,
  SessionInfo,
  SessionList,
  SessionState,
  statuses,
  TurnResult,
} from '@reins/contracts'
import { Type } from 'typebox'
import { negotiate } from './accept.ts'
import { type ControlVerb, controlVerbs } from '../../api/decisions.ts'
import { type Done, keyOf } from '../../api/idempotency.ts'
import { type Answer, type Circumstances, json, type Route, route } from './route.ts'
import type { SessionReads } from '../../api/session-reads.ts'
import type { Asking, SessionWrites } from '../../api/session-writes.ts'
import { type HttpForm, httpSink } from './http-sink.ts'
import type { Streams } from '../../streams/streams.ts'

const closed = { additionalProperties: false } as const
// What is no session id is simply no session: one answer for both.
const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1024 }) }, closed)
const waitQuery = Type.Object(
  {
    wait: Type.Optional(Type.Literal('turn', { description: 'Answer when the turn that holds the message has ended' })),
  },
  closed,
)
const cursor = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 512, description }))
const idempotencyKey = { 'Idempotency-Key': 'the request happens once for one key (24 h); the answer is repeated' }
const appendErrors = ['idempotency_conflict', 'unavailable'] as const

/** On create with wait=turn: the turn beside the session; the cursor then lies behind the turn. */
const CreatedSessionWithTurn = Type.Object(
  { ...CreatedSession.properties, turn: Type.Optional(TurnResult.properties.turn) },
  closed,
)

const streamForms = ['text/event-stream', 'application/x-ndjson'] as const

export interface SessionApi {
  readonly writes: SessionWrites
  readonly reads: SessionReads
  readonly streams: Streams
}

export const eventsQuery = Type.Object(
  {
    after: cursor('Only what comes behind this cursor; Last-Event-ID says the same'),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'Events of a JSON page; default 100' }),
    ),
    deltas: Type.Optional(Type.Boolean({ description: 'Streams: answers as they are being made; default true' })),
    tree: Type.Optional(Type.Boolean({ description: 'The session and everything delegated below it' })),
  },
  closed,
)

const framesQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only frames with a sequence above this one',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Frames of a page; default 100' })),
  },
  closed,
)

export const socketRoute = {
  method: 'GET',
  path: '/v1/sessions/:id/socket',
  summary: 'A WebSocket: StreamItems from the server, SocketCommands from the client, a reply for each',
  tag: 'sessions',
  permission: 'sessions:read',
  socket: true,
  params,
  query: Type.Omit(eventsQuery, ['limit']),
  answers: { 101: Type.Unknown() },
  errors: ['invalid_request', 'invalid_cursor', 'session_not_found', 'too_many_streams'],
} as const

export function sessionRoutes({ writes, reads, streams }: SessionApi): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/sessions',
      summary: 'Start a session, or with "instance" find the one that is there',
      tag: 'sessions',
      permission: 'sessions:write',
      query: waitQuery,
      body: CreateSession,
      headers: idempotencyKey,
      answers: { 200: CreatedSessionWithTurn, 201: CreatedSessionWithTurn },
      errors: ['invalid_request', 'agent_not_found', 'session_ended', 'body_too_large', 'timed_out', ...appendErrors],
      handle: async (incoming) =>
        done(await writes.create(incoming.body, asking(incoming, incoming.body, incoming.query.wait))),
    }),
    route({
      method: 'GET',
      path: '/v1/sessions',
      summary: 'List sessions, the latest first',
      tag: 'sessions',
      permission: 'sessions:read',
      query: Type.Object(
        {
          agent: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
          status: Type.Optional(Type.Union(statuses.map((status) => Type.Literal(status)))),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 50' })),
          after: Type.Optional(Type.String({ maxLength: 200, description: 'The "next" of the page before' })),
        },
        closed,
      ),
      answers: { 200: SessionList },
      errors: ['invalid_request', 'unavailable'],
      handle: async ({ query: { agent, status, limit = 50, after } }) =>
        json(
          200,
          await reads.list({
            limit,
            ...(agent === undefined ? {} : { agent }),
            ...(status === undefined ? {} : { status }),
            ...(after === undefined ? {} : { after }),
          }),
        ),
    }),
    route({
      method: 'GET',
      path: '/v1/sessions/:id',
      summary: 'Show a session, from its stream',
      tag: 'sessions',
      permission: 'sessions:read',
      params,
      answers: { 200: SessionInfo },
      errors: ['session_not_found', 'unavailable'],
      handle: async ({ params: { id } }) => json(200, await reads.info(id)),
    }),
    route({
      method: 'GET',
      path: '/v1/sessions/:id/state',
      summary: 'The folded state at any event',
      tag: 'sessions',
      permission: 'sessions:read',
      params,
      query: Type.Object({ at: cursor('Behind which event; without it the end') }, closed),
      answers: { 200: SessionState },
      errors: ['session_not_found', 'invalid_cursor', 'unavailable'],
      handle: async ({ params: { id }, query: { at } }) => json(200, await reads.state(id, at)),
    }),
    route({
      method: 'POST',
      path: '/v1/sessions/:id/messages',
      summary: 'Send a message',
      tag: 'sessions',
      permission: 'sessions:write',
      params,
      query: waitQuery,
      body: SendMessage,
      headers: idempotencyKey,
      answers: { 200: TurnResult, 202: MessageAccepted },
      errors: [
        'invalid_request',
        'session_not_found',
        'session_ended',
        'session_busy',
        'body_too_large',
        'timed_out',
        ...appendErrors,
      ],
      handle: async (incoming) =>
        done(
          await writes.send(incoming.params.id, incoming.body, asking(incoming, incoming.body, incoming.query.wait)),
        ),
    }),
    ...controlVerbs.map((verb) => controlRoute(writes, verb)),
    route({
      method: 'GET',
      path: '/v1/sessions/:id/events',
      summary: 'Events: a JSON page, or by Accept a stream (SSE, NDJSON) of history and then of what comes',
      tag: 'sessions',
      permission: 'sessions:read',
      params,
      query: eventsQuery,
      headers: { 'Last-Event-ID': 'a cursor, as "after" in the query; it wins' },
      answers: { 200: EventPage },
      streams: streamForms,
      errors: ['invalid_request', 'session_not_found', 'invalid_cursor', 'too_many_streams', 'unavailable'],
      handle: async ({ params: { id }, query, headers, reply }): Promise<Answer> => {
        const form = negotiate(headers.accept, ['application/json', ...streamForms])
        const after = lastEventId(headers['last-event-id']) ?? query.after
        const tree = query.tree ?? false
        if (form === 'application/json') return json(200, await reads.page(id, after, query.limit ?? 100, tree))
        if (query.limit !== undefined)
          throw new ReinsError(
            'invalid_request',
            'The query is not valid: limit: is for JSON pages, streams have none.',
          )
        const opening = await streams.open({ session: id, after, deltas: query.deltas ?? true, tree })
        const http: HttpForm = form === 'text/event-stream' ? 'sse' : 'ndjson'
        reply.hijack()
        opening.start(httpSink(reply.raw, http, { 'x-request-id': reply.request.id }))
        return 'streaming'
      },
    }),
    route({
      method: 'GET',
      path: '/v1/sessions/:id/frames',
      summary: 'The frames as the log has them, with their hashes: for audits, which re-check the chain themselves',
      tag: 'sessions',
      permission: 'sessions:read',
      params,
      query: framesQuery,
      answers: { 200: FramePage },
      errors: ['invalid_request', 'session_not_found', 'unavailable'],
      handle: async ({ params: { id }, query }): Promise<Answer> =>
        json(200, await reads.frames(id, query.after ?? 0, query.limit ?? 100)),
    }),
  ]
}

function controlRoute(writes: SessionWrites, verb: ControlVerb): Route {
  return route({
    method: 'POST',
    path: `/v1/sessions/:id/${verb}`,
    summary: summaries[verb],
    tag: 'sessions',
    permission: 'sessions:write',
    params,
    headers: idempotencyKey,
    answers: { 200: ControlAccepted, 202: ControlAccepted },
    errors: ['session_not_found', 'session_ended', 'session_conflict', ...appendErrors],
    handle: async (incoming) => done(await writes.control(incoming.params.id, verb, asking(incoming, {}, undefined))),
  })
}

const summaries: Readonly<Record<ControlVerb, string>> = {
  cancel: 'Cancel the turn, and every message that was accepted before',
  pause: 'Pause: nothing new is started until it is resumed',
  resume: 'Resume a paused session',
  release: 'Release a quarantined session',
  end: 'End the session for good',
}

const done = ({ status, body }: Done): Answer => json(status, body)

function asking(incoming: Circumstances, body: unknown, wait: 'turn' | undefined): Asking {
  const { caller, headers, target } = incoming
  const key = keyOf(headers['idempotency-key'])
  return {
    caller,
    keyed: key === undefined ? undefined : { key, target, body },
    trace: traceOf(headers.traceparent),
    wait: wait === 'turn' ? incoming.signal() : undefined,
  }
}

const traceOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header) ? header : undefined

const lastEventId = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined
