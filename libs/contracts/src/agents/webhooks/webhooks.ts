// Webhooks: whom to tell of which events of sessions, and what came of it.
//   WH1. The secret with which deliveries are signed is shown once, when the webhook is made. No record, list or answer holds it after.
//   WH2. A delivery has one id for ever, made of the webhook and the event: whoever gets it twice can tell.
import { type Static, Type } from 'typebox'
import { Only } from '../../access/only.ts'

const closed = { additionalProperties: false } as const
const stamps = { createdAt: Type.Integer(), updatedAt: Type.Integer(), by: Type.String() }

export const maxWebhooks = 100
/** Of one maker who may not do everything. */
export const maxWebhooksOfOne = 20
export const WebhookUrl = Type.String({ minLength: 1, maxLength: 2000, description: 'https://…' })
/** Types of events, or `*` for all. */
const On = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 50, uniqueItems: true })

/** What an identity provider said of who made a webhook: the roles of a token, and when that was issued (epoch ms). */
export const Said = Type.Object(
  { roles: Type.Array(Type.String({ maxLength: 100 }), { maxItems: 1000 }), at: Type.Integer({ minimum: 0 }) },
  closed,
)
export type Said = Static<typeof Said>

const dayMs = 86_400_000
/** Whether it is kept: it is newer, and says something else, or is the first of its day. */
export const isNews = (said: Said, before: Said | undefined): boolean =>
  before === undefined || (said.at > before.at && (said.at - before.at >= dayMs || rolesIn(said) !== rolesIn(before)))

const rolesIn = ({ roles }: Said): string => JSON.stringify([...new Set(roles)].sort())

/**
 * `reg.webhook.<id>`, whose `name` is the id. `after`: the sequence behind which it is told of events; where several streams hold the
 * sessions, `places` says it of each stream, and `after` counts for those that it does not name. The rest as in SecretEntry.
 */
export const WebhookEntry = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('kept'),
      name: Type.String(),
      url: Type.String(),
      on: Type.Array(Type.String()),
      after: Type.Integer({ minimum: 0 }),
      places: Type.Optional(Type.Record(Type.String(), Type.Integer({ minimum: 0 }))),
      /** The sessions that its maker may read; absent: all. It is told of no others. */
      only: Type.Optional(Only),
      /** The latest word of the identity provider that knows its maker. Absent: Reins itself knows them. */
      said: Type.Optional(Said),
      key: Type.String(),
      wrapped: Type.String(),
      sealed: Type.String(),
      ...stamps,
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('removed'), name: Type.String(), ...stamps }, closed),
])
export type WebhookEntry = Static<typeof WebhookEntry>
export type KeptWebhook = Extract<WebhookEntry, { kind: 'kept' }>

/** The sequence of a stream behind which a webhook is told of events. */
export const webhookPlaceIn = ({ after, places }: Pick<KeptWebhook, 'after' | 'places'>, stream: string): number =>
  places?.[stream] ?? after

/** A webhook as people see it. */
export const Webhook = Type.Object(
  {
    id: Type.String(),
    url: Type.String(),
    on: Type.Array(Type.String()),
    createdAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type Webhook = Static<typeof Webhook>
export const WebhookList = Type.Object({ webhooks: Type.Array(Webhook) }, closed)
export type WebhookList = Static<typeof WebhookList>
export const CreateWebhook = Type.Object({ url: WebhookUrl, on: On }, closed)
export type CreateWebhook = Static<typeof CreateWebhook>
/** `secret`: shown here, and never again (WH1). */
export const CreatedWebhook = Type.Object({ webhook: Webhook, secret: Type.String() }, closed)
export type CreatedWebhook = Static<typeof CreatedWebhook>

/** One attempt to deliver. */
export const DeliveryAttempt = Type.Object(
  {
    /** From 1 on. */
    attempt: Type.Integer({ minimum: 1 }),
    at: Type.Integer({ description: 'epoch ms' }),
    ms: Type.Integer(),
    /** delivered: answered with 2xx. failed: not, and it is tried again at `next`. given-up: not, and it is not tried again. */
    outcome: Type.Union([Type.Literal('delivered'), Type.Literal('failed'), Type.Literal('given-up')]),
    /** The HTTP status, if there was an answer. */
    status: Type.Optional(Type.Integer()),
    error: Type.Optional(Type.String()),
    next: Type.Optional(Type.Integer({ description: 'epoch ms' })),
  },
  closed,
)
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

/** What a delivery is about, and its last attempt. */
export const Delivery = Type.Object(
  {
    id: Type.String(),
    webhook: Type.String(),
    type: Type.String(),
    session: Type.Optional(Type.String()),
    n: Type.Optional(Type.Integer()),
    i: Type.Optional(Type.Integer()),
    last: DeliveryAttempt,
  },
  closed,
)
export type Delivery = Static<typeof Delivery>
export const DeliveryList = Type.Object({ deliveries: Type.Array(Delivery) }, closed)
export type DeliveryList = Static<typeof DeliveryList>
export const TestedWebhook = Type.Object({ delivery: Delivery }, closed)
export type TestedWebhook = Static<typeof TestedWebhook>

/** What is delivered, as JSON (Standard Webhooks). `data.event`: the event's own data; left out where it is large. */
export interface WebhookPayload {
  readonly type: string
  /** ISO 8601: when the event was recorded. */
  readonly timestamp: string
  readonly data: {
    readonly session?: string
    readonly n?: number
    readonly i?: number
    readonly by?: string
    readonly event?: unknown
  }
}

/** A message on TIM: one delivery that is due. It says where its event stands, and nothing of what the event says. */
export const WebhookJob = Type.Object(
  {
    id: Type.String(),
    webhook: Type.String(),
    type: Type.String(),
    session: Type.String(),
    /** The sequence of its frame in the stream of the session. */
    seq: Type.Integer({ minimum: 1 }),
    n: Type.Integer(),
    i: Type.Integer({ minimum: 0 }),
    attempt: Type.Integer({ minimum: 1 }),
  },
  closed,
)
export type WebhookJob = Static<typeof WebhookJob>

/** As memory of an older version stores it: with its body. */
export const WebhookJobWithBody = Type.Object(
  {
    id: Type.String(),
    webhook: Type.String(),
    type: Type.String(),
    session: Type.String(),
    n: Type.Integer(),
    i: Type.Integer({ minimum: 0 }),
    attempt: Type.Integer({ minimum: 1 }),
    /** Byte for byte. */
    body: Type.String(),
  },
  closed,
)
export type WebhookJobWithBody = Static<typeof WebhookJobWithBody>

/**
 * Requests of the registry: on `svc.registry.<verb>`
 *   webhooks.create { url, on, by, only?, most?, said? } -> CreatedWebhook      webhooks.list {} -> WebhookList      webhooks.get { id } -> Webhook
 *   webhooks.delete { id, by } -> { id }
 *   webhooks.said   { by, said } -> { changed }                        (of all that `by` made)
 * and one that only memory may publish to:
 *   webhooks.sign   { id, delivery, at, body } -> { signature }        (`at`: seconds; Standard Webhooks, `v1,…`)
 * Of memory: on `svc.memory.<verb>`
 *   webhooks.test       { id } -> TestedWebhook
 *   webhooks.deliveries { id?, limit } -> DeliveryList                 (the latest first)
 */
export interface SignWebhook {
  readonly id: string
  readonly delivery: string
  readonly at: number
  readonly body: string
}
