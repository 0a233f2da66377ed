// Sessions: start, send, steer, read. Decode, call, encode.
import {
  ControlAccepted,
  CreatedSession,
  CreateSession,
  EventPage,
  ForkSession,
  FramePage,
  MessageAccepted,
  maxMessageBodyBytes,
  maxCursorChars,
  RaiseBudget,
  ReinsError,
  SendMessage,
  SessionErased,
  SessionInfo,
  SessionList,
  SessionPrompt,
  SessionState,
  SessionTree,
  SessionUpgraded,
  statuses,
  TreeStop,
  TurnResult,
  UpgradeSession,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { type ContextVerb, type ControlVerb, contextVerbs, controlVerbs } from '../../../api/sessions/decisions.ts'
import type { WriteOptions } from '../../../api/sessions/session-writes.ts'
import type { Streams } from '../../../streams/streams.ts'
import { negotiate } from '../accept.ts'
import { answered, controlAnswer, createAnswer, messageAnswer, writeStatuses } from '../outcomes.ts'
import { pageQuery } from '../page-query.ts'
import { type Answer, type Circumstances, json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
// What is no session id is simply no session: one answer for both.
const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1024 }) }, closed)
const waitQuery = Type.Object(
  {
    wait: Type.Optional(Type.Literal('turn', { description: 'Answer when the turn that holds the message has ended' })),
  },
  closed,
)
const cursor = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: maxCursorChars, description }))
export const idempotencyKey = {
  'Idempotency-Key': 'the request happens once for one key (24 h); the answer is repeated',
}

/** On create with wait=turn: the turn beside the session; the cursor then lies behind the turn. */
const CreatedSessionWithTurn = Type.Object(
  { ...CreatedSession.properties, turn: Type.Optional(TurnResult.properties.turn) },
  closed,
)

const streamForms = ['text/event-stream', 'application/x-ndjson'] as const

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

const maxOutputPage = 1024 * 1024

const framesQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only frames with a sequence above this one; of frames from before a fork it is below 1',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Frames of a page; default 100' })),
  },
  closed,
)

const promptQuery = Type.Object(
  {
    call: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'The id of a model call; without it the latest' }),
    ),
    attempt: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, description: 'Which attempt of the call; without it the latest' }),
    ),
  },
  closed,
)

export const socketRoute = {
  ...operations.openSocket,
  method: 'GET',
  path: '/v1/sessions/:id/socket',
  socket: true,
  params,
  query: Type.Omit(eventsQuery, ['limit']),
  answers: { 101: Type.Unknown() },
} as const

const outputQuery = Type.Object(
  {
    offset: Type.Optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Bytes to leave out; default 0' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: maxOutputPage, description: 'Bytes of a page; default and most 1 MiB' }),
    ),
  },
  closed,
)
/** What a tool printed may be anything: no browser runs it, guesses what it is, or shows it as a page of this server. */
const harmless = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'content-disposition': 'attachment; filename="output.txt"',
  'content-security-policy': "sandbox; default-src 'none'",
}

