// Outcomes that wait for one another's append (T1 of session-tools.ts): which go out together, and which of them still count.
import type { SessionEvent } from '@reins/contracts'
import { outcomeEvents, type RunnerCall } from '@reins/session'
import type { Outcome, RunningCall } from './running-tools.ts'

/** Outcomes that wait together go into one frame up to this many characters. */
const frameChars = 400_000

export class Outcomes {
  #waiting: Outcome[] = []

  get size(): number {
    return this.#waiting.length
  }

  add(outcome: Outcome): void {
    this.#waiting.push(outcome)
  }

  /** The oldest, as many as one frame is to hold: at least one, at most `most`. */
  takeBatch(most: number): Outcome[] {
    const batch: Outcome[] = []
    let chars = 0
    while (this.#waiting.length > 0 && batch.length < most) {
      const next = this.#waiting[0]
      if (!next) break
      const said = next.event.type === 'tool-call.completed' ? next.event.data.output.length : 200
      const size = said + (next.files?.data.content.length ?? 0) + (next.told ? JSON.stringify(next.told).length : 0)
      if (batch.length > 0 && chars + size > frameChars) break
      chars += size
      batch.push(next)
      this.#waiting.shift()
    }
    return batch
  }

  /** A batch that was refused: first again. */
  putBack(batch: readonly Outcome[]): void {
    this.#waiting = [...batch, ...this.#waiting]
  }

  /** A batch that no frame can hold: each by itself then, and one that is too large by itself is an error like any other. */
  putBackTooLarge(batch: readonly Outcome[]): void {
    this.putBack(batch.length > 1 ? batch : batch.map(tooLarge))
  }

  clear(): void {
    this.#waiting = []
  }
}

/** What is appended for a batch: outcomes that count, then as evidence those that do not any more. */
export const eventsOf = (
  batch: readonly Outcome[],
  stateOf: (running: RunningCall) => RunnerCall['state'] | undefined,
  instance: string,
): SessionEvent[] =>
  outcomeEvents(
    batch.map(({ running, event, files, told }) => ({
      ...{ event, state: stateOf(running), stopped: running.abort.signal.aborted },
      ...(files ? { files } : {}),
      ...(told ? { told } : {}),
    })),
    instance,
  )

const tooLarge = ({ running, event }: Outcome): Outcome => ({
  running,
  event: {
    type: 'tool-call.completed',
    data: {
      call: event.data.call,
      attempt: event.data.attempt,
      status: 'error',
      code: 'too-large',
      output: JSON.stringify({
        status: 'error',
        error: 'The tool ended, but its output is larger than the event store takes. Ask for less of it.',
      }),
    },
  },
})
