// One session's tool calls in one runner: a mailbox, and a loop around the pure decision (next-step.ts of libs/session). What the log says of the
// calls is in requests.ts, what runs here in running-tools.ts, what has ended and is not in the stream yet in outcomes.ts.
//   T1. One append at a time a session; outcomes that wait for it together go out as one frame.
//   T2. A fresh trigger is run without a read: its sequence and hash are the head. A refusal brings what came after.
//   T3. A trigger is acked when each of its calls has an outcome in the stream; nothing else about the session matters.
//   T4. Statuses are copied from the head: a runner has not folded the session (PROTOCOL 2).
//   T5. Every view that is known holds all frames up to the head: reading on for one request reads on for all. What is not known
//       yet counts as nothing open, since an outcome that wakes nobody is for ever, and one wake-up too many is not.
//   T7. A call that waits for a person holds no trigger (EL1 of libs/session): the one that asked for it is acked. Where the call lives,
//       this session reads on, and goes on with it when its answer is in the log.
//   T9. A request is begun once there is room to work for whoever it is for; until then it is held, and nothing is read for it. What begins
//       then is no fresh trigger any more. Room is given to principals in turns (Q1 of call-slots.ts).
//   T6. After a frame that only a newer version understands nothing is run or claimed here: the request is given back.
//   T8. A tool that decides by the arguments whether a person is asked is asked itself, once here, before its call is claimed. What it
//       says counts once it is in the log: with the claim, or as a need for a person.
import type { Presence } from '@reins/broker'
import {
  type Address,
  draftOn,
  type Frame,
  type Head,
  type Holding,
  makeShortId,
  maxReasonChars,
  type ServerAnswer,
  type SessionEvent,
  toExec,
  toLog,
} from '@reins/contracts'
import { type CallSlots, Following, type FollowingContext, type HeldActor, Mailbox, type Slot } from '@reins/holder'
import type { SessionFeed, SessionLog, Trigger } from '@reins/journal'
import {
  type Attempt,
  claimKey,
  claimOf,
  followsSeen,
  isFresh,
  isStoredLate,
  leftToNewer,
  mayRun,
  newerDelayMs,
  nextStep,
  type RunnerHolder,
  runsAt,
  type ToolsetRequest,
  toolsetAnswer,
  toolsetAskedIn,
  toolsetIsClosed,
} from '@reins/session'
import type { AskedApproval } from '@reins/tools'
import { lookAt } from './calls/call-runner.ts'
import { Discoveries, type Discovery } from './servers/discoveries.ts'
import { eventsOf, Outcomes } from './calls/outcomes.ts'
import { askedIn, type Request, Requests, type RequestsContext } from './requests.ts'
import { type AskedHere, type RunningCall, type RunningContext, RunningTools } from './calls/running-tools.ts'

/** What a session's tools need of their process: what their parts need, and a little more. Made once in service.ts. */
export interface ToolsContext extends RequestsContext, RunningContext, FollowingContext {
  readonly sessions: Pick<SessionLog, 'read' | 'head' | 'append'>
  readonly feed: Pick<SessionFeed, 'frames' | 'publishDelta'>
  readonly ackWaitMs: number
  /** A trigger younger than this, delivered for the first time, is run without a read (PROTOCOL 5). ms */
  readonly freshMs: number
  readonly stopping: AbortSignal
  /** Asks the servers of a session (D1, D2 of discoveries.ts). Never rejects. */
  discover(session: string, request: ToolsetRequest): Promise<readonly ServerAnswer[]>
  /** The event of a question, with secrets masked. */
  asks(here: AskedHere, session: string): SessionEvent
  /** A server may say by itself that a person is done with its page. */
  waitsForNotice(session: string, call: string, elicitation: string, asked: AskedHere['asked']): void
  presence(): Pick<Presence, 'begin' | 'end' | 'ask' | 'suspect'>
  /** T9, R1 of running-tools.ts. */
  readonly work: CallSlots
  /** A work slot may be free. */
  freed(): void
  /** What the session holds or does here has changed. */
  changed(tools: SessionTools): void
}

export class SessionTools implements HeldActor {
  readonly id: string
  readonly #context: ToolsContext
  readonly #requests: Requests
  readonly #running: RunningTools
  readonly #outcomes = new Outcomes()
  /** T8. By call. */
  readonly #looked = new Map<string, AskedApproval>()
  readonly #discoveries: Discoveries
  readonly #following: Following
  readonly #holder: RunnerHolder
  readonly #mailbox: Mailbox
  #releasing = false

