// One session in one executor: a mailbox (mailbox.ts) around the pure verdicts (libs/session/holder.ts): PROTOCOL 4's loop. It holds triggers
// (held-triggers.ts), runs at most one model call (model-attempts.ts), and appends (plan-append.ts); everything that it decides, it
// decides on a fold that is not older than what it decides about (session-fold.ts).
//   A1. One operation at a time: triggers, outcomes, frames of others and losses wait in one line.
//   A2. What is appended is folded from what was sent, so a session that goes on costs no read.
//   A3. Who lost a call to another owner forgets its triggers: no ack, no nak, no working() (PROTOCOL 4).
//   A4. No exec trigger is acked before every open timer of the fold is in TIM (PROTOCOL 9).
//   A5. Without a trigger nothing new is begun, and statuses are copied from the head (PROTOCOL 2).
//   A6. A trigger counts for its session once its errands are done: until then nothing else acks, gives back or forgets it.
import type { Frame, Holding, SessionEvent } from '@reins/contracts'
import type { Trigger } from '@reins/journal'
import { cover, type Holder, isCurrentModelCall, mayStart, type Plan, plan, takeover, verdict } from '@reins/session'
import type { ExecutorContext } from './context.ts'
import { HeldTriggers } from './held-triggers.ts'
import { Mailbox } from './mailbox.ts'
import { type Attempting, ModelAttempts } from './model-attempts.ts'
import type { CallOutcome } from './model-caller.ts'
import { type Appended, appendPlan } from './plan-append.ts'
import { failureEvents, tooLarge } from './retries.ts'
import { SessionErrands } from './session-errands.ts'
import { SessionFold } from './session-fold.ts'

/** An outcome that is to be recorded: an aborted call was closed by another. */
type Ended = Exclude<CallOutcome, { kind: 'aborted' }>

const maxFailures = 5
const newerProtocolDelayMs = 30_000

export class SessionActor {
  readonly id: string
  readonly #context: ExecutorContext
  readonly #fold: SessionFold
  readonly #triggers: HeldTriggers
  readonly #errands: SessionErrands
  readonly #attempts: ModelAttempts
  readonly #mailbox: Mailbox
  #failures = 0

