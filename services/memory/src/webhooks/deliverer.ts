// One attempt of one delivery, and what comes of it.
//   D1. Deliveries are signed as Standard Webhooks says (standardwebhooks.com): the registry signs, and its key never comes here.
//   D2. At least once: a job is done when it is recorded that it was delivered, given up, or put off. Whoever gets it twice knows it by
//       its id.
//   D3. 2xx is a success. 410 says that nobody wants it any more, and is tried no further. All else is tried again.
import type { Delivery, DeliveryAttempt, KeptWebhook, Reply, SignWebhook, WebhookJob } from '@reins/contracts'
import { retryInMs } from './backoff.ts'
import type { Posted, Target } from './post.ts'

export interface DelivererOptions {
  readonly now: () => number
  readonly random: () => number
  /** undefined: it was removed. */
  readonly webhook: (id: string) => KeptWebhook | undefined
  readonly sign: (request: SignWebhook) => Promise<Reply<{ readonly signature: string }>>
  readonly post: (target: Target, headers: Readonly<Record<string, string>>, body: string) => Promise<Posted>
}

/** A job, wherever its body comes from. */
export type Attempting = Pick<WebhookJob, 'id' | 'webhook' | 'type' | 'attempt'> &
  Partial<Pick<WebhookJob, 'session' | 'n' | 'i'>>

/** Where `last.next` says when, it is tried again then; else it is over. undefined: the webhook is gone, and so is whom to tell. Rejects where the registry cannot sign now. */
export async function attempt(job: Attempting, body: string, options: DelivererOptions): Promise<Delivery | undefined> {
  const webhook = options.webhook(job.webhook)
  if (!webhook) return undefined
  const started = options.now()
  const at = Math.floor(started / 1000)
  const signed = await options.sign({ id: job.webhook, delivery: job.id, at, body })
  if (!signed.ok) {
    if (signed.error.code === 'webhook_not_found') return undefined
    throw new Error(`the delivery cannot be signed: ${signed.error.message}`)
  }
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Reins',
    'webhook-id': job.id,
    'webhook-timestamp': String(at),
    'webhook-signature': signed.value.signature,
  }
  const posted = await options.post({ url: webhook.url, attempt: job.attempt }, headers, body)
  return about(job, judged(job, posted, started, options))
}

/** An attempt in which nothing could be sent: it is tried again as one that failed. */
export const notSent = (job: Attempting, why: string, options: Pick<DelivererOptions, 'now' | 'random'>): Delivery =>
  about(job, judged(job, { kind: 'failed', why }, options.now(), options))

/** It is not tried any more, whatever its last attempt says. */
export const ended = (job: Attempting, why: string, at: number): Delivery =>
  about(job, { attempt: job.attempt, at, ms: 0, outcome: 'given-up', error: why })

const about = ({ id, webhook, type, session, n, i }: Attempting, last: DeliveryAttempt): Delivery => ({
  ...{ id, webhook, type, last },
  ...(session === undefined ? {} : { session }),
  ...(n === undefined ? {} : { n }),
  ...(i === undefined ? {} : { i }),
})

/** D3. */
function judged(
  { attempt }: Attempting,
  posted: Posted,
  started: number,
  { now, random }: Pick<DelivererOptions, 'now' | 'random'>,
): DeliveryAttempt {
  const base = { attempt, at: started, ms: Math.max(now() - started, 0) }
  const outcome = (why: object, askedMs?: number): DeliveryAttempt => {
    const delay = retryInMs(attempt, random(), askedMs)
    return delay === undefined
      ? { ...base, ...why, outcome: 'given-up' }
      : { ...base, ...why, outcome: 'failed', next: Math.round(now() + delay) }
  }
  switch (posted.kind) {
    case 'answered': {
      const { status, retryAfterMs } = posted
      if (status >= 200 && status < 300) return { ...base, status, outcome: 'delivered' }
      if (status === 410) return { ...base, status, outcome: 'given-up' }
      return outcome({ status }, retryAfterMs)
    }
    case 'failed':
      return outcome({ error: posted.why })
    case 'refused':
      return outcome({ error: posted.why })
    default:
      return posted satisfies never
  }
}
