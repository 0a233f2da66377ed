// One session in one executor: a mailbox around the pure verdicts (libs/session/holder.ts). It holds triggers, runs at most one
// model call, and appends; everything that it decides, it decides on a fold that is not older than what it decides about.
//   A1. One operation at a time: triggers, outcomes, frames of others and losses wait in one line.
//   A2. What is appended is folded from what was sent, so a session that goes on costs no read.
//   A3. Who lost a call to another owner forgets its triggers: no ack, no nak, no working() (PROTOCOL 4).
//   A4. No exec trigger is acked before every open timer of the fold is in TIM (PROTOCOL 9).
//   A5. Without a trigger nothing new is begun, and statuses are copied from the head (PROTOCOL 2).
//   A6. A trigger counts for its session once its errands are done: until then nothing else acks, gives back or forgets it.
import {
  type Draft,
  type Frame,
  type Holding,
  isChild,
  makeShortId,
  protocolVersion,
  type SessionEvent,
  toLog,
} from '@reins/contracts'
import type { AppendOutcome, Subscription, Trigger } from '@reins/journal'
import {
  cover,
  type Errand,
  emptyFold,
  errandsOf,
  type Fold,
  finalErrand,
  foldFrame,
  foldFrames,
  type Holder,
  isCurrentModelCall,
  mayStart,
  type Plan,
  plan,
  standingErrands,
  statusOf,
  takeover,
  verdict,
} from '@reins/session'
import type { ExecutorContext } from './context.ts'
import { DeltaBatch } from './delta-batch.ts'
import { doErrand } from './errands.ts'
import { type CallOutcome, callModel } from './model-caller.ts'
import { failureEvents } from './retries.ts'
import { loadFold, writeSnapshot } from './snapshots.ts'

interface Held {
  /** The newest handle. */
  trigger: Trigger
  /** A6: what it asks of other sessions is done, or it asks for nothing. */
  looked: boolean
}

interface RunningCall {
  readonly call: string
  readonly attempt: number
  readonly abort: AbortController
  readonly startedAt: number
}

const snapshotEvery = 64
const maxFailures = 5
const maxPartial = 100_000
const maxErrandsKept = 256
const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`

/** An answer that no frame can hold is a failure of its call, like any other. */
const tooLarge = ({ call, attempt }: RunningCall, error: RangeError): SessionEvent => ({
  type: 'model-call.failed',
  data: {
    call,
    attempt,
    error: { code: 'bad-request', message: `The answer is too large to be recorded: ${error.message}.` },
  },
})

export class SessionActor {
  readonly id: string
  readonly #context: ExecutorContext
  #fold: Fold
  #loaded = false
  /** Nothing was read or folded yet: a session's first frame is all that there is, as far as anybody knows. */
  #unread = true
  #snapshotN = 0
  #line: Promise<void> = Promise.resolve()
  #waiting = 0
  readonly #triggers = new Map<number, Held>()
  /** The attempt whose stream this process reads. */
  #running: RunningCall | null = null
  /** Attempts that this process answers for: from before the intent goes out until its outcome is known to be in. */
  readonly #holds = new Set<string>()
  /** Attempts that this process has started, of the turn that is open. */
  #started = new Set<string>()
  #following: Subscription | null = null
  #restTimer: NodeJS.Timeout | undefined
  #failures = 0
  /** Errands that are done for good. */
  readonly #errandsDone = new Set<string>()

  constructor(id: string, context: ExecutorContext) {
    this.id = id
    this.#context = context
    this.#fold = emptyFold(id)
  }

  /** Whether it holds or does anything: then it may not be evicted, and counts as a slot. */
  busy(): boolean {
    return this.#triggers.size > 0 || this.#running !== null || this.#waiting > 0
  }

  runs(call: string, attempt: number): boolean {
    return this.#holds.has(keyOf(call, attempt))
  }

  /** A trigger was delivered, perhaps again: the newest handle counts. */
  deliver(trigger: Trigger): void {
    const { seq } = trigger.frame
    const held = this.#triggers.get(seq)
    if (held) held.trigger = trigger
    else this.#triggers.set(seq, { trigger, looked: false })
    // One that is waiting in the line, or that the end of the call will see to, needs no second place in the line.
    if (held && (!held.looked || this.#running)) trigger.working()
    else this.#enqueue(() => this.#onTrigger(seq))
  }

  /** An instance that said it runs this is gone. */
  lost(holding: Holding): void {
    this.#enqueue(() => this.#onLoss(holding))
  }

  /** Somebody closed the call in the log. */
  abort(call: string, attempt: number): void {
    if (this.runs(call, attempt)) this.#enqueue(() => this.#catchUp(true))
  }

  working(): void {
    for (const { trigger } of this.#triggers.values()) trigger.working()
  }

  /** After a stall or a reconnect: re-read, and forget what was lost. */
  recheck(): Promise<void> {
    return this.#enqueue(() => this.#catchUp(true), true)
  }

  /** Gives its triggers back, for another process: at shutdown. Aborts what runs. */
  release(): Promise<void> {
    return this.#enqueue(async () => {
      this.#stopRunning()
      this.#nakAll(0, 'all')
    }, true)
  }

  #enqueue(operation: () => Promise<void>, rethrow = false): Promise<void> {
    this.#waiting++
    this.#context.active.add(this)
    const done = this.#line.then(operation)
    this.#line = done
      .then(
        () => {
          this.#failures = 0
        },
        (error) => this.#failed(error),
      )
      .then(() => {
        this.#waiting--
        if (!this.busy()) this.#rest()
      })
    return rethrow ? done : this.#line
  }

  /** A bug, or the end of the process: nothing may stay held by an actor that does not go on with it. */
  async #failed(error: unknown): Promise<void> {
    this.#context.report(this.id, error)
    this.#failures++
    if (this.#failures >= maxFailures && !this.#context.stopping.aborted)
      await this.#quarantine(error).catch(() => undefined)
    this.#stopRunning()
    this.#loaded = false
    // From here on the log is read, also for a first frame: it may say that the session is quarantined for this.
    this.#unread = false
    this.#fold = emptyFold(this.id)
    this.#nakAll(this.#context.ackWaitMs, 'all')
  }

  async #quarantine(error: unknown): Promise<void> {
    this.#failures = 0
    await this.#reachHead()
    const { head, session } = this.#fold
    if (session.mode.kind === 'quarantined' || session.mode.kind === 'ended') return
    const reason = `an executor failed ${maxFailures} times in a row on it: ${error instanceof Error ? error.message : 'unknown'}`
    const said = { n: head.n + 1, at: this.#context.clock.now(), by: this.#context.instance }
    const next = plan(session, [{ type: 'session.quarantined', data: { reason, frame: head.n } }], said, false)
    if (next) await this.#append(next)
  }

  // --- the fold ---

  #fold1(frame: Frame): void {
    this.#fold = foldFrame(this.#fold, frame)
  }

  /** Brings the fold to a head that is not older than `frame` (H1). */
  async #reach(frame: Frame): Promise<void> {
    const { head } = this.#fold
    if (frame.seq <= head.seq && this.#loaded) return
    if (frame.n === head.n + 1 && frame.prev === head.seq && !frame.fault && (this.#loaded || this.#unread)) {
      this.#loaded = true
      return this.#fold1(frame)
    }
    if (!this.#loaded) {
      this.#fold = await loadFold(this.#context, this.id, frame.n)
      this.#snapshotN = this.#fold.head.n
      this.#loaded = true
    } else await this.#readOn(false)
    if (this.#fold.head.seq < frame.seq) await this.#readOn(true)
    if (this.#fold.head.seq < frame.seq)
      throw new Error(`frame ${frame.n} of ${this.id} was delivered, but cannot be read`)
  }

  async #readOn(leader: boolean): Promise<void> {
    const frames = await this.#context.reading(() =>
      this.#context.sessions.read(this.id, { after: this.#fold.head.seq, leader }),
    )
    this.#fold = foldFrames(this.#fold, frames)
    this.#loaded = true
  }

  #holder(): Holder {
    return {
      instance: this.#context.instance,
      at: this.#context.clock.now(),
      runs: (call, attempt) => this.runs(call, attempt),
      started: (call, attempt) => this.#started.has(keyOf(call, attempt)),
    }
  }

  // --- appending ---

  #draft(events: readonly SessionEvent[], status: Draft['status'], trace?: string): Draft {
    const { head, session } = this.#fold
    return {
      id: makeShortId(this.#context.clock.random),
      n: head.n + 1,
      prev: head.seq,
      at: this.#context.clock.now(),
      by: this.#context.instance,
      ...(trace === undefined ? {} : { trace }),
      role: 'e',
      needs: Math.max(head.needs, protocolVersion),
      status,
      pool: session.born?.pools.executor ?? head.pool,
      events,
    }
  }

  /** Appends a plan and folds whatever is there then. null: it is not in. `claimed`: the effect that this process answers for by now. */
  async #append(next: Plan): Promise<{ readonly claimed: RunningCall | null } | null> {
    const { head, session } = this.#fold
    // That it is quarantined promises nobody anything, so whoever finds out says it.
    const knows = this.#mayBegin() || next.after.mode.kind === 'quarantined'
    const draft = this.#draft(next.events, knows ? statusOf(next.after) : head.status)
    // An owner says yes from before its intent goes out (PROTOCOL 6).
    const claimed = next.effect ? this.#claim(next.effect) : null
    await this.#context.pauseAt('executor.before-append')
    let outcome: AppendOutcome
    try {
      outcome = await this.#context.sessions.append(this.id, draft, next.to, head.hash, this.#context.stopping)
    } catch (error) {
      if (claimed) this.#letGo(claimed)
      throw error
    }
    if (outcome.kind === 'refused') {
      this.#context.metrics.conflicts.inc()
      if (claimed) this.#letGo(claimed)
      this.#fold = foldFrames(this.#fold, outcome.tail)
      return null
    }
    const mine = { head: outcome.head, session: next.after }
    this.#fold = outcome.above.length === 0 ? mine : foldFrames(mine, outcome.above)
    this.#context.appended(session, next.events)
    this.#tellOwners(session, next.events)
    return { claimed }
  }

  /** A cancel has closed calls that somebody runs: they may stop (PROTOCOL 7). */
  #tellOwners(before: Fold['session'], events: readonly SessionEvent[]): void {
    const { model, calls } = before.turn ?? { model: null, calls: [] }
    for (const event of events) {
      if (event.type === 'tool-call.cancelled') {
        const state = calls.find(({ call }) => call === event.data.call)?.state
        if (state?.kind === 'claimed')
          this.#context
            .presence()
            .tellAbort(state.by, { session: this.id, call: event.data.call, attempt: state.attempt })
      }
      if (event.type !== 'model-call.failed' || event.data.error.code !== 'cancelled' || model?.kind !== 'running')
        continue
      const holding = { session: this.id, call: event.data.call, attempt: event.data.attempt }
      if (this.runs(event.data.call, event.data.attempt)) this.#stopRunning()
      else this.#context.presence().tellAbort(model.by, holding)
    }
  }

  // --- operations ---

  async #onTrigger(seq: number): Promise<void> {
    const held = this.#triggers.get(seq)
    if (!held) return
    await this.#context.pauseAt('executor.trigger')
    await this.#reach(held.trigger.frame)
    if (!held.looked && (await this.#runErrands(held.trigger))) {
      this.#triggers.delete(seq)
      held.trigger.ack()
      return
    }
    held.looked = true
    await this.#decide()
  }

  /** A frame that asks for something in another session is a trigger for that alone (I9). */
  async #runErrands({ frame, to }: Trigger): Promise<boolean> {
    // What a newer protocol means by a frame is not known here: decide() gives it back.
    if (to.kind !== 'exec' || frame.role !== 'e' || this.#fold.head.needs > protocolVersion) return false
    const errands = errandsOf(frame, to.pool).filter(({ kind }) => kind !== 'settle-parent' || isChild(this.id))
    for (const errand of errands) await this.#runErrand(errand, to.pool)
    return errands.length > 0
  }

  async #runErrand(errand: Errand, pool: string): Promise<void> {
    const name = finalErrand(this.#fold.session, errand)
    if (name !== null && this.#errandsDone.has(name)) return
    await doErrand(this.#context, this.id, this.#fold.session, errand, pool)
    if (name === null) return
    if (this.#errandsDone.size >= maxErrandsKept) this.#errandsDone.clear()
    this.#errandsDone.add(name)
  }

  /** PROTOCOL 4's table, until the triggers are held, gone, or given back. */
  async #decide(): Promise<void> {
    while (this.#mayBegin()) {
      const { session, head } = this.#fold
      const next = verdict(session, head, this.#holder())
      switch (next.do) {
        case 'nak':
          return this.#nakAll(next.why === 'newer-protocol' ? 30_000 : this.#context.ackWaitMs / 2)
        case 'ack':
          // Whoever was to see to it: its open delegations have their children, its parent has its answer (PROTOCOL 4).
          for (const errand of standingErrands(session)) await this.#runErrand(errand, head.pool)
          return this.#ackAll()
        case 'hold':
          return
        case 'settle':
          await this.#append({
            events: [{ type: 'session.settled', data: {} }],
            to: toLog,
            effect: null,
            after: session,
          })
          break
        case 'run':
          this.#start(this.#claim(next))
          return
        case 'ask':
          if (await this.#askOwner(next.owner, next.call, next.attempt)) break
          return
        case 'append': {
          await this.#context.pauseAt('executor.before-intent')
          const done = await this.#append(next.plan)
          await this.#context.pauseAt('executor.after-append')
          if (done?.claimed && !this.#startOrForget(done.claimed)) return
          break
        }
        default:
          next satisfies never
      }
    }
  }

  /** Starts what the frame announced; where the same read shows it closed by another, forgets (A3). false: forgotten. */
  #startOrForget(claimed: RunningCall): boolean {
    const { session } = this.#fold
    if (mayStart(session, claimed, this.#context.instance)) {
      this.#start(claimed)
      return true
    }
    this.#letGo(claimed)
    if (session.cancel && isCurrentModelCall(session, claimed.call, claimed.attempt)) return true
    this.#forgetAll()
    return false
  }

  /** true: look again. */
  async #askOwner(owner: string, call: string, attempt: number): Promise<boolean> {
    const presence = this.#context.presence()
    const holding = { session: this.id, call, attempt }
    if (presence.suspect() || (await presence.ask(owner, holding)) === 'running') {
      this.#nakAll(this.#context.ackWaitMs / 2)
      return false
    }
    await this.#readOn(true)
    await this.#takeOver(holding)
    return true
  }

  async #onLoss(holding: Holding): Promise<void> {
    if (this.#running || this.#context.presence().suspect()) return
    await this.#reachHead()
    if (!this.#context.servesPool(this.#fold.session.born?.pools.executor)) return
    await this.#takeOver(holding)
  }

  async #reachHead(): Promise<void> {
    if (!this.#loaded) {
      this.#fold = await loadFold(this.#context, this.id, Number.POSITIVE_INFINITY)
      this.#snapshotN = this.#fold.head.n
      this.#loaded = true
    }
    await this.#readOn(true)
  }

  /** The owner is gone, and the fold is the leader's: the next attempt, if the call is still open at this one. */
  async #takeOver({ call, attempt }: Holding): Promise<void> {
    const partial = isCurrentModelCall(this.#fold.session, call, attempt) ? await this.#streamed(call, attempt) : ''
    for (;;) {
      const next = takeover(this.#fold.session, this.#fold.head, this.#holder(), { call, attempt, partial })
      if (!next) return
      const done = await this.#append(next)
      if (!done) continue
      this.#context.metrics.takeovers.inc()
      if (done.claimed) this.#startOrForget(done.claimed)
      return
    }
  }

  /** The text that a lost attempt had streamed, as far as it is still kept: evidence, and what people have seen. */
  async #streamed(call: string, attempt: number): Promise<string> {
    const born = this.#fold.session.born
    const deltas = await this.#context.feed
      .recentDeltas(this.id, { since: born?.at ?? 0, withinMs: 1000 })
      .catch(() => [])
    const pieces = deltas.flatMap(({ role, delta }) =>
      role === 'e' && delta.call === call && delta.attempt === attempt && delta.kind === 'text' ? [delta.text] : [],
    )
    return pieces.join('').slice(0, maxPartial)
  }

  // --- the model call ---

  #claim({ call, attempt }: { readonly call: string; readonly attempt: number }): RunningCall {
    this.#holds.add(keyOf(call, attempt))
    this.#context.presence().begin({ session: this.id, call, attempt })
    return { call, attempt, abort: new AbortController(), startedAt: this.#context.clock.now() }
  }

  #letGo({ call, attempt }: RunningCall): void {
    this.#holds.delete(keyOf(call, attempt))
    this.#context.presence().end({ session: this.id, call, attempt })
  }

  #stopRunning(): void {
    const running = this.#running
    if (!running) return
    this.#running = null
    running.abort.abort()
    this.#letGo(running)
    this.#unfollow()
  }

  #unfollow(): void {
    this.#following?.close()
    this.#following = null
  }

  #start(claimed: RunningCall): void {
    const { call, attempt, abort } = claimed
    const { session } = this.#fold
    const context = this.#context
    if (attempt === 1) this.#started.clear()
    this.#started.add(keyOf(call, attempt))
    this.#running = claimed
    const follow = setTimeout(() => this.#follow(), context.followAfterMs)
    const deltas = new DeltaBatch((delta) => {
      context.feed.publishDelta(this.id, 'e', delta)
      void context.pauseAt('executor.in-stream')
    })
    const run = async (): Promise<CallOutcome> => {
      const settings = await context.definitions.settings(session.born?.digest ?? '')
      return callModel(
        context.models,
        settings,
        {
          session: this.id,
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
    run()
      .catch((error): CallOutcome => {
        context.report(this.id, error)
        const message = 'The model call broke off inside Reins; see the logs of the executor.'
        return { kind: 'failed', failure: { type: 'failed', code: 'bad-request', message }, partial: '' }
      })
      .then((outcome) => {
        clearTimeout(follow)
        deltas.flush()
        return this.#enqueue(() => this.#onOutcome(claimed, outcome))
      })
  }

  /** A call that takes long is watched: a cancel or a takeover by another is learnt of at once, and the model is not paid for nothing. */
  #follow(): void {
    if (!this.#running || this.#following) return
    this.#following = this.#context.feed.frames(this.id, ({ frame }) => {
      if (frame.by === this.#context.instance || frame.seq <= this.#fold.head.seq) return
      void this.#enqueue(() => this.#catchUp(false, frame))
    })
    void this.#enqueue(() => this.#catchUp(false))
  }

  /** Folds what others have appended; what runs here and is no longer ours is aborted and forgotten. */
  async #catchUp(leader: boolean, frame?: Frame): Promise<void> {
    if (!this.#loaded) return
    if (frame && frame.seq > this.#fold.head.seq && frame.prev === this.#fold.head.seq) this.#fold1(frame)
    else if (!frame || frame.seq > this.#fold.head.seq) await this.#readOn(leader)
    const running = this.#running
    if (!running || this.#ownsCurrent(running)) return
    this.#stopRunning()
    this.#forgetAll()
  }

  #ownsCurrent({ call, attempt }: RunningCall): boolean {
    const model = this.#fold.session.turn?.model
    return (
      model?.kind === 'running' &&
      model.call === call &&
      model.attempt === attempt &&
      model.by === this.#context.instance
    )
  }

  async #onOutcome(running: RunningCall, outcome: CallOutcome): Promise<void> {
    if (this.#running !== running) return this.#decide()
    this.#unfollow()
    this.#running = null
    try {
      if (outcome.kind !== 'aborted') await this.#record(running, outcome)
    } finally {
      // Whatever became of it: a call that is held for ever is taken over by nobody.
      this.#letGo(running)
    }
    await this.#armTimers()
    await this.#decide()
  }

  /** Appends the outcome with what follows from it in one frame. What is nobody's answer any more is dropped, and its triggers forgotten (A3). */
  async #record(running: RunningCall, outcome: Exclude<CallOutcome, { kind: 'aborted' }>): Promise<void> {
    let events = this.#outcomeEvents(running, outcome, this.#fold.session.turn?.model?.throttles ?? 0)
    await this.#context.pauseAt('executor.before-outcome')
    while (this.#ownsCurrent(running)) {
      const { head, session } = this.#fold
      const said = { n: head.n + 1, at: this.#context.clock.now(), by: this.#context.instance }
      const next = plan(session, events, said, this.#mayBegin())
      if (!next) return
      try {
        const done = await this.#append(next)
        if (!done) continue
        this.#context.metrics.modelCall(outcome.kind, this.#context.clock.now() - running.startedAt)
        if (done.claimed) this.#startOrForget(done.claimed)
        return
      } catch (error) {
        if (!(error instanceof RangeError) || events[0]?.type === 'model-call.failed') throw error
        events = [tooLarge(running, error)]
      }
    }
    this.#forgetAll()
  }

  #outcomeEvents(
    running: RunningCall,
    outcome: Exclude<CallOutcome, { kind: 'aborted' }>,
    throttles: number,
  ): readonly SessionEvent[] {
    if (outcome.kind === 'completed') return [outcome.event]
    const at = { now: this.#context.clock.now(), random: this.#context.clock.random() }
    return failureEvents(
      { call: running.call, attempt: running.attempt, throttles },
      outcome.failure,
      outcome.partial,
      at,
      this.#context.retries,
    )
  }

  // --- triggers ---

  async #armTimers(): Promise<void> {
    for (const { timer, at } of this.#fold.session.timers)
      await this.#context.timers.arm(this.id, timer, at, this.#context.stopping)
  }

  async #ackAll(): Promise<void> {
    await this.#armTimers()
    await this.#context.pauseAt('executor.before-ack')
    // I10, counted in production: a state that is left to nobody is a bug.
    if (cover(this.#fold.session).some(({ kind }) => kind === 'exec-trigger')) this.#context.metrics.uncovered.inc()
    for (const [seq, { trigger, looked }] of this.#triggers)
      if (looked && seq <= this.#fold.head.seq) {
        this.#triggers.delete(seq)
        trigger.ack()
      }
  }

  #nakAll(delayMs: number, which: 'looked' | 'all' = 'looked'): void {
    for (const [seq, { trigger, looked }] of this.#triggers)
      if (looked || which === 'all') {
        this.#triggers.delete(seq)
        trigger.nak(delayMs)
      }
  }

  #forgetAll(): void {
    for (const [seq, { looked }] of this.#triggers)
      if (looked) {
        this.#triggers.delete(seq)
        this.#context.metrics.forgotten.inc()
      }
  }

  /** A5, A6: whether it holds a trigger of this session. */
  #mayBegin(): boolean {
    for (const { looked } of this.#triggers.values()) if (looked) return true
    return false
  }

  // --- rest ---

  #rest(): void {
    this.#context.active.delete(this)
    this.#context.idle()
    const { head } = this.#fold
    // A long session's state is long too: it is written again when the log has grown by a quarter.
    if (head.n - this.#snapshotN >= Math.max(snapshotEvery, this.#snapshotN / 4)) this.#snapshot()
    else if (head.n > this.#snapshotN && head.n >= snapshotEvery && !this.#restTimer) {
      this.#restTimer = setTimeout(() => {
        this.#restTimer = undefined
        if (!this.busy()) this.#snapshot()
      }, 5000)
      this.#restTimer.unref()
    }
  }

  #snapshot(): void {
    if (this.#fold.head.n <= this.#snapshotN) return
    this.#snapshotN = this.#fold.head.n
    void writeSnapshot(this.#context, this.#fold)
  }

  dispose(): void {
    clearTimeout(this.#restTimer)
    this.#following?.close()
  }
}
