// Which deliveries follow from what was recorded. Pure.
//   MA1. The same event gives the same delivery, with the same id and the same body, however often it is looked at.
//   MA2. A webhook is told of what was recorded behind the place where it was made, and of nothing before.
//   MA3. A webhook is told of the sessions that its maker might read, and of no others.
import { createHash } from 'node:crypto'
import { canonicalJson, type KeptWebhook, type WebhookJob, type WebhookPayload, webhookPlaceIn } from '@reins/contracts'
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
    const { n, at, by } = frame
    const large = Buffer.byteLength(JSON.stringify(event.data)) > maxEventBytes
    const body = bodyOf({
      type: event.type,
      timestamp: new Date(at).toISOString(),
      data: { session, n, i, by, ...(large ? {} : { event: event.data }) },
    })
    return told.map(
      ({ name }): WebhookJob => ({
        id: deliveryId(name, session, n, i),
        webhook: name,
        type: event.type,
        ...{ session, n, i, attempt: 1, body },
      }),
    )
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
