// Asks JetStream's API again while nobody answers: in a cluster a request that reaches no leader is lost (B7 of broker.ts), and a node
// that has just been started answers nothing for seconds.
import { setTimeout as pause } from 'node:timers/promises'
import { JetStreamApiError } from '@nats-io/jetstream'

const againMs = 250
/** ms that a cluster has, at the start of a process, until it has leaders for everything. */
export const leadersWithinMs = 60_000

/**
 * What `ask` gave. `ask` has a deadline of its own, and may run twice: it must do no harm then. Rejects with its last error when it got no
 * answer for `withinMs`, and at once with every error that is an answer.
 */
export async function untilAnswered<T>(ask: () => Promise<T>, withinMs = leadersWithinMs): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > deadline || !isUnanswered(error)) throw error
      await pause(againMs)
    }
  }
}

/** No leader, too few nodes, or nobody who answers in time. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof JetStreamApiError
    ? error.status === 503 || error.code === tooFewNodes
    : error instanceof Error &&
      /^(BrokerUnavailable|TimeoutError|RequestError|NoRespondersError|JetStreamNotEnabled)$/.test(error.name)

const tooFewNodes = 10005
