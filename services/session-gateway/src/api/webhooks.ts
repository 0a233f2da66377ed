// Webhooks: kept by the registry service, and sent by memory, which knows what became of each delivery.
import {
  type CreatedWebhook,
  type CreateWebhook,
  type DeliveryList,
  ReinsError,
  type Reply,
  serviceSubject,
  type TestedWebhook,
  type Webhook,
  type WebhookList,
} from '@reins/contracts'
import type { GatewayConfig } from '../ports.ts'
import { namesOf } from './access/names.ts'
import { onlyOf } from './reads/from-index.ts'
import { allowedTo, authorize, authorizeSome, type Caller } from './caller.ts'
import { operations } from './operations.ts'

export type WebhookParts = Pick<GatewayConfig, 'call' | 'admission'>

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
    return this.#ask('memory', 'webhooks.deliveries', {
      ...named,
      limit,
      ...(only && id === undefined ? { only } : {}),
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