  constructor(id: string, context: ExecutorContext) {
    this.id = id
    this.#context = context
    this.#mailbox = new Mailbox({
      done: () => {
        this.#failures = 0
      },
      failed: (error) => this.#failed(error),
      left: () => {
        if (!this.busy()) this.#rest()
      },
    })
    this.#fold = new SessionFold(id, context)
    this.#triggers = new HeldTriggers(context.metrics)
    this.#errands = new SessionErrands(id, context, this.#fold)
    this.#attempts = new ModelAttempts(id, context, this.#fold, {
      ended: (claimed, outcome) => void this.#enqueue(() => this.#onOutcome(claimed, outcome)),
      others: (frame) => void this.#enqueue(() => this.#catchUp(false, frame)),
    })
  }

  /** Whether it holds or does anything: then it may not be evicted, and counts as a slot. */
  busy(): boolean {
    return this.#triggers.any() || this.#attempts.running !== null || !this.#mailbox.empty()
  }

  runs(call: string, attempt: number): boolean {
    return this.#attempts.holds(call, attempt)
  }

  /** A trigger was delivered, perhaps again: the newest handle counts. */
  deliver(trigger: Trigger): void {
    const before = this.#triggers.deliver(trigger)
    // One that is waiting in the line, or that the end of the call will see to, needs no second place in the line.
    if (before === 'waits' || (before === 'counts' && this.#attempts.running)) trigger.working()
    else this.#enqueue(() => this.#onTrigger(trigger.frame.seq))
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
    this.#triggers.working()
  }

  /** After a stall or a reconnect: re-read, and forget what was lost. */
  recheck(): Promise<void> {
    return this.#enqueue(() => this.#catchUp(true), true)
  }

  /** Gives its triggers back, for another process: at shutdown. Aborts what runs. */
  release(): Promise<void> {
    return this.#enqueue(async () => {
      this.#attempts.stop()
      this.#triggers.nakAll(0)
    }, true)
  }

  dispose(): void {
    this.#fold.dispose()
    this.#attempts.dispose()
  }

  // --- the mailbox (A1) ---

  #enqueue(operation: () => Promise<void>, rethrow = false): Promise<void> {
    this.#context.active.add(this)
    return this.#mailbox.put(operation, rethrow)
  }

  #rest(): void {
    this.#context.active.delete(this)
    this.#context.idle()
    this.#fold.rest(() => this.busy())
  }

  /** A bug, or the end of the process: nothing may stay held by an actor that does not go on with it. */
  async #failed(error: unknown): Promise<void> {
    this.#context.report(this.id, error)
    this.#failures++
    if (this.#failures >= maxFailures && !this.#context.stopping.aborted)
      await this.#quarantine(error).catch(() => undefined)
    this.#attempts.stop()
    this.#fold.drop()
    this.#triggers.nakAll(this.#context.ackWaitMs)
  }

  async #quarantine(error: unknown): Promise<void> {
    this.#failures = 0
    await this.#fold.reachHead()
    const { head, session } = this.#fold
    if (session.mode.kind === 'quarantined' || session.mode.kind === 'ended') return
    const reason = `an executor failed ${maxFailures} times in a row on it: ${error instanceof Error ? error.message : 'unknown'}`
    const events: SessionEvent[] = [{ type: 'session.quarantined', data: { reason, frame: head.n } }]
    const next = plan(session, events, this.#said(), false)
    if (next) await this.#append(next)
  }

  // --- operations ---

  async #onTrigger(seq: number): Promise<void> {
    const held = this.#triggers.newest(seq)
    if (!held) return
    await this.#context.pauseAt('executor.trigger')
    await this.#fold.reach(held.frame)
    if (!this.#triggers.counts(seq) && (await this.#errands.doneFor(held))) return this.#triggers.ack(seq)
    this.#triggers.count(seq)
    await this.#decide()
  }

  async #onLoss(holding: Holding): Promise<void> {
    if (this.#attempts.running || this.#context.presence().suspect()) return
    await this.#fold.reachHead()
    if (!this.#context.servesPool(this.#fold.session.born?.pools.executor)) return
    await this.#takeOver(holding)
  }

  /** Folds what others have appended; what runs here and is no longer ours is aborted and forgotten. */
  async #catchUp(leader: boolean, frame?: Frame): Promise<void> {
    if (!this.#fold.known()) return
    await this.#fold.catchUp(leader, frame)
    const { running } = this.#attempts
    if (!running || this.#attempts.owns(running)) return
    this.#attempts.stop()
    this.#triggers.forget()
  }

  async #onOutcome(running: Attempting, outcome: CallOutcome): Promise<void> {
    if (this.#attempts.running !== running) return this.#decide()
    this.#attempts.setDown()
    try {
      if (outcome.kind !== 'aborted') await this.#record(running, outcome)
    } finally {
      // Whatever became of it: a call that is held for ever is taken over by nobody.
      this.#attempts.letGo(running)
    }
    await this.#armTimers()
    await this.#decide()
  }

  // --- PROTOCOL 4 ---

  /** PROTOCOL 4's table, until the triggers are held, gone, or given back. */
  async #decide(): Promise<void> {
    while (this.#mayBegin()) {
      const { session, head } = this.#fold
      const next = verdict(session, head, this.#holder())
      switch (next.do) {
        case 'nak':
          return this.#triggers.nak(next.why === 'newer-protocol' ? newerProtocolDelayMs : this.#context.ackWaitMs / 2)
        case 'ack':
          await this.#errands.seeToStanding()
          return this.#ackAll()
        case 'hold':
          return
        case 'settle':
          await this.#append(next.plan)
          break
        case 'run':
          return this.#attempts.start(this.#attempts.claim(next.effect))
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

  /** A5, A6: whether it holds a trigger of this session. */
  #mayBegin(): boolean {
    return this.#triggers.anyCounts()
  }

  #holder(): Holder {
    return {
      instance: this.#context.instance,
      at: this.#context.clock.now(),
      runs: (call, attempt) => this.#attempts.holds(call, attempt),
      started: (call, attempt) => this.#attempts.started(call, attempt),
    }
  }

  /** What a frame that would be appended now says of itself. */
  #said() {
    return { n: this.#fold.head.n + 1, at: this.#context.clock.now(), by: this.#context.instance }
  }

  #append(next: Plan): Promise<Appended | null> {
    return appendPlan(this.#context, this.#fold, this.#attempts, next, this.#mayBegin())
  }

  /** Starts what the frame announced; where the same read shows it closed by another, forgets (A3). false: forgotten. */
  #startOrForget(claimed: Attempting): boolean {
    const { session } = this.#fold
    if (mayStart(session, claimed, this.#context.instance)) {
      this.#attempts.start(claimed)
      return true
    }
    this.#attempts.letGo(claimed)
    if (session.cancel && isCurrentModelCall(session, claimed.call, claimed.attempt)) return true
    this.#triggers.forget()
    return false
  }

  /** true: look again. */
  async #askOwner(owner: string, call: string, attempt: number): Promise<boolean> {
    const presence = this.#context.presence()
    const holding = { session: this.id, call, attempt }
    if (presence.suspect() || (await presence.ask(owner, holding)) === 'running') {
      this.#triggers.nak(this.#context.ackWaitMs / 2)
      return false
    }
    await this.#fold.readOn(true)
    await this.#takeOver(holding)
    return true
  }

  /** The owner is gone, and the fold is the leader's: the next attempt, if the call is still open at this one. */
  async #takeOver({ call, attempt }: Holding): Promise<void> {
    const current = isCurrentModelCall(this.#fold.session, call, attempt)
    const partial = current ? await this.#attempts.streamed(call, attempt) : ''
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

  /** Appends the outcome with what follows from it in one frame. What is nobody's answer any more is dropped, and its triggers forgotten (A3). */
  async #record(running: Attempting, outcome: Ended): Promise<void> {
    const { clock, metrics } = this.#context
    let events = this.#eventsOf(running, outcome)
    await this.#context.pauseAt('executor.before-outcome')
    while (this.#attempts.owns(running)) {
      const next = plan(this.#fold.session, events, this.#said(), this.#mayBegin())
      if (!next) return
      try {
        const done = await this.#append(next)
        if (!done) continue
        metrics.modelCall(outcome.kind, clock.now() - running.startedAt)
        if (done.claimed) this.#startOrForget(done.claimed)
        return
      } catch (error) {
        if (!(error instanceof RangeError) || events[0]?.type === 'model-call.failed') throw error
        events = [tooLarge(running, error)]
      }
    }
    this.#triggers.forget()
  }

  #eventsOf({ call, attempt }: Attempting, outcome: Ended): readonly SessionEvent[] {
    if (outcome.kind === 'completed') return [outcome.event]
    const { clock, retries } = this.#context
    const throttles = this.#fold.session.turn?.model?.throttles ?? 0
    const at = { now: clock.now(), random: clock.random() }
    return failureEvents({ call, attempt, throttles }, outcome.failure, outcome.partial, at, retries)
  }

  async #armTimers(): Promise<void> {
    for (const { timer, at } of this.#fold.session.timers)
      await this.#context.timers.arm(this.id, timer, at, this.#context.stopping)
  }

  async #ackAll(): Promise<void> {
    // A4.
    await this.#armTimers()
    await this.#context.pauseAt('executor.before-ack')
    // I10, counted in production: a state that is left to nobody is a bug.
    if (cover(this.#fold.session).some(({ kind }) => kind === 'exec-trigger')) this.#context.metrics.uncovered.inc()
    this.#triggers.ackUpTo(this.#fold.head.seq)
  }
}
