// What any thrown thing is to a client, whichever door it came by.
//   E1. Nothing of an unexpected error leaves the process.
import { ReinsError } from '@reins/contracts'
import { JournalUnavailable } from '@reins/journal'

export function asReinsError(error: unknown): ReinsError {
  if (error instanceof ReinsError) return error
  if (error instanceof JournalUnavailable)
    return new ReinsError('unavailable', 'The event store did not answer in time.')
  return new ReinsError('internal')
}
