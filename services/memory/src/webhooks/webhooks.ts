// Telling the world: what is recorded in sessions becomes deliveries, and deliveries are sent.
//   W1. An event that a webhook listens to becomes a stored delivery before the event is acknowledged, so that a crash anywhere loses none.
//   W2. While there has never been a webhook, nothing here follows anything. From the first one on, each frame is looked at.
//   W4. What waits in the queue says where its event stands, and its body is made of the log when it is sent: so nothing of a session is in the
//        queue, and nobody is told of one that was erased. What an older version has stored with its body is put off without it.
//   W5. Who made a webhook is looked at when it is to be told, and again when that is sent: what they may not know any more is not sent.
//   W3. One receiver that hangs takes a few places, and never those of the others.
import { setTimeout as pause } from 'node:timers/promises'
import type { Consumption } from '@reins/broker'
import {
  type Delivery,
  type Frame,
  type KeptWebhook,
  ReinsError,
  type WebhookJob,
  webhookPlaceIn,
} from '@reins/contracts'
import { isUnreadable } from '@reins/journal'
import type { PausePoint } from '@reins/service'
import type { Log } from '@reins/telemetry'
import { attempt, type DelivererOptions, ended, notSent } from './deliverer.ts'
import { type Made, mayStillHear, type Standing } from './makers.ts'
import { bodyFrom, bodyOf, deliveryId, jobsOf } from './matching.ts'
import type { DueWebhook, SessionFrame, WebhookQueue } from './queue.ts'

export interface WebhooksOptions extends Omit<DelivererOptions, 'webhook'> {
  readonly queue: WebhookQueue
  /** Those that there are. */
  readonly webhooks: () => readonly KeptWebhook[]
  /** Of a session; undefined: there is no such session. Asked only for webhooks that are not told of all. */
  readonly agentOf: (session: string) => Promise<string | undefined>
  /** Or is being erased. */
  readonly isErased: (session: string) => Promise<boolean>
  /** That holds what a delivery is about; undefined: it is not in the log of the session. Rejects with session_unreadable. */
  readonly frameOf: (job: DueWebhook) => Promise<Frame | undefined>
  /** Of who made a webhook. Default: nothing has changed since. */
  readonly standing?: (made: Made) => Standing
  readonly log: Log
  readonly pauseAt?: PausePoint
  readonly onAttempt: (outcome: Delivery['last']['outcome']) => void
}

export interface RunningWebhooks {
  /** Sends a delivery of its own now, once. Throws webhook_not_found. */
  test(id: string): Promise<Delivery>
  deliveries(webhook: string | undefined, limit: number): Promise<readonly Delivery[]>
  /** `ok`, or what is wrong. */
  health(): string
  close(): Promise<void>
}

const erased = 'the session was erased, and nobody is told of it any more'
const notThere = 'the event cannot be read in the log of its session'

const lookMs = 250
const retryMs = 1000
const placesOfOne = 8
/** One that is seen for the first time so soon after it was made may have missed what came between. */
const newForMs = 5 * 60_000

