// What sessions have used. Decode, call, encode.
import { type UsageGroup, UsageReport, usageGroups } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { json, type Route, route } from '../route.ts'

const time = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: `epoch ms: ${description}` }))

const usageQuery = Type.Object(
  {
    by: Type.Optional(
      Type.Unsafe<UsageGroup>(
        Type.Union(
          usageGroups.map((group) => Type.Literal(group)),
          { description: 'Default agent' },
        ),
      ),
    ),
    since: time('only turns that began to use something then or later'),
    until: time('only turns that began to use something before'),
    agent: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    principal: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    tree: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'A session: count it with all of its delegation tree' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Rows; default 100' })),
  },
  { additionalProperties: false },
)

export function usageRoutes({ reads }: Api): readonly Route[] {
  return [
    route({
      ...operations.reportUsage,
      method: 'GET',
      path: '/v1/usage',
      query: usageQuery,
      answers: { 200: UsageReport },
      handle: async ({ caller, query: { by = 'agent', limit = 100, ...only } }) =>
        json(200, await reads.usage(caller, { by, limit, ...only })),
    }),
  ]
}
