// The queue on JetStream: deliveries that are due are messages of TIM, those that are put off are schedules in it (PROTOCOL 10), what
// came of them are messages of HOOKS, of which the last thousand of each webhook are kept for a week.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerConfig, jetstreamManager } from '@nats-io/jetstream'
import {
  ackInfo,
  type Broker,
  BrokerUnavailable,
  type Consumption,
  ensureDurable,
  headersOf,
  isPutByBroker,
  lastMessage,
  leadersWithinMs,
  makeHeaders,
  publishReply,
  pull,
  readMessages,
} from '@reins/broker'
import {
  allDeliveriesFilter,
  allOlderWebhookJobsFilter,
  allSessionsFilter,
  allWebhookJobsFilter,
  decodeFrame,
  decoder,
  Delivery,
  deliverySubject,
  olderWebhookJobsDurable,
  ownSessionSubject,
  type SessionStreams,
  streams,
  WebhookJob,
  WebhookJobWithBody,
  webhookJobsDurable,
  webhookJobSubject,
  webhooksDurable,
  webhookTimerSubject,
} from '@reins/contracts'
import { framesAfter } from '../index/session-stream.ts'
import type { DueWebhook, SessionFrame, WebhookQueue } from './queue.ts'

export interface JetStreamQueueOptions {
  /** That hold the sessions. */
  readonly streams: SessionStreams
  /** What a process that died had begun comes again so soon. A process that works on it says so, three times in that time. */
  readonly ackWaitMs: number
}

/** How long a delivery that is due waits for somebody who sends it. */
const keepDue = '168h'
const framesInFlight = 256
const jobsInFlight = 64
const storeMs = 10_000
/** Where deliveries are due. */
interface Place {
  readonly durable: string
  readonly filter: string
  readonly decode: (text: string) => DueWebhook | undefined
}
const places: readonly Place[] = [
  { durable: webhookJobsDurable, filter: allWebhookJobsFilter, decode: decoder<WebhookJob>(WebhookJob) },
  {
    ...{ durable: olderWebhookJobsDurable, filter: allOlderWebhookJobsFilter },
    decode: decoder<WebhookJobWithBody>(WebhookJobWithBody),
  },
]
const decodeDelivery = decoder<Delivery>(Delivery)

