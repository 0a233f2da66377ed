// One session in one executor: a mailbox (mailbox.ts) around the pure verdicts (libs/session/holder.ts): PROTOCOL 4's loop. It holds triggers
// (held-triggers.ts), runs at most one model call (model-attempts.ts), and appends (plan-append.ts); everything that it decides, it
// decides on a fold that is not older than what it decides about (session-fold.ts).
//   A1. One operation at a time: triggers, outcomes, frames of others and losses wait in one line.
//   A2. What is appended is folded from what was sent, so a session that goes on costs no read.
//   A3. Who lost a call to another owner forgets its triggers: no ack, no nak, no working() (PROTOCOL 4).
//   A4. No exec trigger is acked before every open timer of the fold is in TIM, and no model call runs long before (PROTOCOL 9).
//   A5. Without a trigger nothing new is begun, and statuses are copied from the head (PROTOCOL 2).
//   A7. A model call is begun with a slot for it, and when its provider may be asked (call-room.ts). Where there is none the actor holds its trigger and waits, and decides
//       everything else meanwhile; a cancel that it sees in its fold while it holds a trigger is answered, whoever brought it.
//   A8. What another instance knows is given to that one, before anything of it is read here (warm-owner.ts).
//   A9. A session that is too large to be folded, or that goes on behind one that was erased, is put in quarantine by its head alone, and its
//       triggers are acked: nobody loads it again.
//   A6. A trigger counts for its session once its errands are done: until then nothing else acks, gives back or forgets it.
import type { Presence } from '@reins/broker'
import { type Frame, type Holding, ReinsError, type SessionEvent } from '@reins/contracts'
import { type CallSlots, type HeldActor, Mailbox, type Queued, type Turns } from '@reins/holder'
import type { Timers, Trigger } from '@reins/journal'
import type { ModelQuota } from '@reins/models'
import {
  compactionEvents,
  cover,
  failureEvents,
  type Fold,
  type Holder,
  isCurrentModelCall,
  mayStart,
  type Plan,
  plan,
  type RetryPolicy,
  type Session,
  takeover,
  isTooLarge,
  tooLarge,
  verdict,
} from '@reins/session'
import type { ErrandContext } from '../errands/errands.ts'
import { SessionErrands } from '../errands/session-errands.ts'
import type { ExecutorMetrics } from '../executor-metrics.ts'
import { CallRoom, type Room, type RoomOwner } from '../model-call/call-room.ts'
import { withCheck } from '../model-call/checked-answer.ts'
import type { Attempting } from '../model-call/attempting.ts'
import { type AttemptsContext, type Heard, ModelAttempts } from '../model-call/model-attempts.ts'
import type { CallOutcome } from '../model-call/model-caller.ts'
import { noteOutcome, quotaOfEffect } from '../model-call/quota-of.ts'
import type { ModelQuotas } from '../quota/model-quotas.ts'
import type { Said } from '../run/replay-run.ts'
import { replayTooLarge } from '../run/run-outcome.ts'
import { endsOfSteps, isStepEnd } from '../run/step-ends.ts'
import { HeldTriggers } from './held-triggers.ts'
import { type AppendContext, type Appended, appendPlan } from './plan-append.ts'
import { SessionFold } from './session-fold.ts'
import { type PutAwayContext, putAway } from './put-away.ts'
import { SessionTooLarge } from './snapshots.ts'
import { givenToWarm } from './warm-owner.ts'

/** An outcome that is to be recorded: an aborted call was closed by another. */
type Ended = Exclude<CallOutcome, { kind: 'aborted' }>

