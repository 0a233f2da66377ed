// Sessions under the names that clients of another harness know: an execution is a session, and cancelling it ends it for good.
//   RX1. Each route is an operation on sessions, under another path: nothing is asked, allowed or refused here that is not there too.
import { ControlAccepted, ReinsError, SessionInfo, SessionList, statusOfWord, validStatusWords } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { controlAnswer } from '../outcomes.ts'
import { pageQuery } from '../page-query.ts'
import { json, type Route, route } from '../route.ts'
import { asking, idempotencyKey } from './sessions.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1024 }) }, closed)

const query = Type.Object(
  {
    state: Type.Optional(
      Type.String({ maxLength: 20, description: 'A status; also RUNNING, PAUSED, COMPLETED, CANCELLED, FAILED' }),
    ),
    ...pageQuery(50),
  },
  closed,
)

interface Page {
  readonly state?: string
  readonly limit?: number
  readonly after?: string
}

export function executionRoutes({ writes, reads }: Api): readonly Route[] {
  const list = { ...operations.listSessions, method: 'GET', query, answers: { 200: SessionList } } as const
  return [
    route({
      ...list,
      path: '/agents/sessions',
      handle: async ({ caller, query }) => json(200, await reads.list(caller, asked(query))),
    }),
    route({
      ...list,
      path: '/agents/:name/sessions',
      params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) }, closed),
      names: { name: 'agent' },
      handle: async ({ caller, params: { name }, query }) =>
        json(200, await reads.list(caller, { ...asked(query), agent: name })),
    }),
    route({
      ...operations.showSession,
      method: 'GET',
      path: '/executions/:id',
      params,
      answers: { 200: SessionInfo },
      handle: async ({ caller, params: { id } }) => json(200, await reads.info(caller, id)),
    }),
    route({
      ...operations.end,
      method: 'POST',
      path: '/executions/:id/cancel',
      params,
      headers: idempotencyKey,
      answers: { 200: ControlAccepted, 202: ControlAccepted },
      handle: async (incoming) =>
        controlAnswer(await writes.control(incoming.caller, incoming.params.id, 'end', asking(incoming, undefined))),
    }),
  ]
}

function asked({ state, limit = 50, after }: Page) {
  const status = state === undefined ? undefined : statusOfWord(state)
  if (state !== undefined && status === undefined)
    throw new ReinsError('invalid_request', `The query is not valid: state: ${validStatusWords}`)
  return { limit, ...(status === undefined ? {} : { status }), ...(after === undefined ? {} : { after }) }
}
