// Webhooks: whom to tell of which events. The secret with which deliveries are signed stays here: memory, which sends them, asks for
// signatures.
//   WE1. The secret is in clear only in the answer to whoever makes the webhook, and while something is signed.
import { createHmac } from 'node:crypto'
import {
  type CreatedWebhook,
  eventTypes,
  isNews,
  type KeptWebhook,
  maxWebhooks,
  type Only,
  ReinsError,
  type Said,
  type SignWebhook,
  suggestion,
  type Webhook,
  WebhookEntry,
  type WebhookList,
  webhookUrlProblem,
} from '@reins/contracts'
import { openSecret, sealSecret } from '@reins/secrets'
import type { RegistryLog } from '../registry-log.ts'
import { Entries } from './entries.ts'
import type { Wrapped } from './key-rotation.ts'
import type { Keys } from './keys.ts'

export interface WebhooksOptions {
  readonly log: RegistryLog
  readonly keys: Keys
  readonly now: () => number
  /** A new id, of letters and digits. */
  readonly makeId: () => string
  /** Where the streams of sessions end: a webhook is told of what comes behind that. */
  readonly sessionsAt: () => Promise<Pick<KeptWebhook, 'after' | 'places'>>
  /** Whether the operator allows addresses that are not public. */
  readonly allowPrivate: boolean
}

export interface MadeWith {
  readonly only?: Only | undefined
  readonly most?: number | undefined
  readonly said?: Said | undefined
}

/** Of a webhook's secret, to which its record is bound. No secret has a name with a colon. */
const webhookLabel = (id: string): string => `webhook:${id}`

const prefix = 'whsec_'

export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #entries: Entries<typeof WebhookEntry, WebhookEntry>

  constructor(options: WebhooksOptions) {
    this.#options = options
    this.#entries = new Entries({ log: options.log, kind: 'webhook', schema: WebhookEntry, now: options.now })
  }

  /** `only`: it is told of no other sessions. `most`: its maker may have so many. `said`: of its maker, by who knows them. */
  async create(
    url: string,
    on: readonly string[],
    by: string,
    { only, most, said }: MadeWith = {},
  ): Promise<{ value: CreatedWebhook; seq: number }> {
    const problem = webhookUrlProblem(url, this.#options) ?? typesProblem(on)
    if (problem !== undefined) throw new ReinsError('invalid_request', problem)
    return this.#options.keys.inTurn(async () => {
      const there = await this.#entries.all()
      if (most !== undefined && there.filter((one) => one.by === by).length >= most)
        throw new ReinsError('invalid_request', `You have ${most} webhooks already, and may have no more.`, {
          next: 'Remove one that nobody needs: reins webhook list',
        })
      if (there.length >= maxWebhooks)
        throw new ReinsError(
          'invalid_request',
          `There are ${maxWebhooks} webhooks already, and there may be no more.`,
          {
            next: 'Remove one that nobody needs: reins webhook list',
          },
        )
      const { keys, makeId, sessionsAt } = this.#options
      const id = `wh_${makeId()}`
      const secret = `${prefix}${keys.random(32).toString('base64')}`
      const place = await sessionsAt()
      const make = (stamps: Pick<KeptWebhook, 'createdAt' | 'updatedAt'>): WebhookEntry => ({
        ...{
          kind: 'kept',
          name: id,
          url,
          on: [...on],
          ...place,
          by,
          ...stamps,
          ...(only ? { only } : {}),
          ...(said ? { said } : {}),
        },
        ...sealSecret(webhookLabel(id), secret, keys.read(), keys.random),
      })
      const { entry, seq } = await this.#entries.write(id, make, most === undefined ? undefined : by)
      if (entry.kind !== 'kept') throw new Error('a webhook was written as removed')
      return { value: { webhook: webhookOf(entry), secret }, seq }
    })
  }

  async get(id: string): Promise<{ value: Webhook }> {
    return { value: webhookOf(await this.#entries.kept(id)) }
  }

  async list(): Promise<{ value: WebhookList }> {
    const all = (await this.#entries.all()).toSorted((a, b) => a.createdAt - b.createdAt)
    return { value: { webhooks: all.map(webhookOf) } }
  }

  async delete(id: string, by: string): Promise<{ value: { id: string }; seq: number }> {
    const seq = await this.#entries.change(id, (entry) => {
      if (entry?.kind !== 'kept') throw this.#entries.missing(id)
      return { kind: 'removed', name: id, createdAt: entry.createdAt, updatedAt: this.#options.now(), by }
    })
    return { value: { id }, seq: seq ?? 0 }
  }

  /** Of all that `by` made. */
  async said(by: string, said: Said): Promise<{ value: { changed: number } }> {
    let changed = 0
    for (const { name } of (await this.#entries.all()).filter((one) => one.by === by)) {
      const seq = await this.#entries.change(name, (entry) =>
        entry?.kind === 'kept' && isNews(said, entry.said) ? { ...entry, said } : undefined,
      )
      if (seq !== undefined) changed++
    }
    return { value: { changed } }
  }

  /** What changes with the key of the secrets. */
  wrapped(): Wrapped {
    return {
      all: () => this.#entries.all(),
      rewrap: (id, make) =>
        this.#entries.change(id, (entry) => {
          const envelope = entry?.kind === 'kept' ? make(entry) : undefined
          return entry?.kind === 'kept' && envelope ? { ...entry, ...envelope } : undefined
        }),
      labelOf: webhookLabel,
      again: (id) => `reins webhook remove ${id} (and create it again)`,
    }
  }

  /** As Standard Webhooks says: HMAC-SHA-256 over id, time and body. */
  async sign({ id, delivery, at, body }: SignWebhook): Promise<{ value: { signature: string } }> {
    const entry = await this.#entries.kept(id)
    const opened = openSecret(webhookLabel(id), entry, this.#options.keys.read())
    if (opened.kind !== 'open')
      throw new ReinsError('unavailable', `The secret of the webhook ${id} cannot be read.`, {
        next: 'Bring the key of the secrets back, or make the webhook anew.',
      })
    const key = Buffer.from(opened.value.slice(prefix.length), 'base64')
    const mac = createHmac('sha256', key).update(`${delivery}.${at}.${body}`).digest('base64')
    return { value: { signature: `v1,${mac}` } }
  }
}

const webhookOf = ({ name, url, on, createdAt, by }: KeptWebhook): Webhook => ({ id: name, url, on, createdAt, by })

function typesProblem(on: readonly string[]): string | undefined {
  const types: readonly string[] = eventTypes
  const unknown = on.find((type) => type !== '*' && !types.includes(type))
  return unknown === undefined
    ? undefined
    : `There is no event ${JSON.stringify(unknown.slice(0, 80))}${suggestion(unknown, types) || '.'} docs/events.md lists them; * means all.`
}