export function sessionRoutes(
  { writes, upgrades, erasures, forks, reads, trees, outputs, prompts }: Api,
  streams: Streams,
): readonly Route[] {
  return [
    route({
      ...operations.createSession,
      method: 'POST',
      path: '/v1/sessions',
      query: waitQuery,
      body: CreateSession,
      maxBodyBytes: maxMessageBodyBytes,
      headers: idempotencyKey,
      answers: { 200: CreatedSessionWithTurn, 201: CreatedSessionWithTurn },
      handle: async (incoming) =>
        createAnswer(await writes.create(incoming.caller, incoming.body, asking(incoming, incoming.query.wait))),
    }),
    route({
      ...operations.listSessions,
      method: 'GET',
      path: '/v1/sessions',
      query: Type.Object(
        {
          agent: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
          status: Type.Optional(Type.Union(statuses.map((status) => Type.Literal(status)))),
          tree: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 64,
              description: 'A session: list it with all of its delegation tree',
            }),
          ),
          erased: Type.Optional(Type.Literal(true, { description: 'List only sessions that were erased' })),
          ...pageQuery(50),
        },
        closed,
      ),
      answers: { 200: SessionList },
      handle: async ({ caller, query: { agent, status, tree, erased, limit = 50, after } }) =>
        json(
          200,
          await reads.list(caller, {
            limit,
            ...(agent === undefined ? {} : { agent }),
            ...(status === undefined ? {} : { status }),
            ...(tree === undefined ? {} : { tree }),
            ...(erased === undefined ? {} : { erased }),
            ...(after === undefined ? {} : { after }),
          }),
        ),
    }),
    route({
      ...operations.showSession,
      method: 'GET',
      path: '/v1/sessions/:id',
      params,
      answers: { 200: SessionInfo },
      handle: async ({ caller, params: { id } }) => json(200, await reads.info(caller, id)),
    }),
    route({
      ...operations.eraseSession,
      method: 'DELETE',
      path: '/v1/sessions/:id',
      params,
      headers: idempotencyKey,
      answers: { 200: SessionErased, 202: SessionErased },
      handle: async (incoming) =>
        answered(await erasures.erase(incoming.caller, incoming.params.id, asking(incoming, undefined)), writeStatuses),
    }),
    route({
      ...operations.showTree,
      method: 'GET',
      path: '/v1/sessions/:id/tree',
      params,
      answers: { 200: SessionTree },
      handle: async ({ caller, params: { id } }) => json(200, await trees.tree(caller, id)),
    }),
    route({
      ...operations.showStop,
      method: 'GET',
      path: '/v1/sessions/:id/stop',
      params,
      query: Type.Object(
        {
          wait: Type.Optional(
            Type.Boolean({ description: 'Answer when every session has said that it has stopped, or after a minute' }),
          ),
        },
        closed,
      ),
      answers: { 200: Type.Object({ stop: Type.Union([TreeStop, Type.Null()]) }, closed) },
      handle: async (incoming) => {
        const { caller, params, query } = incoming
        return json(200, { stop: await trees.stop(caller, params.id, query.wait ? incoming.signal() : undefined) })
      },
    }),
    route({
      ...operations.showState,
      method: 'GET',
      path: '/v1/sessions/:id/state',
      params,
      query: Type.Object({ at: cursor('Behind which event; without it the end') }, closed),
      answers: { 200: SessionState },
      handle: async ({ caller, params: { id }, query: { at } }) => json(200, await reads.state(caller, id, at)),
    }),
    route({
      ...operations.sendMessage,
      method: 'POST',
      path: '/v1/sessions/:id/messages',
      params,
      query: waitQuery,
      body: SendMessage,
      maxBodyBytes: maxMessageBodyBytes,
      headers: idempotencyKey,
      answers: { 200: TurnResult, 202: MessageAccepted },
      handle: async (incoming) => {
        const { caller, params, body, query } = incoming
        return messageAnswer(await writes.send(caller, params.id, body, asking(incoming, query.wait)))
      },
    }),
    route({
      ...operations.forkSession,
      method: 'POST',
      path: '/v1/sessions/:id/fork',
      params,
      query: waitQuery,
      body: ForkSession,
      headers: idempotencyKey,
      answers: { 201: CreatedSessionWithTurn },
      handle: async (incoming) => {
        const { caller, params, body, query } = incoming
        return createAnswer(await forks.fork(caller, params.id, body, asking(incoming, query.wait)))
      },
    }),
    route({
      ...operations.upgradeSession,
      method: 'POST',
      path: '/v1/sessions/:id/upgrade',
      params,
      body: UpgradeSession,
      headers: idempotencyKey,
      answers: { 200: SessionUpgraded, 202: SessionUpgraded },
      handle: async (incoming) => {
        const { caller, params, body } = incoming
        return answered(await upgrades.upgrade(caller, params.id, body, asking(incoming, undefined)), writeStatuses)
      },
    }),
    route({
      ...operations.raiseBudget,
      method: 'POST',
      path: '/v1/sessions/:id/budget',
      params,
      body: RaiseBudget,
      headers: idempotencyKey,
      answers: { 200: ControlAccepted, 202: ControlAccepted },
      handle: async (incoming) =>
        controlAnswer(
          await writes.raiseBudget(incoming.caller, incoming.params.id, incoming.body, asking(incoming, undefined)),
        ),
    }),
    ...[...controlVerbs, ...contextVerbs].map((verb) => controlRoute(writes, verb)),
    route({
      ...operations.readEvents,
      method: 'GET',
      path: '/v1/sessions/:id/events',
      params,
      query: eventsQuery,
      headers: { 'Last-Event-ID': 'a cursor, as "after" in the query; it wins' },
      answers: { 200: EventPage },
      streams: streamForms,
      handle: async ({ caller, params: { id }, query, headers }): Promise<Answer> => {
        const form = negotiate(headers.accept, ['application/json', ...streamForms])
        const after = lastEventId(headers['last-event-id']) ?? query.after
        const tree = query.tree ?? false
        if (form === 'application/json') return json(200, await reads.page(caller, id, after, query.limit ?? 100, tree))
        if (query.limit !== undefined)
          throw new ReinsError(
            'invalid_request',
            'The query is not valid: limit: applies to JSON pages only; a stream has no limit.',
          )
        const opening = await streams.open(caller, { session: id, after, deltas: query.deltas ?? true, tree })
        return { opening, form: form === 'text/event-stream' ? 'sse' : 'ndjson' }
      },
    }),
    route({
      ...operations.readFrames,
      method: 'GET',
      path: '/v1/sessions/:id/frames',
      params,
      query: framesQuery,
      answers: { 200: FramePage },
      handle: async ({ caller, params: { id }, query }): Promise<Answer> =>
        json(200, await reads.frames(caller, id, query.after ?? 0, query.limit ?? 100)),
    }),
    route({
      ...operations.readPrompt,
      method: 'GET',
      path: '/v1/sessions/:id/prompt',
      params,
      query: promptQuery,
      answers: { 200: SessionPrompt },
      handle: async ({ caller, params: { id }, query }): Promise<Answer> =>
        json(200, await prompts.prompt(caller, id, query)),
    }),
    route({
      ...operations.readOutput,
      method: 'GET',
      path: '/v1/sessions/:id/outputs/:ref',
      params: Type.Object(
        {
          ...params.properties,
          ref: Type.String({
            minLength: 1,
            maxLength: 200,
            description: 'The ref of an event tool-call.completed, or the id of its call',
          }),
        },
        closed,
      ),
      query: outputQuery,
      answers: { 200: 'text/plain' },
      handle: async ({ caller, params: { id, ref }, query }): Promise<Answer> => {
        const page = await outputs.page(caller, id, ref, query.offset ?? 0, query.limit ?? maxOutputPage)
        const headers = { ...harmless, 'reins-output-ref': page.ref, 'reins-output-bytes': String(page.size) }
        return { status: 200, bytes: page.bytes, headers }
      },
    }),
  ]
}

