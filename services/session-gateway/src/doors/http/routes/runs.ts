// Runs of workflows over HTTP. Decode, call, encode.
import { DeliverToRun, RunDelivered, RunList, StartedRun, StartRun, WorkflowRun } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { errorOf, firstOf } from '../../../api/outcomes.ts'
import { answered, writeStatuses } from '../outcomes.ts'
import { pageQuery } from '../page-query.ts'
import { json, type Route, route } from '../route.ts'
import { asking, idempotencyKey } from './sessions.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1024 }) }, closed)
const waitQuery = Type.Object(
  { wait: Type.Optional(Type.Literal('result', { description: 'Answer when the run has ended' })) },
  closed,
)

export function runRoutes({ runs }: Api): readonly Route[] {
  return [
    route({
      ...operations.startRun,
      method: 'POST',
      path: '/v1/runs',
      query: waitQuery,
      body: StartRun,
      headers: idempotencyKey,
      answers: { 200: StartedRun, 202: StartedRun },
      handle: async (incoming) => {
        const { caller, body, query } = incoming
        const options = asking(incoming, undefined)
        if (query.wait !== undefined) return json(200, await runs.startToEnd(caller, body, options, incoming.signal()))
        const outcome = await runs.start(caller, body, options)
        if (outcome.kind === 'refused') throw errorOf(outcome)
        return json(202, firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome).receipt)
      },
    }),
    route({
      ...operations.listRuns,
      method: 'GET',
      path: '/v1/runs',
      query: Type.Object(
        {
          workflow: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
          ...pageQuery(50),
        },
        closed,
      ),
      answers: { 200: RunList },
      handle: async ({ caller, query: { workflow, limit = 50, after } }) =>
        json(
          200,
          await runs.list(caller, {
            limit,
            ...(workflow === undefined ? {} : { workflow }),
            ...(after === undefined ? {} : { after }),
          }),
        ),
    }),
    route({
      ...operations.showRun,
      method: 'GET',
      path: '/v1/runs/:id',
      params,
      query: waitQuery,
      answers: { 200: WorkflowRun },
      handle: async (incoming) => {
        const { caller, params, query } = incoming
        const waits = query.wait !== undefined
        return json(
          200,
          await (waits ? runs.ended(caller, params.id, incoming.signal()) : runs.show(caller, params.id)),
        )
      },
    }),
    route({
      ...operations.deliverToRun,
      method: 'POST',
      path: '/v1/runs/:id/deliveries',
      params,
      body: DeliverToRun,
      headers: idempotencyKey,
      answers: { 200: RunDelivered, 202: RunDelivered },
      handle: async (incoming) =>
        answered(
          await runs.deliver(incoming.caller, incoming.params.id, incoming.body, asking(incoming, undefined)),
          writeStatuses,
        ),
    }),
  ]
}