export async function jetstreamQueue(broker: Broker, options: JetStreamQueueOptions): Promise<WebhookQueue> {
  const { ackWaitMs, streams: sessions } = options
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })

  const store = async (subject: string, body: string, headers: readonly [string, string][]): Promise<void> => {
    const deadline = performance.now() + storeMs
    while (performance.now() < deadline) {
      const outcome = await broker.request(subject, body, { headers: makeHeaders([...headers]), withinMs: 2000 })
      if (outcome.kind === 'reply') {
        const { seq, error } = publishReply(outcome.msg.string())
        if (seq !== undefined) return
        if (error && error.code !== 503) throw new Error(`the broker refused a delivery: ${error.description}`)
      }
      await pause(100)
    }
    throw new BrokerUnavailable(`storing ${subject}`)
  }

  const consume = async (
    stream: string,
    durable: string,
    made: (withinMs: number) => Promise<void>,
    inFlight: number,
    on: (msg: Parameters<Parameters<typeof pull>[1]['on']>[0]) => Promise<void>,
    failed: (error: Error) => void,
  ): Promise<Consumption> => {
    await made(leadersWithinMs)
    let busy = 0
    const consumption = pull(broker, {
      ...{ stream, durable, failed, recreate: () => made(0) },
      free: () => inFlight - busy,
      on: (msg) => {
        const { reply } = msg
        if (!reply) return
        busy++
        const alive = setInterval(() => broker.publish(reply, '+WPI'), ackWaitMs / 3)
        on(msg)
          .then(
            () => broker.publish(reply, '+ACK'),
            () => broker.publish(reply, `-NAK ${JSON.stringify({ delay: 1e9 })}`),
          )
          .catch(() => undefined)
          .finally(() => {
            clearInterval(alive)
            busy--
            consumption.wake()
          })
      },
    })
    return consumption
  }

  const ensure = async (
    stream: string,
    durable: string,
    config: Partial<ConsumerConfig>,
    withinMs: number,
  ): Promise<void> => {
    const ours = { ack_policy: 'explicit', ack_wait: ackWaitMs * 1e6, max_deliver: -1, max_ack_pending: 1000 } as const
    await ensureDurable(manager, stream, { durable_name: durable, ...ours, ...config }, withinMs)
  }

  const followIn = (
    stream: string,
    after: number,
    on: (told: SessionFrame) => Promise<void>,
    failed: (error: Error) => void,
  ): Promise<Consumption> =>
    consume(
      stream,
      webhooksDurable,
      (withinMs) =>
        ensure(
          stream,
          webhooksDurable,
          {
            filter_subject: allSessionsFilter,
            deliver_policy: 'by_start_sequence',
            opt_start_seq: after + 1,
          },
          withinMs,
        ),
      Math.ceil(framesInFlight / sessions.names.length),
      async (msg) => {
        const parsed = ownSessionSubject(msg.subject)
        const seq = ackInfo(msg.reply)?.streamSeq
        if (!parsed || seq === undefined) return
        const { headers } = msg
        const header = (name: string) => headers?.get(name) ?? ''
        const frame = decodeFrame({ ...parsed, seq, body: msg.string(), header })
        await on({ stream, session: parsed.session, frame })
      },
      failed,
    )

  const dueAt = (
    { durable, filter, decode }: Place,
    on: (job: DueWebhook) => Promise<void>,
    failed: (error: Error) => void,
  ): Promise<Consumption> =>
    consume(
      streams.timers,
      durable,
      (withinMs) => ensure(streams.timers, durable, { filter_subject: filter, deliver_policy: 'all' }, withinMs),
      jobsInFlight,
      async (msg) => {
        const job = decode(msg.string())
        const header = headersOf(msg) ?? (() => '')
        // A schedule says where it stood: those of sessions' timers may name this place as their target, and are an executor's to write.
        const scheduled = header('Nats-Scheduler')
        const ours = scheduled === '' || (job && scheduled === webhookTimerSubject(job.webhook, job.id))
        if (job && ours && !isPutByBroker(header)) await on(job)
      },
      failed,
    )

  return {
    streams: sessions.names,
    follow: (after, on, failed) =>
      together(
        sessions.names.map((stream) => (failedOnce) => followIn(stream, after(stream), on, failedOnce)),
        failed,
      ),
    async *behind(stream, after) {
      const upTo = (await lastMessage(broker, stream, allSessionsFilter, { leader: true }))?.seq ?? 0
      for (let from = after; from < upTo; ) {
        const batch = await framesAfter(broker, sessions, sessions.names.indexOf(stream), from, upTo)
        if (batch.length === 0) return
        for (const { seq, owner, frame } of batch) {
          from = seq
          if (seq > upTo) return
          if (owner && frame) yield { stream, session: owner.session, frame } satisfies SessionFrame
        }
      }
    },
    add: (job) =>
      store(webhookJobSubject(job.webhook, job.id), JSON.stringify(job), [
        ['Nats-Msg-Id', `${job.id}/${job.attempt}`],
        ['Nats-TTL', keepDue],
      ]),
    putOff: (job, at) =>
      store(webhookTimerSubject(job.webhook, job.id), JSON.stringify(job), [
        ['Nats-Schedule', `@at ${new Date(at).toISOString()}`],
        ['Nats-Schedule-Target', webhookJobSubject(job.webhook, job.id)],
        ['Nats-Schedule-TTL', keepDue],
      ]),
    due: (on, failed) =>
      together(
        places.map((place) => (failedOnce) => dueAt(place, on, failedOnce)),
        failed,
      ),
    record: (delivery) => store(deliverySubject(delivery.webhook), JSON.stringify(delivery), []),
    async deliveries(webhook, limit) {
      const filter = webhook === undefined ? allDeliveriesFilter : deliverySubject(webhook)
      const found = await readMessages(broker, streams.deliveries, filter)
      const latest = new Map<string, Delivery>()
      for (const { body, header } of found.toReversed()) {
        const delivery = isPutByBroker(header) ? undefined : decodeDelivery(body)
        if (delivery && !latest.has(delivery.id)) latest.set(delivery.id, delivery)
        if (latest.size >= limit) break
      }
      return [...latest.values()]
    },
  }
}

/** Several as one: when one of them ends, all do. */
async function together(
  open: readonly ((failed: (error: Error) => void) => Promise<Consumption>)[],
  failed: (error: Error) => void,
): Promise<Consumption> {
  const there: Consumption[] = []
  let over = false
  const close = async (): Promise<void> => {
    over = true
    await Promise.all(there.map((one) => one.close()))
  }
  const failedOnce = (error: Error): void => {
    if (over) return
    void close()
    failed(error)
  }
  const opened = await Promise.allSettled(
    open.map(async (one) => {
      const consumption = await one(failedOnce)
      there.push(consumption)
      if (over) await consumption.close()
    }),
  )
  const refused = opened.find((one) => one.status === 'rejected')
  if (refused && !over) {
    await close()
    throw refused.reason
  }
  return {
    wake: () => {
      for (const one of there) one.wake()
    },
    close,
  }
}
