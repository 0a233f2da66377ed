// The attempts of model calls that one session's actor answers for, and the one whose stream it reads. It appends nothing.
//   C1. An owner says yes from before its intent goes out until its outcome is known to be in (PROTOCOL 6): an attempt is disposable.
//   C2. At most one attempt runs. What it comes to is handed to `ended` exactly once, also when it was stopped.
//   C4. A call that went out before its announcement was known to be in is heard when it is started, and aborted where it is let go before;
//       it keeps its slot until it has ended (early-call.ts).
//   C3. A call that takes long is watched: a cancel or a takeover by another is learnt of at once, and the model is not paid for nothing.
import type { Presence } from '@reins/broker'
import type { Definitions } from '@reins/context'
import type { Delta, Frame, SessionEvent } from '@reins/contracts'
import { Claims, type Follower, Following, type FollowingContext, type Slot } from '@reins/holder'
import type { SessionFeed } from '@reins/journal'
import type { Models } from '@reins/models'
import type { Redactor } from '@reins/secrets'
import type { Clock, PausePoint } from '@reins/service'
import { type Effect, isOwn, type Session } from '@reins/session'
import type { ExecutorMetrics } from '../executor-metrics.ts'
import type { SessionFold } from '../session/session-fold.ts'
import { type ReplayPorts, replayRun, type Said } from '../run/replay-run.ts'
import { Attempting } from './attempting.ts'
import { DeltaBatch } from './delta-batch.ts'
import type { DeltaPace } from './delta-pace.ts'
import type { KeptMedia } from './kept-media.ts'
import { EarlyCall } from './early-call.ts'
import { type CallOutcome, callModel, maxPartial } from './model-caller.ts'
import { type Prepared, prepare } from './prepared.ts'

export interface AttemptsContext extends FollowingContext {
  readonly feed: Pick<SessionFeed, 'frames' | 'recentDeltas' | 'publishDelta'>
  readonly definitions: Pick<Definitions, 'settings'>
  readonly models: Models
  /** Masks what a model says to an agent of this version. Never rejects. */
  redactorOf(digest: string): Promise<Redactor>
  readonly media: Pick<KeptMedia, 'get'>
  /** Runs the code that decides for sessions. */
  readonly runs: ReplayPorts
  readonly deltaPace: DeltaPace
  readonly clock: Clock
  readonly pauseAt: PausePoint
  readonly metrics: Pick<ExecutorMetrics, 'earlyDropped'>
  presence(): Pick<Presence, 'begin' | 'end'>
  /** Something that is no event went wrong. */
  report(session: string, error: unknown): void
  /** Names of what a model sent and no schema knows. */
  ignored(model: string, names: readonly string[]): void
}

/** Whose attempts they are. */
export interface Heard {
  /** The stream of an attempt has ended (C2). */
  ended(claimed: Attempting, outcome: CallOutcome): void
  /** What a replay has to say before it goes on. `begins`: it announces something. */
  says(claimed: Attempting, events: readonly SessionEvent[], begins: boolean): Promise<Said>
  /** Somebody else may have appended: this frame, or whatever is there (C3). */
  others(frame?: Frame): void
}

export class ModelAttempts implements Follower {
  readonly #id: string
  readonly #context: AttemptsContext
  readonly #fold: SessionFold
  readonly #heard: Heard
  /** The attempt whose stream this process reads. */
  #running: Attempting | null = null
  readonly #claims: Claims
  #lastDropped = false
  readonly #following: Following

  constructor(id: string, context: AttemptsContext, fold: SessionFold, heard: Heard) {
    this.#id = id
    this.#context = context
    this.#fold = fold
    this.#heard = heard
    this.#claims = new Claims(id, context)
    this.#following = new Following(id, context, this)
  }

  // --- what others append (C3) ---

  wanted(): boolean {
    return this.#running !== null
  }

