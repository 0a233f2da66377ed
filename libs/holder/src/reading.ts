// A read that is repeated until it is answered, or the process stops: a broker that is away must not fail a turn or a tool.
import { BrokerUnavailable } from '@reins/broker'

export type Reading = <T>(read: () => Promise<T>) => Promise<T>

export function readingUntil(stopping: AbortSignal): Reading {
  return async (read) => {
    for (;;) {
      try {
        return await read()
      } catch (error) {
        if (!(error instanceof BrokerUnavailable) || stopping.aborted) throw error
      }
    }
  }
}
