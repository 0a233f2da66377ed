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
  allSessionsFilter,
  allWebhookJobsFilter,
  decodeFrame,
  decoder,
  Delivery,
  deliverySubject,
  ownSessionSubject,
  type SessionStreams,
  streams,
  WebhookJob,
  webhookJobsDurable,
  webhookJobSubject,
  webhooksDurable,
  webhookTimerSubject,
} from '@reins/contracts'
import { framesAfter } from '../index/session-stream.ts'
import type { SessionFrame, WebhookQueue } from './queue.ts'

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
const decodeJob = decoder<WebhookJob>(WebhookJob)
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

  return {
    streams: sessions.names,
    async follow(after, on, failed) {
      const opened = await Promise.allSettled(
        sessions.names.map((stream) => followIn(stream, after(stream), on, failedOnce)),
      )
      const consumptions = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const close = async (): Promise<void> => {
        await Promise.all(consumptions.map((consumption) => consumption.close()))
      }
      let over = false
      function failedOnce(error: Error): void {
        if (over) return
        over = true
        void close()
        failed(error)
      }
      const refused = opened.find((one) => one.status === 'rejected')
      if (refused) {
        over = true
        await close()
        throw refused.reason
      }
      return {
        wake: () => {
          for (const consumption of consumptions) consumption.wake()
        },
        close,
      }
    },
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
      consume(
        streams.timers,
        webhookJobsDurable,
        (withinMs) =>
          ensure(
            streams.timers,
            webhookJobsDurable,
            {
              filter_subject: allWebhookJobsFilter,
              deliver_policy: 'all',
            },
            withinMs,
          ),
        jobsInFlight,
        async (msg) => {
          const job = decodeJob(msg.string())
          const header = headersOf(msg) ?? (() => '')
          // A schedule says where it stood: those of sessions' timers may name this place as their target, and are an executor's to write.
          const scheduled = header('Nats-Scheduler')
          const ours = scheduled === '' || (job && scheduled === webhookTimerSubject(job.webhook, job.id))
          if (job && ours && !isPutByBroker(header)) await on(job)
        },
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
