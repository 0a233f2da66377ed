// The attempts of model calls that one session's actor answers for, and the one whose stream it reads. It appends nothing.
//   C1. An owner says yes from before its intent goes out until its outcome is known to be in (PROTOCOL 6): claim, then letGo.
//   C2. At most one attempt runs. What it comes to is handed to `ended` exactly once, also when it was stopped.
//   C3. A call that takes long is watched: a cancel or a takeover by another is learnt of at once, and the model is not paid for nothing.
import type { Frame } from '@reins/contracts'
import type { Subscription } from '@reins/journal'
import { type Effect, isOwn } from '@reins/session'
import type { ExecutorContext } from './context.ts'
import { DeltaBatch } from './delta-batch.ts'
import { type CallOutcome, callModel } from './model-caller.ts'
import type { SessionFold } from './session-fold.ts'

export interface Attempting extends Effect {
  readonly abort: AbortController
  readonly startedAt: number
}

interface Heard {
  /** The stream of an attempt has ended (C2). */
  ended(claimed: Attempting, outcome: CallOutcome): void
  /** Somebody else may have appended: this frame, or whatever is there (C3). */
  others(frame?: Frame): void
}

const maxPartial = 100_000
const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`

export class ModelAttempts {
  readonly #id: string
  readonly #context: ExecutorContext
  readonly #fold: SessionFold
  readonly #heard: Heard
  /** The attempt whose stream this process reads. */
  #running: Attempting | null = null
  /** Attempts that this process answers for (C1). */
  readonly #holds = new Set<string>()
  /** Attempts that this process has started, of the turn that is open. */
  readonly #started = new Set<string>()
  #following: Subscription | null = null

  constructor(id: string, context: ExecutorContext, fold: SessionFold, heard: Heard) {
    this.#id = id
    this.#context = context
    this.#fold = fold
    this.#heard = heard
  }

  get running(): Attempting | null {
    return this.#running
  }

  holds(call: string, attempt: number): boolean {
    return this.#holds.has(keyOf(call, attempt))
  }

  started(call: string, attempt: number): boolean {
    return this.#started.has(keyOf(call, attempt))
  }

  /** Whether the fold says that this attempt is open and this process's own. */
  owns(attempting: Attempting): boolean {
    return isOwn(this.#fold.session, attempting, this.#context.instance)
  }

  claim(effect: Effect): Attempting {
    const { call, attempt } = effect
    this.#holds.add(keyOf(call, attempt))
    this.#context.presence().begin({ session: this.#id, call, attempt })
    return { ...effect, abort: new AbortController(), startedAt: this.#context.clock.now() }
  }

  letGo({ call, attempt }: Attempting): void {
    this.#holds.delete(keyOf(call, attempt))
    this.#context.presence().end({ session: this.#id, call, attempt })
  }

  /** Calls the model with what the fold holds now. */
  start(claimed: Attempting): void {
    const context = this.#context
    if (claimed.attempt === 1) this.#started.clear()
    this.#started.add(keyOf(claimed.call, claimed.attempt))
    this.#running = claimed
    const follow = setTimeout(() => this.#follow(), context.followAfterMs)
    const deltas = new DeltaBatch((delta) => {
      context.feed.publishDelta(this.#id, 'e', delta)
      void context.pauseAt('executor.in-stream')
    })
    this.#call(claimed, deltas)
      .catch((error): CallOutcome => {
        context.report(this.#id, error)
        const message = 'The model call broke off inside Reins; see the logs of the executor.'
        return { kind: 'failed', failure: { type: 'failed', code: 'bad-request', message }, partial: '' }
      })
      .then((outcome) => {
        clearTimeout(follow)
        deltas.flush()
        this.#heard.ended(claimed, outcome)
      })
  }

  async #call({ call, attempt, abort }: Attempting, deltas: DeltaBatch): Promise<CallOutcome> {
    const context = this.#context
    // The session as it was when the call began: the fold may go on while the definition is read.
    const { session } = this.#fold
    const settings = await context.definitions.settings(session.born?.digest ?? '')
    return callModel(
      context.models,
      settings,
      {
        session: this.#id,
        call,
        attempt,
        model: session.born?.model ?? '',
        final: session.turn?.model?.final ?? false,
        messages: session.transcript.toArray(),
      },
      (delta) => deltas.push(delta),
      abort.signal,
      context.redactor,
    )
  }

  /** Aborts what runs; it is nobody's any more. */
  stop(): void {
    const running = this.#running
    if (!running) return
    this.setDown()
    running.abort.abort()
    this.letGo(running)
  }

  /** Its stream has ended; it is still answered for (C1). */
  setDown(): void {
    this.#running = null
    this.#following?.close()
    this.#following = null
  }

  #follow(): void {
    if (!this.#running || this.#following) return
    this.#following = this.#context.feed.frames(this.#id, ({ frame }) => {
      if (frame.by === this.#context.instance || frame.seq <= this.#fold.head.seq) return
      this.#heard.others(frame)
    })
    this.#heard.others()
  }

  /** The text that a lost attempt had streamed, as far as it is still kept: evidence, and what people have seen. */
  async streamed(call: string, attempt: number): Promise<string> {
    const deltas = await this.#context.feed
      .recentDeltas(this.#id, { since: this.#fold.session.born?.at ?? 0, withinMs: 1000 })
      .catch(() => [])
    const pieces = deltas.flatMap(({ role, delta }) =>
      role === 'e' && delta.call === call && delta.attempt === attempt && delta.kind === 'text' ? [delta.text] : [],
    )
    return pieces.join('').slice(0, maxPartial)
  }

  dispose(): void {
    this.#following?.close()
  }
}
