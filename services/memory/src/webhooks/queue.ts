// What the webhooks need of a queue: news of sessions, deliveries that are due, and a record of what came of them.
import type { Consumption } from '@reins/broker'
import type { Delivery, Frame, WebhookJob, WebhookJobWithBody } from '@reins/contracts'

export interface SessionFrame {
  /** That holds the session. */
  readonly stream: string
  readonly session: string
  readonly frame: Frame
}

/** A delivery that is due. One that an older version has stored has its body with it. */
export type DueWebhook = WebhookJob | WebhookJobWithBody

export interface WebhookQueue {
  /** The names of the streams that hold the sessions. */
  readonly streams: readonly string[]
  /**
   * Each frame of each stream behind the place that `after` says, once and again until `on` resolves; the place is kept for the next
   * start, which `after` does not move.
   */
  follow(
    after: (stream: string) => number,
    on: (told: SessionFrame) => Promise<void>,
    failed: (error: Error) => void,
  ): Promise<Consumption>
  /** What lies in a stream from there to its end, as that is now; in order. */
  behind(stream: string, after: number): AsyncIterable<SessionFrame>
  /** Resolves when it is stored. The same delivery at the same attempt is stored once, within minutes. */
  add(job: WebhookJob): Promise<void>
  /** As `add`, but it is due at `at` (epoch ms). */
  putOff(job: WebhookJob, at: number): Promise<void>
  /** Each delivery that is due, again until `on` resolves; a rejection brings it back after a second. */
  due(on: (job: DueWebhook) => Promise<void>, failed: (error: Error) => void): Promise<Consumption>
  record(delivery: Delivery): Promise<void>
  /** The last ones, the latest first; of one webhook, or of all. */
  deliveries(webhook: string | undefined, limit: number): Promise<readonly Delivery[]>
}