  heard(frame: Frame): void {
    if (frame.seq > this.#fold.head.seq) this.#heard.others(frame)
  }

  began(): void {
    this.#heard.others()
  }

  get running(): Attempting | null {
    return this.#running
  }

  holds(call: string, attempt: number): boolean {
    return this.#claims.holds(call, attempt)
  }

  started(call: string, attempt: number): boolean {
    return this.#claims.started(call, attempt)
  }

  /** Whether the fold says that this attempt is open and this process's own. */
  owns(attempting: Attempting): boolean {
    return isOwn(this.#fold.session, attempting, this.#context.instance)
  }

  /** What the effect that `session` has begun sends. */
  async prepare(session: Session, effect: Effect): Promise<Prepared> {
    const { definitions, models } = this.#context
    return prepare(models, await definitions.settings(session.born?.digest ?? ''), session, effect)
  }

  /** Answered for from now on, until it is disposed of; the slot is its own. */
  claim(effect: Effect, slot: Slot, prepared: Prepared | null = null): Attempting {
    return new Attempting({
      ...{ effect, slot, prepared, owner: this },
      claim: this.#claims.claim(effect.call, effect.attempt),
      startedAt: this.#context.clock.now(),
    })
  }

  /** Whether the next call may go out early: one that was dropped is followed by one that is announced first. */
  get mayGoEarly(): boolean {
    return !this.#lastDropped
  }

  /** Calls the model, and keeps what it says to itself until `start` (C4). `session`: with what is announced. */
  sendEarly(claimed: Attempting, session: Session): void {
    claimed.goesEarly(new EarlyCall((onDelta) => this.#ask(claimed, session, onDelta)))
  }

  /** A call that went out early was let go before anybody heard it. */
  dropped(): void {
    this.#lastDropped = true
    this.#context.metrics.earlyDropped.inc()
  }

  /** Calls the model with what was announced. */
  start(claimed: Attempting): void {
    const context = this.#context
    if (claimed.attempt === 1) this.#claims.forgetStarted()
    this.#claims.start(claimed.call, claimed.attempt)
    this.#running = claimed
    this.#following.startSoon()
    const deltas = new DeltaBatch((delta, at) => {
      context.feed.publishDelta(this.#id, 'e', delta, at)
      void context.pauseAt('executor.in-stream')
    }, context.deltaPace)
    this.#call(claimed, deltas)
      .catch((error): CallOutcome => {
        context.report(this.#id, error)
        const message = 'The model call broke off inside Reins; see the logs of the executor.'
        return { kind: 'failed', failure: { type: 'failed', code: 'bad-request', message }, partial: '' }
      })
      .then((outcome) => {
        deltas.flush()
        if (outcome.kind === 'completed' && outcome.ignored.length > 0)
          context.ignored(this.#fold.session.born?.model ?? '', outcome.ignored)
        this.#heard.ended(claimed, outcome)
      })
  }

  async #call(claimed: Attempting, deltas: DeltaBatch): Promise<CallOutcome> {
    const context = this.#context
    if (claimed.kind === 'replay-run') {
      const { session } = this.#fold
      const redactor = await context.redactorOf(session.born?.digest ?? '')
      await context.pauseAt('executor.in-replay')
      return replayRun(
        ...([session, claimed, context.runs, redactor] as const),
        (events, begins) => this.#heard.says(claimed, events, begins),
        claimed.abort.signal,
      )
    }
    const early = claimed.takeEarly()
    this.#lastDropped = false
    const hears = (delta: Delta): void => deltas.push(delta)
    return early ? early.hear(hears) : this.#ask(claimed, this.#fold.session, hears)
  }

  /** `session`: with what is announced. */
  async #ask(claimed: Attempting, session: Session, onDelta: (delta: Delta) => void): Promise<CallOutcome> {
    const context = this.#context
    const { call, attempt, abort } = claimed
    const load = (ref: string) => context.media.get(this.#id, ref)
    const prepared = claimed.takePrepared() ?? (await this.prepare(session, claimed))
    const redactor = await context.redactorOf(session.born?.digest ?? '')
    return callModel({ session: this.#id, call, attempt, prepared, load }, onDelta, abort.signal, redactor)
  }

  /** Aborts what runs; it is nobody's any more. */
  stop(): void {
    const running = this.#running
    if (!running) return
    this.setDown()
    running.abort.abort()
    running[Symbol.dispose]()
  }

  /** Its stream has ended; it is still answered for (C1). */
  setDown(): void {
    this.#running = null
    this.#following.stop()
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
    this.#following.stop()
  }
}
