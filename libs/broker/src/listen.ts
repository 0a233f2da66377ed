// Hearing a subject. The client hands what a callback throws to its own reading of the connection, which is then lost: the process hears
// nothing for many seconds, and does not know it. So nobody subscribes elsewhere (a check holds that), and a message that its listener
// cannot take is left out, as if it had not been sent.
import type { Msg } from '@nats-io/nats-core'
import type { Broker } from './broker.ts'

export interface Listening {
  close(): void
}

export interface ListenOptions {
  /** One of those who listen with the same name gets each message. */
  readonly queue?: string
  /** Told of what `on` threw, for a log. Default: it is dropped without a word. */
  readonly failed?: (error: unknown) => void
}

/** Calls `on` for each message until closed. */
export function listen(
  broker: Broker,
  subject: string,
  on: (msg: Msg) => void,
  options: ListenOptions = {},
): Listening {
  const { queue, failed } = options
  const subscription = broker.nc.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (error, msg) => {
      if (error) return
      try {
        on(msg)
      } catch (cause) {
        failed?.(cause)
      }
    },
  })
  return { close: () => subscription.unsubscribe() }
}
