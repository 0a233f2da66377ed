// The audit over HTTP. Decode, call, encode.
import { AuditPage, PrincipalName } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { pageQuery } from '../page-query.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const

export function auditRoutes({ access }: Pick<Api, 'access'>): readonly Route[] {
  return [
    route({
      ...operations.readAudit,
      method: 'GET',
      path: '/v1/audit',
      query: Type.Object(
        {
          since: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description: 'epoch ms; default: a day ago' }),
          ),
          principal: Type.Optional(PrincipalName),
          denied: Type.Optional(Type.Boolean({ description: 'Only what was denied' })),
          ...pageQuery(100, 100),
        },
        closed,
      ),
      answers: { 200: AuditPage },
      handle: async ({ query: { since, principal, denied = false, limit = 100, after }, caller }) =>
        json(200, await access.audit(caller, { since, principal, denied, limit, after })),
    }),
  ]
}
