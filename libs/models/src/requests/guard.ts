// The promise of the port around an adapter's call: `stream` never throws, and its last event is an outcome.
//   G1. Exactly one outcome, and nothing after it.
//   G2. A stream that ends without its provider's terminal event is failed{network}: half an answer is no answer.
//   G3. An abort ends it with failed{network}, whatever the adapter was doing.
//   G4. The adapter tells its events by a call, and they reach whoever asked in one step, or with `each` in the same: a generator on each
//       level between them, or a promise, costs more for each token than reading it. An adapter that is far ahead of who asks waits
//       (`room`), and so does its socket.
import type { ModelEvent, ModelEvents } from '@reins/contracts'
import { failed, faultOf, type Subject } from '../failure/failure.ts'

/** What an adapter's call is given. */
export interface Telling {
  tell(event: ModelEvent): void
  /** Undefined, or resolves when whoever asked has caught up. */
  room(): Promise<void> | undefined
  /** Nobody listens any more. */
  readonly left: boolean
  /** Called once, when nobody listens any more; the last one that was given counts. */
  onLeft(run: () => void): void
}

type Call = (telling: Telling) => Promise<void>

/** The call begins with the first event that is asked for. */
export const guard = (call: Call, subject: Subject, signal: AbortSignal): ModelEvents => ({
  [Symbol.asyncIterator]: () => new Told(call, subject, signal),
  each: (on) => new Told(call, subject, signal).each(on),
})

type Result = IteratorResult<ModelEvent, undefined>

const done: Result = { done: true, value: undefined }
/** Events that may wait to be asked for before the adapter is told to wait. */
const fewAhead = 64

/** Events between who tells them and who asks for them, one at a time. */
class Told implements AsyncIterator<ModelEvent, undefined>, Telling {
  left = false
  readonly #subject: Subject
  readonly #signal: AbortSignal
  /** Until it has begun. */
  #call: Call | undefined
  /** G1. */
  #over = false
  #waiting: ModelEvent[] = []
  #next = 0
  #ended = false
  #asked: ((result: Result) => void) | undefined
  #whenRoom: (() => void) | undefined
  #whenLeft: (() => void) | undefined
  #on: ((event: ModelEvent) => void) | undefined
  /** Of `on`. */
  #error: { readonly error: unknown } | undefined

  constructor(call: Call, subject: Subject, signal: AbortSignal) {
    this.#call = call
    this.#subject = subject
    this.#signal = signal
  }

  next(): Promise<Result> {
    if (this.#call) void this.#run()
    const event = this.#waiting[this.#next]
    if (event) {
      this.#next++
      if (this.#next === this.#waiting.length) this.#forget()
      return Promise.resolve({ done: false, value: event })
    }
    if (this.#ended || this.left) return Promise.resolve(done)
    return new Promise((resolve) => {
      this.#asked = resolve
    })
  }

  return(): Promise<Result> {
    this.#leave()
    this.#answer(done)
    return Promise.resolve(done)
  }

  each(on: (event: ModelEvent) => void): Promise<void> {
    this.#on = on
    return this.#run()
  }

  /** Rejects with what `on` has thrown. */
  async #run(): Promise<void> {
    const call = this.#call
    this.#call = undefined
    if (!call) return
    const signal = this.#signal
    let fault: ModelEvent | undefined
    try {
      if (!signal.aborted) await call(this)
    } catch (error) {
      if (!signal.aborted) fault = failed(faultOf(error), this.#subject)
    }
    if (!this.#over) {
      if (signal.aborted) this.#forget()
      const message = signal.aborted ? 'the call was cancelled' : 'the answer was cut off before its end'
      this.#push(fault ?? failed({ message }, this.#subject)) // G2, G3
    }
    this.#ended = true
    this.#answer(done)
    if (this.#error) throw this.#error.error
  }

  tell(event: ModelEvent): void {
    // What had arrived before the abort may still be in a buffer.
    if (this.#over || this.#signal.aborted) return
    this.#over = event.type !== 'delta' // G1
    this.#push(event)
  }

  #push(event: ModelEvent): void {
    if (this.left) return
    if (this.#on) this.#handOver(this.#on, event)
    else if (!this.#answer({ done: false, value: event })) this.#waiting.push(event)
  }

  #handOver(on: (event: ModelEvent) => void, event: ModelEvent): void {
    try {
      on(event)
    } catch (error) {
      this.#error = { error }
      this.#leave()
    }
  }

  #leave(): void {
    this.#call = undefined
    this.left = true
    this.#forget()
    const leave = this.#whenLeft
    this.#whenLeft = undefined
    leave?.()
  }

  /** What was not asked for yet. */
  #forget(): void {
    this.#waiting = []
    this.#next = 0
    this.#whenRoom?.()
    this.#whenRoom = undefined
  }

  room(): Promise<void> | undefined {
    if (this.left || this.#waiting.length - this.#next < fewAhead) return undefined
    return new Promise((resolve) => {
      this.#whenRoom = resolve
    })
  }

  onLeft(run: () => void): void {
    if (this.left) run()
    else this.#whenLeft = run
  }

  #answer(result: Result): boolean {
    const asked = this.#asked
    if (!asked) return false
    this.#asked = undefined
    asked(result)
    return true
  }
}
