// Hearing a subject. The client hands what a callback throws to its own reading of the connection, which is then lost: the process hears
// nothing for many seconds, and does not know it. So nobody subscribes elsewhere (a check holds that), and a message that its listener
// cannot take is left out, as if it had not been sent.
//   LI1. What the broker itself says at a subject is nobody's word: its answers, and what its consumers deliver, go wherever a request says,
//        also where whoever asks may not write. So they are left out, but where the broker is who speaks there.
import type { Msg } from '@nats-io/nats-core'
import { ackPrefix } from '@reins/contracts'
import type { Broker } from './broker.ts'
import { headersOf, isPutByBroker } from './message-headers.ts'

export interface Listening {
  close(): void
}

export interface ListenOptions {
  /** One of those who listen with the same name gets each message. */
  readonly queue?: string
  /** Told of what `on` threw, for a log. Default: it is dropped without a word. */
  readonly failed?: (error: unknown) => void
  /** LI1. The broker speaks at this subject: it says again what a stream has taken, or answers. */
  readonly ofBroker?: true
}

/** Calls `on` for each message until closed. */
export function listen(
  broker: Broker,
  subject: string,
  on: (msg: Msg) => void,
  options: ListenOptions = {},
): Listening {
  const { queue, failed, ofBroker } = options
  const subscription = broker.nc.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, msg) => {
      if (error) return
      try {
        if (!ofBroker && saidByBroker(msg)) return
        on(msg)
      } catch (cause) {
        failed?.(cause)
      }
    },
  })
  return { close: () => subscription.unsubscribe() }
}

/** LI1. A stored message that was asked for says in its headers where it was read; one that a consumer delivers is to be acked. */
const saidByBroker = (msg: Msg): boolean => (msg.reply?.startsWith(ackPrefix) ?? false) || isPutByBroker(headersOf(msg))
