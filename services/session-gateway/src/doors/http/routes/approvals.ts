// Calls that wait for people, and grants. Decode, call, encode.
import {
  ApprovalDecided,
  ApprovalList,
  approvalStates,
  DecideApproval,
  GrantList,
  GrantsRevoked,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { answered, writeStatuses } from '../outcomes.ts'
import { type Answer, json, type Route, route } from '../route.ts'
import { asking, idempotencyKey } from './sessions.ts'
import { waitingQuery, waitingRequest } from './waiting-lists.ts'

const closed = { additionalProperties: false } as const
const id = Type.String({ minLength: 1, maxLength: 1024 })

export function approvalRoutes({ approvals }: Api): readonly Route[] {
  return [
    route({
      ...operations.listApprovals,
      method: 'GET',
      path: '/v1/approvals',
      query: waitingQuery(approvalStates),
      answers: { 200: ApprovalList },
      handle: async ({ caller, query }) => json(200, await approvals.list(caller, waitingRequest(query))),
    }),
    route({
      ...operations.decideApproval,
      method: 'POST',
      path: '/v1/sessions/:id/approvals/:call',
      params: Type.Object({ id, call: id }, closed),
      headers: idempotencyKey,
      body: DecideApproval,
      answers: { 200: ApprovalDecided, 202: ApprovalDecided },
      handle: async (incoming): Promise<Answer> => {
        const { caller, params, body } = incoming
        return answered(
          await approvals.decide(caller, params.id, params.call, body, asking(incoming, undefined)),
          writeStatuses,
        )
      },
    }),
    route({
      ...operations.listGrants,
      method: 'GET',
      path: '/v1/sessions/:id/grants',
      params: Type.Object({ id }, closed),
      answers: { 200: GrantList },
      handle: async ({ caller, params }) => json(200, { grants: await approvals.grants(caller, params.id) }),
    }),
    route({
      ...operations.revokeGrants,
      method: 'DELETE',
      path: '/v1/sessions/:id/grants',
      params: Type.Object({ id }, closed),
      query: Type.Object(
        {
          grant: Type.Optional(
            Type.String({ minLength: 1, maxLength: 128, description: 'The grant to revoke. Default: all of them' }),
          ),
        },
        closed,
      ),
      headers: idempotencyKey,
      answers: { 200: GrantsRevoked, 202: GrantsRevoked },
      handle: async (incoming): Promise<Answer> =>
        answered(
          await approvals.revoke(
            incoming.caller,
            incoming.params.id,
            incoming.query.grant,
            asking(incoming, undefined),
          ),
          writeStatuses,
        ),
    }),
  ]
}