/** What an actor needs of its process: what its parts need, and a little more. Made once in service.ts. */
export interface ActorContext extends AppendContext, AttemptsContext, ErrandContext {
  readonly runs: AttemptsContext['runs']
  readonly sessions: AppendContext['sessions'] & ErrandContext['sessions'] & PutAwayContext['sessions']
  readonly models: AttemptsContext['models']
  readonly definitions: AttemptsContext['definitions'] & ErrandContext['definitions']
  readonly timers: Pick<Timers, 'arm'>
  readonly metrics: ExecutorMetrics
  readonly ackWaitMs: number
  readonly retries: RetryPolicy
  readonly slots: CallSlots
  readonly quotas: Pick<ModelQuotas, 'free' | 'wait' | 'reason' | 'refused' | 'spent'>
  presence(): Pick<Presence, 'begin' | 'end' | 'ask' | 'tellAbort' | 'suspect' | 'takers' | 'give'>
  servesPool(pool: string | undefined): boolean
  /** What the actor holds or does has changed. */
  changed(actor: SessionActor): void
}

const maxFailures = 5

/** For whom a session works; '': it does not say. */
const principalOf = ({ born, servers }: Session): string => born?.principal ?? servers?.principal ?? ''

const beforeOutcome = {
  'call-model': 'executor.before-outcome',
  compact: 'executor.in-summary',
  'replay-run': 'executor.before-replay-outcome',
} as const

/** One object for all that its parts tell it: thousands of sessions wait at once. */
export class SessionActor implements HeldActor, Turns, RoomOwner, Heard {
  readonly id: string
  readonly #context: ActorContext
  readonly #fold: SessionFold
  /** When the trigger was stored that nothing was appended for yet; epoch ms. */
  #asked: number | undefined
  readonly #triggers: HeldTriggers
  readonly #errands: SessionErrands
  readonly #attempts: ModelAttempts
  readonly #room: CallRoom
  readonly #mailbox: Mailbox
  #failures = 0

  constructor(id: string, context: ActorContext) {
    this.id = id
    this.#context = context
    this.#mailbox = new Mailbox(this)
    this.#fold = new SessionFold(id, context)
    this.#room = new CallRoom(context, this)
    this.#triggers = new HeldTriggers(context.metrics)
    this.#errands = new SessionErrands(id, context, this.#fold)
    this.#attempts = new ModelAttempts(id, context, this.#fold, this)
  }

  /** Whether it holds or does anything: then it may not be evicted. */
  busy(): boolean {
    return this.#triggers.any() || this.#attempts.running !== null || !this.#mailbox.empty()
  }

  /** What it knows of the log: a beginning of it. */
  get fold(): Fold {
    return this.#fold.fold
  }

  /** A call that runs elsewhere, or waits for a slot, is no work. */
  work(): number {
    return this.#mailbox.empty() ? 0 : 1
  }

  bytes(): number {
    return this.#fold.bytes()
  }

  runs(call: string, attempt: number): boolean {
    return this.#attempts.holds(call, attempt)
  }

  /** A trigger was delivered, perhaps again: the newest handle counts. */
  deliver(trigger: Trigger): void {
    const before = this.#triggers.deliver(trigger)
    this.#context.metrics.delivered(trigger.ageMs)
    this.#asked ??= this.#context.clock.now() - Math.max(0, trigger.ageMs)
    // One that is waiting in the line, or that the end of the call will see to, needs no second place in the line.
    if (before === 'waits' || (before === 'counts' && this.#attempts.running)) trigger.working()
    else this.#enqueue(() => this.#onTrigger(trigger.frame.seq))
  }

  /** An instance that said it runs this is gone. */
  lost(holding: Holding): void {
    this.#enqueue(() => this.#onLoss(holding))
  }

  warm(): boolean {
    return this.#fold.known()
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

  /** Another process has a slot for what waits here: it is given back, if it still waits. */
  handOver(): void {
    this.#enqueue(async () => {
      if (this.#room.waits) this.#triggers.nak(0)
    })
  }

  /** Gives its triggers back, for another process: at shutdown. Aborts what runs. */
  release(): Promise<void> {
    return this.#enqueue(async () => {
      this.#attempts.stop()
      this.#triggers.nakAll(0)
    }, true)
  }

  evicted(): void {
    this.#fold.evicted()
  }

  dispose(): void {
    this.#room.leave()
    this.#fold.dispose()
    this.#attempts.dispose()
  }

  // --- the mailbox (A1) ---