  constructor(id: string, context: ToolsContext) {
    this.id = id
    this.#context = context
    this.#mailbox = new Mailbox({
      done: () => undefined,
      failed: async (error) => this.#failed(error),
      left: () => {
        if (!this.busy()) this.#following.stop()
        context.changed(this)
      },
    })
    this.#requests = new Requests(id, context)
    this.#holder = {
      instance: context.instance,
      runs: (call, attempt) => this.#running.runs(call, attempt),
      started: (call, attempt) => this.#running.started(call, attempt),
      asksNobody: (call) => this.#looked.get(call)?.approval === 'auto',
    }
    this.#running = new RunningTools(id, context, {
      began: () => this.#following.startSoon(),
      ended: (outcome) => {
        this.#outcomes.add(outcome)
        void this.#enqueue(() => this.#record())
      },
      waits: () => context.freed(),
      asks: (asked) => void this.#enqueue(() => this.#askPerson(asked)),
    })
    this.#discoveries = new Discoveries({
      ask: (request) => context.discover(id, request),
      answered: (discovery, answers) => void this.#enqueue(() => this.#answer(discovery, answers)),
    })
    this.#following = new Following(id, context, {
      wanted: () => this.#running.size > 0,
      heard: (frame) => void this.#enqueue(() => this.#readOn(frame)),
      began: () => void this.#enqueue(() => this.#catchUp(false)),
    })
  }

  busy(): boolean {
    return (
      this.#requests.size > 0 ||
      this.#running.size > 0 ||
      !this.#mailbox.empty() ||
      this.#outcomes.size > 0 ||
      this.#discoveries.size > 0
    )
  }

  /** Calls have slots of their own (T9). */
  work(): number {
    return this.#mailbox.empty() ? 0 : 1
  }

  /** Nothing of it is kept once it is at rest. */
  bytes(): number {
    return 1
  }

  runs(call: string, attempt: number): boolean {
    return this.#running.runs(call, attempt)
  }

  // --- the mailbox ---

  deliver(trigger: Trigger): void {
    const known = this.#requests.get(trigger.frame.seq)
    if (known) {
      known.trigger = trigger
      trigger.working()
      return
    }
    const asked = askedIn(trigger.frame)
    const isNewer = trigger.frame.beyond !== undefined
    const wanted = isNewer ? undefined : toolsetAskedIn(trigger.frame)
    if (wanted) {
      this.#discover(trigger, wanted)
      return
    }
    if (!asked || isNewer) {
      // For a runner of a newer version: what its events mean is not known here (PROTOCOL 2).
      if (isNewer) trigger.nak(newerDelayMs(trigger.ageMs))
      else trigger.ack()
      this.#context.changed(this)
      return
    }
    const fresh = this.#isFresh(trigger)
    const request = this.#requests.open(trigger.frame, asked, trigger, fresh)
    request.late = this.#isLate(trigger)
    const { work } = this.#context
    const slot = work.take(asked.data.principal)
    if (slot) this.#begin(request, slot)
    else {
      const { principal = '', digest } = asked.data
      const pool = trigger.to.kind === 'tool' ? trigger.to.pool : ''
      request.place = work.wait({ session: this.id, principal, group: digest, pool }, (granted) => {
        request.place = null
        request.fresh = false
        this.#begin(request, granted)
      })
      this.#context.changed(this)
    }
  }

  #isFresh(trigger: Trigger): boolean {
    const { redelivered, earlier, ageMs } = trigger
    return isFresh({ redelivered, earlier, ageMs, saidAgoMs: this.#saidAgoMs(trigger) }, this.#context.freshMs)
  }

  #saidAgoMs({ frame }: Trigger): number {
    return this.#context.clock.now() - frame.at
  }

  /** As it came: what waits here afterwards does not count. */
  #isLate(trigger: Trigger): boolean {
    return isStoredLate({ ageMs: trigger.ageMs, saidAgoMs: this.#saidAgoMs(trigger) })
  }

  /** T9: its calls take slots of their own, as they start. */
  #begin(request: Request, slot: Slot): void {
    this.#enqueue(async () => {
      using _room = slot
      if (!this.#requests.isOpen(request)) return
      const { trigger } = request
      if (request.late && trigger && !(await this.#requests.isInPlace(trigger.frame)))
        return this.#requests.drop(request)
      // T2, unless something was appended that this or another request here would not know of.
      const seen = this.#requests.head?.seq ?? 0
      if (trigger && request.fresh && followsSeen(trigger.frame, seen, this.#requests.size > 1)) {
        request.known = true
        this.#saw([trigger.frame])
      } else await this.#requests.readTail(request, false)
      await this.#advance(request)
    })
  }

  /** The tools of servers are asked for: what a delivery that is not fresh is about may be answered by now. */
  #discover(trigger: Trigger, wanted: ToolsetRequest): void {
    const discovery = this.#discoveries.hold(trigger, wanted)
    if (!discovery) return
    const late = this.#isLate(trigger)
    this.#enqueue(async () => {
      if (late && !(await this.#requests.isInPlace(trigger.frame))) return this.#discoveries.done(discovery)
      if (!this.#isFresh(trigger)) {
        const frames = await this.#requests.readAfter(discovery.seq)
        if (toolsetIsClosed(frames, wanted.request)) return this.#discoveries.done(discovery)
      }
      this.#discoveries.begin(discovery)
    })
  }

  /** A server says that its tools have changed: the session's next turn asks again. */
  serversChanged(servers: readonly string[]): void {
    this.#enqueue(async () => {
      const event: SessionEvent = { type: 'toolset.changed', data: { servers: [...servers] } }
      const { status } = await this.#requests.readHead()
      if (status === 'ended') return
      while (!this.#releasing && !(await this.#append([event], toLog)));
    })
  }

  async #answer(discovery: Discovery, answers: readonly ServerAnswer[]): Promise<void> {
    const { request } = discovery.request
    await this.#context.pauseAt('tool-runner.before-toolset')
    while (this.#discoveries.holds(discovery) && !this.#releasing) {
      const head = this.#requests.head ?? (await this.#requests.readHead())
      // Another runner may have answered while this one asked, and a head that is read is behind that.
      if (head.seq > discovery.seq && toolsetIsClosed(await this.#requests.readAfter(discovery.seq), request)) break
      const { events, to } = toolsetAnswer(head, request, answers)
      if (await this.#append(events, to, discovery.trace, head)) break
    }
    await this.#context.pauseAt('tool-runner.after-toolset')
    if (!this.#releasing) this.#discoveries.done(discovery)
  }

  /** A runner that said it runs this is gone: look, without waiting for the redelivery. */
  lost(holding: Holding): void {
    const { frame: seq } = holding
    if (seq === undefined) return
    this.#enqueue(async () => {
      const known = this.#requests.get(seq)
      if (known) {
        // Held here while the other one was at it: nobody else is given it.
        await this.#requests.readTail(known, true)
        return this.#advance(known)
      }
      if (!(await this.#requests.areOfMyPools())) return
      const frame = await this.#requests.readFrame(seq)
      const asked = frame && askedIn(frame)
      if (!asked || !(await this.#requests.isInPlace(frame))) return
      const request = this.#requests.open(frame, asked, null, false)
      await this.#requests.readTail(request, true)
      await this.#advance(request)
    })
  }

  /** A server says that the person is done with its page. Nobody waits for that: whoever reads on sees what it comes to. */
  elicitationCompleted(call: string, elicitation: string): void {
    this.#enqueue(async () => {
      const event: SessionEvent = { type: 'elicitation.completed', data: { call, elicitation } }
      for (;;) {
        const { status, pool } = await this.#requests.readHead()
        if (status === 'ended' || this.#releasing) return
        if (await this.#append([event], toExec(pool))) return
      }
    })
  }

  /** The question goes into the log while its attempt is this runner's; then the call waits (T7). */
  async #askPerson(here: AskedHere): Promise<void> {
    const { running, elicitation, asked } = here
    const { call, attempt, seq } = running
    for (;;) {
      // The same question, over another connection: a person may have answered it meanwhile.
      this.#running.resumeAnswered(this.#stateOf)
      const request = this.#requests.get(seq)
      const state = this.#stateOf(running)
      // Stopped meanwhile, or another runner's: nobody is asked.
      if (!request || !state || running.waits?.elicitation !== elicitation || running.abort.signal.aborted) return
      if (state.kind === 'parked' && state.by === this.#context.instance)
        this.#context.waitsForNotice(this.id, call, elicitation, asked)
      if (this.#releasing || request.beyond || !runsAt(state, attempt, this.#context.instance)) return
      await this.#context.pauseAt('tool-runner.before-elicitation')
      const event = this.#context.asks(here, this.id)
      const head = this.#requests.head ?? (await this.#requests.readHead())
      if (await this.#append([event], toExec(head.pool))) break
    }
    await this.#context.pauseAt('tool-runner.after-elicitation')
    this.#context.waitsForNotice(this.id, call, elicitation, asked)
    this.#running.asked(here)
    for (const request of this.#requests.all())
      if (request.calls.some((one) => one.call === call)) await this.#advance(request)
  }

  abort(call: string, attempt: number): void {
    if (this.runs(call, attempt)) this.#enqueue(() => this.#catchUp(true))
  }

  working(): void {
    this.#requests.working()
    this.#discoveries.working()
  }

  /** T9. */
  handOver(): void {
    this.#requests.giveBackWaiting()
    this.#context.changed(this)
  }

  /** What it knows stands in the log. */
  evicted(): void {}

  dispose(): void {
    this.#following.stop()
  }

  recheck(): Promise<void> {
    return this.#enqueue(() => this.#catchUp(true), true)
  }

  /** At shutdown: what may run again is given back; what may not is ended with an outcome that says so. */
  async release(): Promise<void> {
    this.#releasing = true
    this.#running.release()
    await this.#enqueue(async () => {
      this.#requests.giveBack(0)
      this.#discoveries.giveBack(0)
      this.#following.stop()
    }, true)
  }

  #enqueue(operation: () => Promise<void>, rethrow = false): Promise<void> {
    const done = this.#mailbox.put(operation, rethrow)
    this.#context.changed(this)
    return done
  }

  /** A bug, or the end of the process: nothing stays held by a session that does not go on here. */
  #failed(error: unknown): void {
    this.#context.report(this.id, error)
    this.#running.dropAll()
    this.#requests.giveBack(this.#context.ackWaitMs)
    this.#discoveries.giveBack(this.#context.ackWaitMs)
    this.#outcomes.clear()
    this.#requests.forgetHead()
    // Claims and outcomes that were under way: what is held for ever is taken over by nobody.
    this.#running.letGoAll()
  }

  // --- what the log says ---

  readonly #holds = (call: string): boolean => this.#running.holdsAny(call)

  readonly #stateOf = ({ seq, call }: RunningCall) => this.#requests.stateOf(seq, call)

  #saw(frames: readonly Frame[]): void {
    this.#requests.saw(frames)
    this.#running.abortClosed(this.#stateOf)
    this.#running.resumeAnswered(this.#stateOf)
  }

  async #catchUp(leader: boolean): Promise<void> {
    for (const request of this.#requests.all()) {
      await this.#requests.readTail(request, leader)
      this.#running.abortClosed(this.#stateOf)
      await this.#advance(request)
    }
  }

  /** Another hand has appended this frame. */
  async #readOn(frame: Frame): Promise<void> {
    const { head } = this.#requests
    if (head && frame.seq <= head.seq) return
    this.#saw(await this.#requests.readUpTo(frame))
    for (const request of this.#requests.all()) await this.#advance(request)
  }

  // --- the loop ---

  /**
   * Runs, claims, asks, until each call of the request is done or at work here. What is appended is decided on the view as it stands
   * then: an owner's answer takes time, and what is read meanwhile may close calls that were open before.
   */
  async #advance(request: Request): Promise<void> {
    const answers = new Map<string, 'running' | 'gone'>()
    this.#running.resumeAnswered(this.#stateOf)
    for (;;) {
      // T5: of a request that is still to be looked at, nothing is known. T9.
      if (!this.#requests.isOpen(request) || !request.known || request.place) return
      if (this.#releasing) return this.#requests.ackIfDone(request, this.#holds)
      // T6. What runs here ends here, and is recorded; then the request is a newer process's.
      const left = leftToNewer(request, (call) => this.#running.holdsAny(call))
      if (left !== 'no') return left === 'now' ? this.#requests.giveToNewer(request) : undefined
      const step = nextStep(request.view, this.#holder, request.fresh, answers)
      switch (step.do) {
        case 'ask': {
          const { owner, call, attempt } = step
          const answer = await this.#askOwner(owner, { session: this.id, call, attempt })
          answers.set(claimKey(owner, call, attempt), answer)
          // The call may have been closed, or claimed anew, while its owner went.
          if (answer === 'gone') await this.#requests.readTail(request, true)
          break
        }
        case 'look':
          await this.#look(request, step.calls)
          break
        case 'end':
          await this.#append(step.outcomes)
          break
        case 'work':
          for (const { call, attempt } of step.runs) this.#running.start(request, call, attempt)
          if (step.claims.length === 0)
            return step.waits ? this.#askLater(request) : this.#requests.ackIfDone(request, this.#holds)
          await this.#claim(request, step.claims)
          break
        default:
          step satisfies never
      }
    }
  }

  /** T8. */
  async #look(request: Request, calls: readonly string[]): Promise<void> {
    const { tools, stopping } = this.#context
    const asked = request.calls.filter(({ call }) => calls.includes(call))
    const events = await Promise.all(
      asked.map(async (call): Promise<readonly SessionEvent[]> => {
        const said = this.#looked.get(call.call) ?? (await lookAt(tools, request.digest, call, this.id, stopping))
        this.#looked.set(call.call, said)
        if (said.approval === 'auto') return []
        const must = said.approval === 'must' ? { must: true as const } : {}
        const reason =
          said.reason?.slice(0, maxReasonChars) ?? `${call.name} asks for a person before it runs with these arguments.`
        return [{ type: 'approval.needed', data: { call: call.call, reason, ...must } }]
      }),
    )
    // What was read meanwhile may have closed them; and who is leaving says nothing more.
    const open = events.flat().filter((event) => 'call' in event.data && this.#stillAsked(request, event.data.call))
    if (open.length > 0 && !this.#releasing && !request.beyond) await this.#append(open)
  }

  readonly #stillAsked = (request: Request, call: string | undefined): boolean =>
    request.view.some((one) => one.call === call && one.state.kind === 'asked')

  async #askOwner(owner: string, holding: Holding): Promise<'running' | 'gone'> {
    const presence = this.#context.presence()
    return presence.suspect() ? 'running' : presence.ask(owner, holding)
  }

  #askLater(request: Request): void {
    clearTimeout(request.askAgain)
    request.askAgain = setTimeout(
      () =>
        this.#enqueue(async () => {
          await this.#requests.readTail(request, false)
          await this.#advance(request)
        }),
      this.#context.ackWaitMs / 2,
    )
  }

  /** Starts what is claimed then; where it is refused the views are up to date, and it is decided again. */
  async #claim(request: Request, claims: readonly Attempt[]): Promise<void> {
    using _claimed = this.#running.claim(
      claims.map(({ call, attempt }) => ({ call: call.call, attempt })),
      request.seq,
    )
    await this.#context.pauseAt('tool-runner.before-claim')
    const done = await this.#append(claims.map(claimOf))
    await this.#context.pauseAt('tool-runner.after-claim')
    for (const { call, attempt } of claims) {
      const state = request.view.find((one) => one.call === call.call)?.state
      if (done && !this.#releasing && !request.beyond && mayRun(call, state, attempt, this.#holder))
        this.#running.start(request, call, attempt)
    }
  }

  /** T1: everything that is finished by now, in as few frames as it fits. */
  async #record(): Promise<void> {
    await this.#context.pauseAt('tool-runner.before-outcome')
    let most = Number.POSITIVE_INFINITY
    while (this.#outcomes.size > 0) {
      const batch = this.#outcomes.takeBatch(most)
      const events = eventsOf(batch, this.#stateOf, this.#context.instance)
      try {
        if (events.length > 0 && !(await this.#append(events))) {
          this.#outcomes.putBack(batch)
          continue
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        this.#outcomes.putBackTooLarge(batch)
        most = 1
        continue
      }
      await this.#context.pauseAt('tool-runner.before-ack')
      for (const { running } of batch) this.#running.letGo(running.call, running.attempt)
      // A call that was lost to another runner is asked after from now on, like any that was never run here.
      // One that waited for a person has been asked for by several requests.
      const ended = new Set(batch.map(({ running }) => running.call))
      for (const request of this.#requests.all())
        if (request.calls.some(({ call }) => ended.has(call))) await this.#advance(request)
    }
  }

  /** Appends on the head (T1, T4) and folds whatever is there then into the views. false: refused. */
  async #append(events: readonly SessionEvent[], address?: Address, traced?: string, on?: Head): Promise<boolean> {
    const head = on ?? this.#requests.head ?? (await this.#requests.readHead())
    const { clock, instance, sessions, stopping } = this.#context
    const to = address ?? this.#requests.addressOf(events, head.pool)
    const trace = traced ?? this.#requests.traceOf(events)
    const draft = draftOn(
      head,
      { frame: makeShortId(clock.random), by: instance, role: 't' },
      { events, to, status: head.status, trace, at: clock.now() },
    )
    const outcome = await sessions.append(this.id, draft, to, head.hash, stopping)
    if (outcome.kind === 'refused') {
      this.#saw(outcome.tail)
      return false
    }
    this.#requests.appended(events, outcome.head)
    this.#saw(outcome.above)
    return true
  }
}
