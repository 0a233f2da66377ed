// What any thrown thing is to a client, whichever door it came by.
//   E1. Nothing of an unexpected error leaves the process.

import { BrokerUnavailable } from '@reins/broker'
import { ReinsError } from '@reins/contracts'

export function asReinsError(error: unknown): ReinsError {
  if (error instanceof ReinsError) return error
  if (error instanceof BrokerUnavailable)
    return new ReinsError('unavailable', 'The event store did not answer in time.')
  return new ReinsError('internal')
}