export async function runWebhooks(options: WebhooksOptions): Promise<RunningWebhooks> {
  const { queue, log, now, standing = () => 'as-made' as const, pauseAt = async () => {} } = options
  const stop = new AbortController()
  const seen = new Set<string>()
  const busy = new Map<string, number>()
  let health = 'ok'
  let following: Promise<Consumption> | undefined
  let sending: Promise<Consumption> | undefined

  const webhook = (id: string) => options.webhooks().find(({ name }) => name === id)

  const tell = async (told: SessionFrame, to = options.webhooks()): Promise<void> => {
    const makers = new Map(to.map((one) => [one.name, standing(one)]))
    const restricted = to.some(({ only, name }) => only || Array.isArray(makers.get(name)))
    const agent = restricted ? await options.agentOf(told.session) : undefined
    const still = to.filter(({ name }) => mayStillHear(makers.get(name) ?? 'nothing', told.session, agent)) // W5
    for (const job of jobsOf(told, still, agent)) await queue.add(job) // W1
  }

  /** W5. */
  const mayBeSent = async ({ webhook: id, session }: DueWebhook): Promise<boolean> => {
    const made = webhook(id)
    const maker = made ? standing(made) : 'nothing'
    if (!Array.isArray(maker)) return maker !== 'nothing'
    return mayStillHear(maker, session, await options.agentOf(session))
  }

  /** undefined: its log does not have it, or cannot be read. */
  const frameOf = (job: DueWebhook): Promise<Frame | undefined> =>
    options.frameOf(job).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error
      return undefined
    })

  /** undefined: the webhook is gone. */
  const attempted = async (job: DueWebhook): Promise<Delivery | undefined> => {
    if ('body' in job) return attempt(job, job.body, { ...options, webhook })
    const frame = await frameOf(job)
    const body = frame && bodyFrom(frame, job)
    return body === undefined ? notSent(job, notThere, options) : attempt(job, body, { ...options, webhook })
  }

  /** As it waits for its next attempt. undefined: there is nothing left that its body could be made of. */
  const later = async (job: DueWebhook): Promise<WebhookJob | undefined> => {
    const attempt = job.attempt + 1
    if (!('body' in job)) return { ...job, attempt }
    const { body: _, ...about } = job
    const frame = await frameOf(job)
    return frame && { ...about, seq: frame.seq, attempt }
  }

  /** W4. What comes of a delivery now; undefined: nobody is to be told. */
  const outcomeOf = async (job: DueWebhook): Promise<Delivery | undefined> => {
    if (await options.isErased(job.session)) return ended(job, erased, now())
    if (!(await mayBeSent(job))) return undefined // W5
    const done = await attempted(job)
    if (done?.last.next === undefined) return done
    const again = await later(job)
    if (!again) return ended(job, (await options.isErased(job.session)) ? erased : notThere, now())
    await queue.putOff(again, done.last.next)
    await pauseAt('memory.webhook-put-off')
    return done
  }

  const send = async (job: DueWebhook): Promise<void> => {
    const delivery = await outcomeOf(job)
    if (!delivery) return
    await queue.record(delivery)
    options.onAttempt(delivery.last.outcome)
    const { last, webhook: id, type } = delivery
    if (last.outcome !== 'delivered')
      log.warn({ webhook: id, delivery: delivery.id, type, ...last }, 'a webhook was not delivered')
  }

  const sendInTurn = async (job: DueWebhook): Promise<void> => {
    const places = busy.get(job.webhook) ?? 0
    if (places >= placesOfOne) throw new Error('its receiver is busy') // W3: it comes again
    busy.set(job.webhook, places + 1)
    try {
      await send(job)
    } catch (error) {
      if (!stop.signal.aborted)
        log.warn({ delivery: job.id, err: messageOf(error) }, 'a webhook delivery is tried again')
      throw error
    } finally {
      const left = (busy.get(job.webhook) ?? 1) - 1
      if (left === 0) busy.delete(job.webhook)
      else busy.set(job.webhook, left)
    }
  }

  /** A consumption that ends by itself is opened again. */
  const kept = (open: (failed: (error: Error) => void) => Promise<Consumption>, what: string): Promise<Consumption> => {
    let current: Consumption | undefined
    const failed = (error: unknown): void => {
      if (stop.signal.aborted) return
      health = `${what} ended: ${messageOf(error)}`
      log.error({ err: messageOf(error) }, `${what} ended; it is opened again`)
      void pause(retryMs).then(() => (stop.signal.aborted ? undefined : begin().catch(failed)))
    }
    const begin = async (): Promise<void> => {
      current = await open(failed)
      health = 'ok'
      if (stop.signal.aborted) await current.close()
    }
    const handle: Consumption = {
      wake: () => current?.wake(),
      close: async () => void (await current?.close()),
    }
    return begin().then(
      () => handle,
      (error) => {
        failed(error)
        return handle
      },
    )
  }

  /** W2. */
  const look = async (): Promise<void> => {
    const all = options.webhooks()
    if (all.length === 0) return
    const first = (stream: string) => Math.min(...all.map((one) => webhookPlaceIn(one, stream)))
    following ??= kept(
      (failed) => queue.follow(first, (told) => tell(told), failed),
      'the consumer of events for webhooks',
    )
    sending ??= kept((failed) => queue.due(sendInTurn, failed), 'the consumer of webhook deliveries')
    for (const one of all) {
      if (seen.has(one.name)) continue
      // What was recorded behind its place may have been looked at before this process knew of it: that part is looked at again.
      if (now() - one.createdAt < newForMs)
        for (const stream of queue.streams)
          for await (const told of queue.behind(stream, webhookPlaceIn(one, stream))) await tell(told, [one])
      seen.add(one.name)
    }
  }
  const looking = (async () => {
    while (!stop.signal.aborted) {
      await look().catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn({ err: messageOf(error) }, 'webhooks cannot be looked after now')
      })
      await pause(lookMs, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  })()

  return {
    async test(id) {
      const at = now()
      const body = bodyOf({ type: 'webhook.test', timestamp: new Date(at).toISOString(), data: {} })
      const job = {
        id: deliveryId(id, 'test', at, options.random()),
        webhook: id,
        type: 'webhook.test',
        attempt: 1,
      }
      const done = await attempt(job, body, { ...options, webhook })
      if (!done) throw new ReinsError('webhook_not_found', `There is no webhook ${JSON.stringify(id.slice(0, 80))}.`)
      const { next: _never, ...last } = done.last
      const delivery: Delivery = {
        ...done,
        last: last.outcome === 'failed' ? { ...last, outcome: 'given-up' } : last,
      }
      await queue.record(delivery)
      return delivery
    },
    deliveries: (of, limit) => queue.deliveries(of, limit),
    health: () => health,
    async close() {
      stop.abort()
      await looking
      for (const consumption of [following, sending]) await (await consumption)?.close()
    },
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
