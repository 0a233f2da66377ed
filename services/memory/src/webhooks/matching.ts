// Which deliveries follow from what was recorded. Pure.
//   MA1. The same event gives the same delivery, with the same id and the same body, however often it is looked at.
//   MA2. A webhook is told of what was recorded behind the place where it was made, and of nothing before.
import { createHash } from 'node:crypto'
import { canonicalJson, type Frame, type KeptWebhook, type WebhookJob, type WebhookPayload } from '@reins/contracts'

/** A larger event is told without its data: whoever gets it reads the session. */
const maxEventBytes = 32 * 1024

export function jobsOf(session: string, frame: Frame, webhooks: readonly KeptWebhook[]): readonly WebhookJob[] {
  const listening = webhooks.filter(({ after }) => frame.seq > after) // MA2
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

export const bodyOf = (payload: WebhookPayload): string => canonicalJson(payload)

/** MA1. */
export const deliveryId = (...what: readonly (string | number)[]): string =>
  `msg_${createHash('sha256').update(what.join('\0')).digest('hex').slice(0, 32)}`
