// Webhooks as typed calls.
import type {
  CreatedWebhook,
  CreateWebhook,
  Delivery,
  DeliveryList,
  TestedWebhook,
  Webhook,
  WebhookList,
} from '@reins/contracts'
import { answers } from './answers.ts'
import type { Transport } from './transport/transport.ts'

export interface WebhookCalls {
  /** The answer shows the secret with which deliveries are signed; nothing shows it again. */
  create(body: CreateWebhook): Promise<CreatedWebhook>
  get(id: string): Promise<Webhook>
  list(): Promise<readonly Webhook[]>
  delete(id: string): Promise<void>
  /** Sends a `webhook.test` now, once, and answers with what came of it. */
  test(id: string): Promise<Delivery>
  /** The latest first: of one webhook, or of all. */
  deliveries(query?: { readonly webhook?: string; readonly limit?: number }): Promise<readonly Delivery[]>
}

export function webhookCalls(transport: Transport): WebhookCalls {
  const path = '/v1/webhooks'
  const at = (id: string): string => `${path}/${encodeURIComponent(id)}`
  return {
    create: (body) => transport.json<CreatedWebhook>({ method: 'POST', path, body }, answers.webhookCreated),
    get: async (id) =>
      (await transport.json<{ webhook: Webhook }>({ method: 'GET', path: at(id) }, answers.webhook)).webhook,
    list: async () => (await transport.json<WebhookList>({ method: 'GET', path }, answers.webhooks)).webhooks,
    async delete(id) {
      await transport.json({ method: 'DELETE', path: at(id) }, answers.anything)
    },
    test: async (id) =>
      (await transport.json<TestedWebhook>({ method: 'POST', path: `${at(id)}/test` }, answers.delivery)).delivery,
    deliveries: async (query = {}) =>
      (await transport.json<DeliveryList>({ method: 'GET', path: '/v1/webhook-deliveries', query }, answers.deliveries))
        .deliveries,
  }
}
