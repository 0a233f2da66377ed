// Which deliveries follow from what was recorded. Pure.
//   MA1. The same event gives the same delivery, with the same id and the same body, however often it is looked at. So a delivery that waits
//        says where its event stands, and its body is made of that when it is sent.
//   MA2. A webhook is told of what was recorded behind the place where it was made, and of nothing before.
//   MA3. A webhook is told of the sessions that its maker might read, and of no others.
import { createHash } from 'node:crypto'
import {
  canonicalJson,
  type Frame,
  type KeptWebhook,
  type WebhookJob,
  type WebhookPayload,
  webhookPlaceIn,
} from '@reins/contracts'
import type { SessionFrame } from './queue.ts'

/** A larger event is told without its data: whoever gets it reads the session. */
const maxEventBytes = 32 * 1024

/** `agent`: of the session; undefined where it is not known. */
export function jobsOf(
  { stream, session, frame }: SessionFrame,
  webhooks: readonly KeptWebhook[],
  agent?: string,
): readonly WebhookJob[] {
  const listening = webhooks.filter(
    (webhook) => frame.seq > webhookPlaceIn(webhook, stream) && mayHear(webhook, session, agent),
  ) // MA2, MA3
  if (listening.length === 0 || frame.fault !== undefined) return []
  return frame.events.flatMap((event, i) => {
    const told = listening.filter(({ on }) => on.includes('*') || on.includes(event.type))
    if (told.length === 0) return []
    const { seq, n } = frame
    return told.map(
      ({ name }): WebhookJob => ({
        id: deliveryId(name, session, n, i),
        webhook: name,
        type: event.type,
        ...{ session, seq, n, i, attempt: 1 },
      }),
    )
  })
}

/** MA1. undefined: the frame does not hold the event that the delivery is about. */
export function bodyFrom(
  frame: Frame,
  { session, n, i, type }: Pick<WebhookJob, 'session' | 'n' | 'i' | 'type'>,
): string | undefined {
  const event = frame.fault === undefined && frame.n === n ? frame.events[i] : undefined
  if (event?.type !== type) return undefined
  const large = Buffer.byteLength(JSON.stringify(event.data)) > maxEventBytes
  return bodyOf({
    type,
    timestamp: new Date(frame.at).toISOString(),
    data: { session, n, i, by: frame.by, ...(large ? {} : { event: event.data }) },
  })
}

/** MA3. What asks for a tool asks for more than a session. */
const mayHear = ({ only }: KeptWebhook, session: string, agent: string | undefined): boolean =>
  only === undefined ||
  only.some(
    (one) =>
      one.tool === undefined &&
      (one.session === undefined || one.session === session) &&
      (one.agent === undefined || one.agent === agent),
  )

export const bodyOf = (payload: WebhookPayload): string => canonicalJson(payload)

/** MA1. */
export const deliveryId = (...what: readonly (string | number)[]): string =>
  `msg_${createHash('sha256').update(what.join('\0')).digest('hex').slice(0, 32)}`
