// Webhooks: kept by the registry service, and sent by memory, which knows what became of each delivery.
import {
  type CreatedWebhook,
  type CreateWebhook,
  type Delivery,
  type DeliveryList,
  maxWebhooksOfOne,
  ReinsError,
  type Reply,
  serviceSubject,
  type TestedWebhook,
  type Webhook,
  type WebhookList,
} from '@reins/contracts'
import type { GatewayConfig } from '../ports.ts'
import { namesOf } from './access/names.ts'
import { allowsAll } from './access/needs.ts'
import type { SessionAgents } from './access/session-agents.ts'
import { onlyOf } from './reads/from-index.ts'
import { allowedTo, authorize, authorizeSome, type Caller } from './caller.ts'
import { operations } from './operations.ts'

export type WebhookParts = Pick<GatewayConfig, 'call' | 'admission'> & { readonly access: Pick<SessionAgents, 'among'> }

/** A test waits for its receiver. */
const testMs = 30_000

export class Webhooks {
  readonly #parts: WebhookParts

  constructor(parts: WebhookParts) {
    this.#parts = parts
  }

  async create(caller: Caller, { url, on }: CreateWebhook): Promise<CreatedWebhook> {
    authorize(caller, operations.createWebhook)
    this.#mustBeWritable()
    return this.#ask('registry', 'webhooks.create', {
      url,
      on,
      by: caller.by,
      ...(caller.permissions.includes('*') ? {} : { most: maxWebhooksOfOne }),
      ...(caller.said ? { said: caller.said } : {}),
      ...onlyOf(allowedTo(caller, operations.listSessions)),
    })
  }

  async list(caller: Caller): Promise<WebhookList> {
    const only = namesOf(authorizeSome(caller, operations.listWebhooks), 'webhook')
    const { webhooks, ...rest } = await this.#ask<WebhookList>('registry', 'webhooks.list', {})
    return { ...rest, webhooks: only ? webhooks.filter(({ id }) => only.includes(id)) : webhooks }
  }

  async show(caller: Caller, id: string): Promise<Webhook> {
    authorize(caller, operations.showWebhook, { webhook: id })
    return this.#ask('registry', 'webhooks.get', { id })
  }

  async delete(caller: Caller, id: string): Promise<{ readonly id: string }> {
    authorize(caller, operations.deleteWebhook, { webhook: id })
    this.#mustBeWritable()
    return this.#ask('registry', 'webhooks.delete', { id, by: caller.by })
  }

  async test(caller: Caller, id: string): Promise<TestedWebhook> {
    authorize(caller, operations.testWebhook, { webhook: id })
    return this.#ask('memory', 'webhooks.test', { id }, testMs)
  }

  async deliveries(caller: Caller, id: string | undefined, limit: number): Promise<DeliveryList> {
    const only = namesOf(authorizeSome(caller, operations.listDeliveries, { webhook: id }), 'webhook')
    const named = id === undefined ? {} : { id }
    const { deliveries } = await this.#ask<DeliveryList>('memory', 'webhooks.deliveries', {
      ...named,
      limit,
      ...(only && id === undefined ? { only } : {}),
    })
    return { deliveries: await this.#shown(caller, deliveries) }
  }

  /** Of which session a delivery tells is shown to whoever may read that. */
  async #shown(caller: Caller, deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const allowed = allowedTo(caller, operations.showSession)
    if (allowsAll(allowed)) return [...deliveries]
    const { access } = this.#parts
    const sessions = [...new Set(deliveries.flatMap(({ session }) => session ?? []))]
    const may = await Promise.all(sessions.map(async (one) => [one, await access.among(allowed, one)] as const))
    const readable = new Map(may)
    return deliveries.map((delivery) => {
      const { session, n: _n, i: _i, ...rest } = delivery
      return session === undefined || readable.get(session) ? delivery : rest
    })
  }

  #mustBeWritable(): void {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
  }

  async #ask<T>(service: 'registry' | 'memory', verb: string, request: unknown, withinMs?: number): Promise<T> {
    const reply: Reply<T> = await this.#parts.call<T>(serviceSubject(service, verb), request, withinMs)
    if (reply.ok) return reply.value
    const { code, message, details, next } = reply.error
    throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
  }
}