  #enqueue(operation: () => Promise<void>, rethrow = false): Promise<void> {
    const done = this.#mailbox.put(operation, rethrow)
    this.#context.changed(this)
    return done
  }

  done(): void {
    this.#failures = 0
  }

  left(): void {
    // A7.
    if (!this.#triggers.anyCounts() || this.#attempts.running) this.#room.leave()
    if (!this.busy()) this.#fold.rest(() => this.busy())
    this.#context.changed(this)
  }

  /** A bug, or the end of the process: nothing may stay held by an actor that does not go on with it. */
  async failed(error: unknown): Promise<void> {
    this.#context.report(this.id, error)
    if (isBeyondReading(error) && !this.#context.stopping.aborted) {
      this.#attempts.stop()
      this.#fold.drop()
      // A9. Where that fails (the broker is away), it is tried again with the next delivery.
      const done = await putAway(this.#context, this.id, error.message).catch(() => false)
      return done ? this.#triggers.ackAll() : this.#triggers.nakAll(this.#context.ackWaitMs)
    }
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
    if (session.mode.kind === 'quarantined' || session.mode.kind === 'ended' || session.beyond) return
    const reason = `an executor failed ${maxFailures} times in a row on it: ${error instanceof Error ? error.message : 'unknown'}`
    const events: SessionEvent[] = [{ type: 'session.quarantined', data: { reason, frame: head.n } }]
    const next = plan(session, events, this.#said(), false)
    if (next) await this.#append(next, null)
  }

  // --- its place among those that wait for a call (A7) ---

  who(): Omit<Queued, 'since'> {
    const { session, head } = this.#fold
    return { session: this.id, principal: principalOf(session), group: session.born?.agent ?? '', pool: head.pool }
  }

  granted(): void {
    this.#enqueue(() => this.#decide())
  }

  // --- its attempts ---

  ended(claimed: Attempting, outcome: CallOutcome): void {
    noteOutcome(this.#context, this.#fold.session, claimed, outcome)
    this.#enqueue(() => this.#onOutcome(claimed, outcome))
  }

  /** What a replay says while it goes on: it is in the log before the replay hears so. */
  says(running: Attempting, events: readonly SessionEvent[], begins: boolean): Promise<Said> {
    const said = Promise.withResolvers<Said>()
    this.#enqueue(async () => {
      try {
        said.resolve(await this.#say(running, events, begins))
      } catch (error) {
        said.resolve('lost')
        throw error
      }
    })
    return said.promise
  }

  others(frame?: Frame): void {
    this.#enqueue(() => this.#catchUp(false, frame))
  }

  // --- operations ---

  async #onTrigger(seq: number): Promise<void> {
    const held = this.#triggers.newest(seq)
    if (held === undefined) return
    await this.#context.pauseAt('executor.trigger')
    if (held) {
      // A8.
      if (this.#fold.unread() && (await givenToWarm(this.#context, held))) {
        this.#context.metrics.given.inc()
        return this.#triggers.given(seq)
      }
      await this.#fold.reach(held.frame)
      if (!this.#triggers.counts(seq)) {
        const errands = await this.#errands.doFor(held)
        if (errands === 'done') return this.#triggers.ack(seq)
        if (errands === 'newer') return this.#triggers.nakForNewer(seq)
      }
    }
    this.#triggers.count(seq)
    await this.#decide()
    this.#asked = undefined
  }

  async #onLoss(holding: Holding): Promise<void> {
    if (this.#attempts.running || this.#context.presence().suspect()) return
    await this.#fold.reachHead()
    if (!this.#context.servesPool(this.#fold.session.born?.pools.executor)) return
    await this.#takeOver(holding)
  }

  /** Folds what others have appended; what runs here and is no longer ours is aborted and forgotten. A cancel is answered (A7). */
  async #catchUp(leader: boolean, frame?: Frame): Promise<void> {
    if (!this.#fold.known()) return
    await this.#fold.catchUp(leader, frame)
    const { running } = this.#attempts
    if (running && !this.#attempts.owns(running)) {
      this.#attempts.stop()
      this.#triggers.forget()
    } else if (this.#fold.session.cancel) await this.#decide()
  }

  async #say(running: Attempting, events: readonly SessionEvent[], begins: boolean): Promise<Said> {
    const ends = events.some(isStepEnd)
    if (begins) await this.#context.pauseAt('executor.before-operation')
    if (ends) await this.#context.pauseAt('executor.before-step-outcome')
    while (this.#attempts.running === running && this.#attempts.owns(running)) {
      const { session } = this.#fold
      const held = begins && (session.cancel !== null || session.mode.kind !== 'open')
      // What has ended has ended, whatever may not begin now.
      if (!held || ends) {
        const next = plan(session, held ? endsOfSteps(events) : events, this.#said(), false)
        if (!next) return 'lost'
        if (!(await this.#append(next, null))) continue
      }
      if (ends) await this.#context.pauseAt('executor.after-step-outcome')
      if (held) {
        if (session.cancel) await this.#decide()
        return 'held'
      }
      if (begins) await this.#context.pauseAt('executor.after-operation')
      return 'in'
    }
    return 'lost'
  }

  async #onOutcome(running: Attempting, outcome: CallOutcome): Promise<void> {
    if (this.#attempts.running !== running) return this.#decide()
    this.#attempts.setDown()
    {
      // Whatever becomes of it: a call that is held for ever is taken over by nobody.
      using ended = running
      if (outcome.kind !== 'aborted') await this.#record(ended, outcome)
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
          return next.why === 'newer' ? this.#triggers.nakForNewer() : this.#triggers.nak(this.#context.ackWaitMs / 2)
        case 'ack':
          return (await this.#errands.seeToStanding()) === 'newer' ? this.#triggers.nakForNewer() : this.#ackAll()
        case 'hold':
          return
        case 'settle':
          await this.#append(next.plan, null)
          break
        case 'run':
          // The log says that it has begun.
          return this.#attempts.start(
            this.#attempts.claim(next.effect, this.#context.slots.force(principalOf(this.#fold.session))),
          )
        case 'ask':
          if (await this.#askOwner(next.owner, next.call, next.attempt)) break
          return
        case 'append': {
          const room = next.plan.effect && this.#room.take(true, this.#quotaOf(next.plan))
          // A7: what needs no slot is said at once; an interrupt ends the very call that has it. The rest is looked at again with one.
          const now = next.plan.effect && !room ? plan(session, [], this.#said(), false) : next.plan
          // It may wait for long, and the time of its turn may be over before that.
          if (!now) return this.#armTimers()
          await this.#context.pauseAt('executor.before-intent')
          const done = await this.#append(now, room)
          await this.#context.pauseAt('executor.after-append')
          if (done?.claimed?.kind === 'compact') await this.#context.pauseAt('executor.before-summary')
          if (done?.claimed && !(await this.#startOrForget(done.claimed))) return
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

  /** What the call that it begins counts against at its provider. */
  #quotaOf({ effect, after }: Plan): ModelQuota | undefined {
    return effect ? quotaOfEffect(this.#context.models, after, effect) : undefined
  }

  /** `room`: where the plan begins a call. */
  async #append(next: Plan, room: Room | null): Promise<Appended | null> {
    const appended = await appendPlan(this.#context, this.#fold, this.#attempts, next, this.#mayBegin(), room)
    if (appended && this.#asked !== undefined) {
      this.#context.metrics.answered(this.#context.clock.now() - this.#asked)
      this.#asked = undefined
    }
    return appended
  }

  /** Starts what the frame announced; where the same read shows it closed by another, forgets (A3). false: forgotten. */
  async #startOrForget(claimed: Attempting): Promise<boolean> {
    const { session } = this.#fold
    if (mayStart(session, claimed, this.#context.instance)) {
      this.#attempts.start(claimed)
      // The time of its turn may be over before it ends, and before any trigger is acked.
      await this.#armTimers()
      return true
    }
    claimed[Symbol.dispose]()
    if (session.beyond) return true // its triggers are given back, for a newer process
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
    return this.#takeOver(holding)
  }

  /**
   * The owner is gone, and the fold is the leader's: the next attempt, if the call is still open at this one. false: there is no slot
   * for it. Then it waits for one; without a trigger it leaves the call to whoever is given its trigger.
   */
  async #takeOver({ call, attempt }: Holding): Promise<boolean> {
    const current = isCurrentModelCall(this.#fold.session, call, attempt)
    const partial =
      current && this.#fold.session.run?.replay == null ? await this.#attempts.streamed(call, attempt) : ''
    for (;;) {
      const next = takeover(this.#fold.session, this.#fold.head, this.#holder(), { call, attempt, partial })
      if (!next) return true
      const room = next.effect && this.#room.take(this.#mayBegin(), this.#quotaOf(next))
      if (next.effect && !room) return false
      const done = await this.#append(next, room)
      if (!done) continue
      this.#context.metrics.takeovers.inc()
      if (done.claimed) await this.#startOrForget(done.claimed)
      return true
    }
  }

  /** Appends the outcome with what follows from it in one frame. What is nobody's answer any more is dropped, and its triggers forgotten (A3). */
  async #record(running: Attempting, ended: Ended): Promise<void> {
    const { clock, metrics, slots } = this.#context
    let outcome = ended
    const model = this.#fold.session.born?.model ?? 'unknown'
    let events = await this.#eventsOf(running, outcome)
    await this.#context.pauseAt(beforeOutcome[running.kind])
    if (events.some(isStepEnd)) await this.#context.pauseAt('executor.before-step-outcome')
    while (this.#attempts.owns(running)) {
      // Others that wait for a slot come first: then what follows is begun in a frame of its own, after them (A7).
      const goesOn = this.#mayBegin() && slots.waiting === 0
      if (outcome.kind === 'replayed') events = this.#mayGoOn() ? outcome.events : outcome.held
      const whole = plan(this.#fold.session, events, this.#said(), goesOn)
      const begins = whole !== null && this.#context.quotas.free(this.#quotaOf(whole))
      const next = begins ? whole : plan(this.#fold.session, events, this.#said(), false)
      if (!next) return
      try {
        const room = next.effect && { slot: slots.force(principalOf(this.#fold.session)) }
        const done = await this.#append(next, room)
        if (!done) continue
        if (running.kind === 'compact') await this.#context.pauseAt('executor.after-summary')
        if (running.kind !== 'replay-run')
          metrics.modelCall(model, outcome.kind === 'failed' ? 'failed' : 'completed', clock.now() - running.startedAt)
        if (done.claimed) await this.#startOrForget(done.claimed)
        return
      } catch (error) {
        if (!(error instanceof RangeError) || isTooLarge(events)) throw error
        if (outcome.kind === 'replayed') outcome = replayTooLarge(error)
        else events = [tooLarge(running, error)]
      }
    }
    this.#triggers.forget()
  }

  /** Whether anything new may begin in it. */
  #mayGoOn(): boolean {
    const { mode, cancel } = this.#fold.session
    return mode.kind === 'open' && !cancel
  }

  async #eventsOf({ kind, call, attempt }: Attempting, outcome: Ended): Promise<readonly SessionEvent[]> {
    if (outcome.kind === 'completed') return withCheck(this.#fold.session, outcome.event, this.#said())
    if (outcome.kind === 'replayed') return outcome.events
    const { clock, retries } = this.#context
    const at = { now: clock.now(), random: clock.random() }
    if (kind === 'compact' || outcome.kind === 'summarised') {
      const summary = outcome.kind === 'summarised' ? { ...outcome, kind: 'completed' as const } : outcome
      return compactionEvents(this.#fold.session, { call, attempt }, summary, at, retries)
    }
    const throttles = this.#fold.session.turn?.model?.throttles ?? 0
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

/** A9. Another try would read the same. */
const isBeyondReading = (error: unknown): error is Error =>
  error instanceof SessionTooLarge ||
  (error instanceof ReinsError && (error.code === 'session_erased' || error.code === 'session_unreadable'))