const pauseQuery = Type.Object(
  {
    tree: Type.Optional(
      Type.Boolean({ description: 'With every session below that works; a resume lets those go on' }),
    ),
  },
  closed,
)

function controlRoute(writes: Api['writes'], verb: ControlVerb | ContextVerb): Route {
  return route({
    ...operations[verb],
    method: 'POST',
    path: `/v1/sessions/:id/${verb}`,
    params,
    ...(verb === 'pause' ? { query: pauseQuery } : {}),
    headers: idempotencyKey,
    answers: { 200: ControlAccepted, 202: ControlAccepted },
    handle: async (incoming) => {
      const { tree } = (incoming as { readonly query?: { readonly tree?: boolean } }).query ?? {}
      const options = { ...asking(incoming, undefined), ...(tree ? { tree } : {}) }
      return controlAnswer(await writes.control(incoming.caller, incoming.params.id, verb, options))
    },
  })
}

export function asking(incoming: Circumstances, wait: 'turn' | undefined): WriteOptions {
  const key = textOf(incoming.headers['idempotency-key'])
  const trace = traceOf(incoming.headers.traceparent)
  return {
    ...(key === undefined ? {} : { key }),
    ...(trace === undefined ? {} : { trace }),
    ...(wait === 'turn' ? { wait: incoming.signal() } : {}),
  }
}

const textOf = (header: string | readonly string[] | undefined): string | undefined =>
  header === undefined || typeof header === 'string' ? header : header.join(',')

const traceOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header) ? header : undefined

const lastEventId = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined
