// A canary on JetStream: one message, in place of the one before, on a stream of its own. It is written and synced as a frame is.
import { type Broker, isOutOfRoom, publishReply } from '@reins/broker'
import { canarySubject } from '@reins/contracts'
import type { CanaryOutcome } from '../append-watch.ts'

/** Within 2 s. Never rejects. */
export async function appendCanary(broker: Pick<Broker, 'request'>): Promise<CanaryOutcome> {
  const outcome = await broker.request(canarySubject, '', { withinMs: 2000 })
  if (outcome.kind !== 'reply') return { kind: 'silent' }
  const { seq, error } = publishReply(outcome.msg.string())
  if (!error) return { kind: seq === undefined ? 'silent' : 'taken' }
  const full = isOutOfRoom(error)
  // Without a leader or a quorum the next try may succeed: only what the store itself says is a refusal.
  return full || error.err_code === storeFailed
    ? { kind: 'refused', why: `the broker takes no append: ${error.description}`, full }
    : { kind: 'silent' }
}

const storeFailed = 10077
