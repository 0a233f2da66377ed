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

export interface Attempted {
  readonly delivery: Delivery
  /** The job to come, and when; undefined: it is over. */
  readonly again: { readonly job: WebhookJob; readonly at: number } | undefined
}

/** undefined: the webhook is gone, and so is whom to tell. Rejects where the registry cannot sign now. */
export async function attempt(job: WebhookJob, options: DelivererOptions): Promise<Attempted | undefined> {
  const webhook = options.webhook(job.webhook)
  if (!webhook) return undefined
  const started = options.now()
  const at = Math.floor(started / 1000)
  const signed = await options.sign({ id: job.webhook, delivery: job.id, at, body: job.body })
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
  const posted = await options.post({ url: webhook.url, attempt: job.attempt }, headers, job.body)
  const last = judged(job, posted, started, options)
  const { id, type, session, n, i } = job
  const delivery: Delivery = {
    ...{ id, webhook: job.webhook, type, last },
    ...(session === undefined ? {} : { session }),
    ...(n === undefined ? {} : { n }),
    ...(i === undefined ? {} : { i }),
  }
  return {
    delivery,
    again: last.next === undefined ? undefined : { job: { ...job, attempt: job.attempt + 1 }, at: last.next },
  }
}

/** D3. */
function judged(
  { attempt }: WebhookJob,
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
