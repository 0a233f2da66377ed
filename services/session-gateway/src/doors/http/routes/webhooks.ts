// Webhooks over HTTP. Decode, call, encode.
import { CreatedWebhook, CreateWebhook, DeliveryList, TestedWebhook, Webhook, WebhookList } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, closed)
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' }))

export function webhookRoutes({ webhooks }: Api): readonly Route[] {
  return [
    route({
      ...operations.createWebhook,
      method: 'POST',
      path: '/v1/webhooks',
      body: CreateWebhook,
      answers: { 201: CreatedWebhook },
      handle: async ({ body, caller }) => json(201, await webhooks.create(caller, body)),
    }),
    route({
      ...operations.listWebhooks,
      method: 'GET',
      path: '/v1/webhooks',
      answers: { 200: WebhookList },
      handle: async ({ caller }) => json(200, await webhooks.list(caller)),
    }),
    route({
      ...operations.showWebhook,
      method: 'GET',
      path: '/v1/webhooks/:id',
      params,
      answers: { 200: Type.Object({ webhook: Webhook }, closed) },
      handle: async ({ params: { id }, caller }) => json(200, { webhook: await webhooks.show(caller, id) }),
    }),
    route({
      ...operations.deleteWebhook,
      method: 'DELETE',
      path: '/v1/webhooks/:id',
      params,
      answers: { 200: Type.Object({ id: Type.String() }, closed) },
      handle: async ({ params: { id }, caller }) => json(200, await webhooks.delete(caller, id)),
    }),
    route({
      ...operations.testWebhook,
      method: 'POST',
      path: '/v1/webhooks/:id/test',
      params,
      answers: { 200: TestedWebhook },
      handle: async ({ params: { id }, caller }) => json(200, await webhooks.test(caller, id)),
    }),
    route({
      ...operations.listDeliveries,
      method: 'GET',
      path: '/v1/webhook-deliveries',
      query: Type.Object({ webhook: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })), limit }, closed),
      answers: { 200: DeliveryList },
      handle: async ({ query: { webhook, limit: most = 100 }, caller }) =>
        json(200, await webhooks.deliveries(caller, webhook, most)),
    }),
  ]
}
