// Telling the world: what is recorded in sessions becomes deliveries, and deliveries are sent.
//   W1. An event that a webhook listens to becomes a stored delivery before the event is acknowledged, so that a crash anywhere loses none.
//   W2. While there has never been a webhook, nothing here follows anything. From the first one on, each frame is looked at.
//   W4. Nobody is told of a session that was erased, and what failed meanwhile is not put off: its body would stand in the queue again.
//   W5. Who made a webhook is looked at when it is to be told, and again when that is sent: what they may not know any more is not sent.
//   W3. One receiver that hangs takes a few places, and never those of the others.
import { setTimeout as pause } from 'node:timers/promises'
import type { Consumption } from '@reins/broker'
import { type Delivery, type KeptWebhook, ReinsError, type WebhookJob, webhookPlaceIn } from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import { attempt, type DelivererOptions } from './deliverer.ts'
import { mayStillHear, type Standing } from './makers.ts'
import { bodyOf, deliveryId, jobsOf } from './matching.ts'
import type { SessionFrame, WebhookQueue } from './queue.ts'

export interface WebhooksOptions extends Omit<DelivererOptions, 'webhook'> {
  readonly queue: WebhookQueue
  /** Those that there are. */
  readonly webhooks: () => readonly KeptWebhook[]
  /** Of a session; undefined: there is no such session. Asked only for webhooks that are not told of all. */
  readonly agentOf: (session: string) => Promise<string | undefined>
  /** Or is being erased. Default: none is. */
  readonly isErased?: (session: string) => Promise<boolean>
  /** Of who made a webhook, by its `by`. Default: nothing has changed since. */
  readonly standing?: (by: string) => Standing
  readonly log: Log
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

const lookMs = 250
const retryMs = 1000
const placesOfOne = 8
/** One that is seen for the first time so soon after it was made may have missed what came between. */
const newForMs = 5 * 60_000

export async function runWebhooks(options: WebhooksOptions): Promise<RunningWebhooks> {
  const { queue, log, now, standing = () => 'as-made' as const } = options
  const stop = new AbortController()
  const seen = new Set<string>()
  const busy = new Map<string, number>()
  let health = 'ok'
  let following: Promise<Consumption> | undefined
  let sending: Promise<Consumption> | undefined

  const webhook = (id: string) => options.webhooks().find(({ name }) => name === id)

  const tell = async (told: SessionFrame, to = options.webhooks()): Promise<void> => {
    const makers = new Map(to.map(({ by }) => [by, standing(by)]))
    const restricted = to.some(({ only, by }) => only || Array.isArray(makers.get(by)))
    const agent = restricted ? await options.agentOf(told.session) : undefined
    const still = to.filter(({ by }) => mayStillHear(makers.get(by) ?? 'nothing', told.session, agent)) // W5
    for (const job of jobsOf(told, still, agent)) await queue.add(job) // W1
  }

  /** W5. */
  const mayBeSent = async ({ webhook: id, session }: WebhookJob): Promise<boolean> => {
    const by = webhook(id)?.by
    const maker = by === undefined ? 'nothing' : standing(by)
    if (session === undefined || !Array.isArray(maker)) return maker !== 'nothing'
    return mayStillHear(maker, session, await options.agentOf(session))
  }

  const gone = async ({ session }: WebhookJob): Promise<boolean> =>
    session !== undefined && ((await options.isErased?.(session)) ?? false)

  const send = async (job: WebhookJob): Promise<Delivery | undefined> => {
    if (await gone(job)) return undefined // W4
    if (!(await mayBeSent(job))) return undefined // W5
    const done = await attempt(job, { ...options, webhook })
    if (!done) return undefined
    const { delivery, again } = done
    if (again && !(await gone(job).catch(() => false))) await queue.putOff(again.job, again.at) // W4
    await queue.record(delivery)
    options.onAttempt(delivery.last.outcome)
    const { last, webhook: id, type } = delivery
    if (last.outcome !== 'delivered')
      log.warn({ webhook: id, delivery: delivery.id, type, ...last }, 'a webhook was not delivered')
    return delivery
  }

  const sendInTurn = async (job: WebhookJob): Promise<void> => {
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
        body,
      }
      const done = await attempt(job, { ...options, webhook })
      if (!done) throw new ReinsError('webhook_not_found', `There is no webhook ${JSON.stringify(id.slice(0, 80))}.`)
      const { next: _never, ...last } = done.delivery.last
      const delivery: Delivery = {
        ...done.delivery,
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
