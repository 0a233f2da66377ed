// Secrets and configs over HTTP. Decode, call, encode.
import {
  Config,
  ConfigAnswer,
  ConfigList,
  KeyRotation,
  PutConfig,
  PutSecret,
  SecretAnswer,
  SecretInfo,
  SecretList,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { pageQuery } from '../page-query.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }) }, closed)
const page = Type.Object(
  {
    ...pageQuery(100),
  },
  closed,
)
const removed = Type.Object({ name: Type.String() }, closed)

export function valueRoutes({ values }: Api): readonly Route[] {
  return [
    route({
      ...operations.putSecret,
      method: 'PUT',
      path: '/v1/secrets/:name',
      params,
      body: PutSecret,
      bodyCheckedLater: true,
      answers: { 200: SecretAnswer, 201: SecretAnswer },
      handle: async ({ params: { name }, body, caller }) => {
        const answer = await values.putSecret(caller, name, body)
        return json(answer.outcome === 'created' ? 201 : 200, answer)
      },
    }),
    route({
      ...operations.showSecret,
      method: 'GET',
      path: '/v1/secrets/:name',
      params,
      answers: { 200: Type.Object({ secret: SecretInfo }, closed) },
      handle: async ({ params: { name }, caller }) => json(200, { secret: await values.showSecret(caller, name) }),
    }),
    route({
      ...operations.deleteSecret,
      method: 'DELETE',
      path: '/v1/secrets/:name',
      params,
      answers: { 200: removed },
      handle: async ({ params: { name }, caller }) => json(200, await values.deleteSecret(caller, name)),
    }),
    route({
      ...operations.listSecrets,
      method: 'GET',
      path: '/v1/secrets',
      query: page,
      answers: { 200: SecretList },
      handle: async ({ query: { limit = 100, after }, caller }) =>
        json(200, await values.listSecrets(caller, { limit, after })),
    }),
    route({
      ...operations.rotateSecretsKey,
      method: 'POST',
      path: '/v1/secrets-key/rotate',
      answers: { 200: KeyRotation },
      handle: async ({ caller }) => json(200, await values.rotateKey(caller)),
    }),
    route({
      ...operations.putConfig,
      method: 'PUT',
      path: '/v1/configs/:name',
      params,
      body: PutConfig,
      answers: { 200: ConfigAnswer, 201: ConfigAnswer },
      handle: async ({ params: { name }, body: { value }, caller }) => {
        const answer = await values.putConfig(caller, name, value)
        return json(answer.outcome === 'created' ? 201 : 200, answer)
      },
    }),
    route({
      ...operations.showConfig,
      method: 'GET',
      path: '/v1/configs/:name',
      params,
      answers: { 200: Type.Object({ config: Config }, closed) },
      handle: async ({ params: { name }, caller }) => json(200, { config: await values.showConfig(caller, name) }),
    }),
    route({
      ...operations.deleteConfig,
      method: 'DELETE',
      path: '/v1/configs/:name',
      params,
      answers: { 200: removed },
      handle: async ({ params: { name }, caller }) => json(200, await values.deleteConfig(caller, name)),
    }),
    route({
      ...operations.listConfigs,
      method: 'GET',
      path: '/v1/configs',
      query: page,
      answers: { 200: ConfigList },
      handle: async ({ query: { limit = 100, after }, caller }) =>
        json(200, await values.listConfigs(caller, { limit, after })),
    }),
  ]
}
