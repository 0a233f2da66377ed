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

/** The call begins with the first event that is asked for. */
export function guard(call: (telling: Telling) => Promise<void>, subject: Subject, signal: AbortSignal): ModelEvents {
  const begin = (told: Told): Promise<void> => guarded(call, told, subject, signal)
  return {
    [Symbol.asyncIterator]: () => new Told(begin),
    each: (on) => new Told(begin).each(on),
  }
}

async function guarded(
  call: (telling: Telling) => Promise<void>,
  told: Told,
  subject: Subject,
  signal: AbortSignal,
): Promise<void> {
  let over = false
  const telling: Telling = {
    tell(event) {
      // What had arrived before the abort may still be in a buffer.
      if (over || signal.aborted) return
      over = event.type !== 'delta' // G1
      told.push(event)
    },
    room: () => told.room(),
    get left() {
      return told.left
    },
    onLeft: (run) => told.onLeft(run),
  }
  let fault: ModelEvent | undefined
  try {
    if (!signal.aborted) await call(telling)
  } catch (error) {
    if (!signal.aborted) fault = failed(faultOf(error), subject)
  }
  if (!over) {
    if (signal.aborted) told.forget()
    const message = signal.aborted ? 'the call was cancelled' : 'the answer was cut off before its end'
    told.push(fault ?? failed({ message }, subject)) // G2, G3
  }
  told.end()
}

type Result = IteratorResult<ModelEvent, undefined>

const done: Result = { done: true, value: undefined }
/** Events that may wait to be asked for before the adapter is told to wait. */
const fewAhead = 64

/** Events between who tells them and who asks for them, one at a time. */
class Told implements AsyncIterator<ModelEvent, undefined> {
  left = false
  #begin: ((told: Told) => Promise<void>) | undefined
  #waiting: ModelEvent[] = []
  #next = 0
  #ended = false
  #asked: ((result: Result) => void) | undefined
  #whenRoom: (() => void) | undefined
  #whenLeft: (() => void) | undefined
  #on: ((event: ModelEvent) => void) | undefined
  /** Of `on`. */
  #error: { readonly error: unknown } | undefined

  constructor(begin: (told: Told) => Promise<void>) {
    this.#begin = begin
  }

  next(): Promise<Result> {
    const begin = this.#begin
    if (begin) {
      this.#begin = undefined
      void begin(this)
    }
    const event = this.#waiting[this.#next]
    if (event) {
      this.#next++
      if (this.#next === this.#waiting.length) this.forget()
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

  async each(on: (event: ModelEvent) => void): Promise<void> {
    this.#on = on
    const begin = this.#begin
    this.#begin = undefined
    await begin?.(this)
    if (this.#error) throw this.#error.error
  }

  push(event: ModelEvent): void {
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
    this.#begin = undefined
    this.left = true
    this.forget()
    const leave = this.#whenLeft
    this.#whenLeft = undefined
    leave?.()
  }

  end(): void {
    this.#ended = true
    this.#answer(done)
  }

  /** What was not asked for yet. */
  forget(): void {
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
