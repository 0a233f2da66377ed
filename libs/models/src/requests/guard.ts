// The promise of the port around an adapter's call: `stream` never throws, and its last event is an outcome.
//   G1. Exactly one outcome, and nothing after it.
//   G2. A stream that ends without its provider's terminal event is failed{network}: half an answer is no answer.
//   G3. An abort ends it with failed{network}, whatever the adapter was doing.
import type { ModelEvent } from '@reins/contracts'
import { failed, faultOf, type Subject } from '../failure/failure.ts'

export async function* guard(
  call: () => AsyncIterable<ModelEvent>,
  subject: Subject,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  try {
    if (!signal.aborted) {
      for await (const event of call()) {
        // What had arrived before the abort may still be in a buffer.
        if (signal.aborted) break
        yield event
        if (event.type !== 'delta') return
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      yield failed(faultOf(error), subject)
      return
    }
  }
  const message = signal.aborted ? 'the call was cancelled' : 'the answer was cut off before its end'
  yield failed({ message }, subject)
}
