// One session's tool calls in one runner: a mailbox around the pure verdicts (libs/session/runner.ts).
//   T1. One append at a time a session; outcomes that wait for it together go out as one frame.
//   T2. A fresh trigger is run without a read: its sequence and hash are the head. A refusal brings what came after.
//   T3. A trigger is acked when each of its calls has an outcome in the stream; nothing else about the session matters.
//   T4. Statuses are copied from the head: a runner has not folded the session (PROTOCOL 2).
//   T5. Every view that is known holds all frames up to the head: reading on for one request reads on for all. What is not known
//       yet counts as nothing open, since an outcome that wakes nobody is for ever, and one wake-up too many is not.
import {
  type Address,
  type EventOf,
  type Frame,
  type Head,
  type Holding,
  headOf,
  makeShortId,
  protocolVersion,
  type RequestedCall,
  type SessionEvent,
  toExec,
  toLog,
} from '@reins/contracts'
import type { Subscription, Trigger } from '@reins/journal'
import {
  afterLoss,
  evolveView,
  type RunnerCall,
  type RunnerHolder,
  type RunnerView,
  runnerVerdict,
  viewOf,
  wakesExecutor,
} from '@reins/session'
import { runCall, type ToolResult } from './call-runner.ts'
import type { RunnerContext } from './context.ts'

/** One frame that asked for calls. `trigger` is null where it came from a lost instance's word instead of a delivery. */
interface Request {
  readonly seq: number
  readonly turn: string
  readonly digest: string
  readonly calls: readonly RequestedCall[]
  view: RunnerView
  /** T5: whether the view is what the log says, up to the head. */
  known: boolean
  fresh: boolean
  trigger: Trigger | null
  askAgain: NodeJS.Timeout | undefined
}

interface RunningCall {
  readonly call: string
  readonly attempt: number
  readonly seq: number
  readonly name: string
  readonly replay: 'safe' | 'never'
  readonly abort: AbortController
  readonly since: number
}

interface Outcome {
  readonly running: RunningCall
  readonly event: EventOf<'tool-call.completed' | 'tool-call.outcome-unknown'>
}

/** Outcomes that wait together go into one frame up to this many characters. */
const frameChars = 400_000
const newerProtocolMs = 30_000
const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`
const claimKey = (owner: string, call: string, attempt: number): string => `${owner}/${call}/${attempt}`

export class SessionTools {
  readonly id: string
  readonly #context: RunnerContext
  readonly #requests = new Map<number, Request>()
  readonly #running = new Map<string, RunningCall>()
  /** Attempts that this process answers for, until their outcome is known to be in. */
  readonly #holds = new Map<string, Holding>()
  readonly #started = new Set<string>()
  #finished: Outcome[] = []
  #head: Head | null = null
  #line: Promise<void> = Promise.resolve()
  #waiting = 0
  #releasing = false
  #following: Subscription | null = null
  #followTimer: NodeJS.Timeout | undefined

  constructor(id: string, context: RunnerContext) {
    this.id = id
    this.#context = context
  }

  busy(): boolean {
    return this.#requests.size > 0 || this.#running.size > 0 || this.#waiting > 0 || this.#finished.length > 0
  }

  runs(call: string, attempt: number): boolean {
    return this.#holds.has(keyOf(call, attempt))
  }

  deliver(trigger: Trigger): void {
    const known = this.#requests.get(trigger.frame.seq)
    if (known) {
      known.trigger = trigger
      trigger.working()
      return
    }
    const asked = trigger.frame.events.find((event) => event.type === 'tool-calls.requested')
    const isNewer = trigger.frame.needs > protocolVersion
    if (!asked || isNewer) {
      // For a runner of a newer version: what its events mean is not known here (PROTOCOL 2).
      if (isNewer) trigger.nak(newerProtocolMs)
      else trigger.ack()
      if (!this.busy()) this.#context.idle(this)
      return
    }
    const request = this.#request(trigger.frame.seq, asked, trigger)
    request.fresh = !trigger.redelivered && trigger.ageMs < this.#context.freshMs
    this.#enqueue(async () => {
      // T2, unless something was appended that this or another request here would not know of.
      const { prev, seq } = trigger.frame
      const seen = this.#head?.seq ?? 0
      if (request.fresh && (prev === seen || (this.#requests.size === 1 && seq > seen))) {
        request.known = true
        this.#sawFrames([trigger.frame])
      } else await this.#readTail(request, false)
      await this.#advance(request)
    })
  }

  /** A runner that said it runs this is gone: look, without waiting for the redelivery. */
  lost(holding: Holding): void {
    const { frame: seq } = holding
    if (seq === undefined) return
    this.#enqueue(async () => {
      const known = this.#requests.get(seq)
      if (known) {
        // Held here while the other one was at it: nobody else is given it.
        await this.#readTail(known, true)
        return this.#advance(known)
      }
      if (!(await this.#isOfMyPools())) return
      const frames = await this.#context.reading(() =>
        this.#context.sessions.read(this.id, { after: seq - 1, limit: 1, leader: true }),
      )
      const asked =
        frames[0]?.seq === seq ? frames[0].events.find((event) => event.type === 'tool-calls.requested') : undefined
      if (!asked) return
      const request = this.#request(seq, asked, null)
      await this.#readTail(request, true)
      await this.#advance(request)
    })
  }

  /** The heartbeats of all pools are heard; a call is run by those that its labels ask for. */
  async #isOfMyPools(): Promise<boolean> {
    const [first] = await this.#context.reading(() => this.#context.sessions.read(this.id, { limit: 1 }))
    const born = first?.events.find((event) => event.type === 'session.started')
    return born !== undefined && this.#context.servesPool(born.data.pools.tools)
  }

  abort(call: string, attempt: number): void {
    if (this.runs(call, attempt)) this.#enqueue(() => this.#catchUp(true))
  }

  working(): void {
    for (const { trigger } of this.#requests.values()) trigger?.working()
  }

  recheck(): Promise<void> {
    return this.#enqueue(() => this.#catchUp(true), true)
  }

  /** At shutdown: what may run again is given back; what may not is ended with an outcome that says so. */
  async release(): Promise<void> {
    this.#releasing = true
    for (const running of [...this.#running.values()]) {
      running.abort.abort()
      if (running.replay === 'safe') this.#drop(running)
      else {
        const message =
          'The process that ran this was shut down while it ran; it may or may not have taken effect. It was not run again. Check before you repeat it.'
        this.#finish(running, {
          type: 'tool-call.outcome-unknown',
          data: { call: running.call, attempt: running.attempt, message },
        })
      }
    }
    await this.#enqueue(async () => {
      for (const request of this.#requests.values()) {
        clearTimeout(request.askAgain)
        request.trigger?.nak(0)
      }
      this.#requests.clear()
      this.#unfollow()
    }, true)
  }

  #request(seq: number, asked: EventOf<'tool-calls.requested'>, trigger: Trigger | null): Request {
    const { turn, digest, calls } = asked.data
    const request: Request = {
      seq,
      turn,
      digest,
      calls,
      view: viewOf(calls),
      known: false,
      fresh: false,
      trigger,
      askAgain: undefined,
    }
    this.#requests.set(seq, request)
    return request
  }

  #enqueue(operation: () => Promise<void>, rethrow = false): Promise<void> {
    this.#waiting++
    const done = this.#line.then(operation)
    this.#line = done
      .catch((error) => this.#failed(error))
      .then(() => {
        this.#waiting--
        if (!this.busy()) {
          this.#unfollow()
          this.#context.idle(this)
        }
      })
    return rethrow ? done : this.#line
  }

  /** A bug, or the end of the process: nothing stays held by a session that does not go on here. */
  #failed(error: unknown): void {
    this.#context.report(this.id, error)
    for (const running of [...this.#running.values()]) {
      running.abort.abort()
      this.#drop(running)
    }
    for (const request of this.#requests.values()) {
      clearTimeout(request.askAgain)
      request.trigger?.nak(this.#context.ackWaitMs)
    }
    this.#requests.clear()
    this.#finished = []
    this.#head = null
    // Claims and outcomes that were under way: what is held for ever is taken over by nobody.
    for (const { call, attempt } of [...this.#holds.values()]) this.#letGo(call, attempt)
  }

  // --- what the log says ---

  #sawHead(head: Head): void {
    if (!this.#head || head.seq > this.#head.seq) this.#head = head
  }

  #sawFrames(frames: readonly Frame[]): void {
    for (const frame of frames) {
      for (const request of this.#requests.values())
        if (frame.seq > request.seq) request.view = evolveView(request.view, frame)
      this.#sawHead(headOf(frame))
    }
    this.#abortClosed()
  }

  /** T5: from the head on, where other requests have views to keep. */
  async #readTail(request: Request, leader: boolean): Promise<void> {
    const others = this.#requests.size > 1 ? this.#head?.seq : undefined
    const after = Math.min(request.seq - 1, others ?? request.seq - 1)
    const frames = await this.#context.reading(() => this.#context.sessions.read(this.id, { after, leader }))
    const reached = frames.at(-1)?.seq ?? 0
    if (!leader && reached < Math.max(request.seq, this.#head?.seq ?? 0)) return this.#readTail(request, true)
    request.fresh = false
    request.known = true
    request.view = frames.filter(({ seq }) => seq > request.seq).reduce(evolveView, viewOf(request.calls))
    const known = this.#head?.seq ?? 0
    for (const frame of frames) {
      if (frame.seq <= known) continue
      for (const other of this.#requests.values())
        if (other !== request && frame.seq > other.seq) other.view = evolveView(other.view, frame)
      this.#sawHead(headOf(frame))
    }
  }

  /** What runs here and has its outcome by another hand is stopped; what it still delivers is evidence. */
  #abortClosed(): void {
    for (const running of this.#running.values()) {
      const state = this.#requests.get(running.seq)?.view.find(({ call }) => call === running.call)?.state
      const mine =
        state?.kind === 'asked' ||
        (state?.kind === 'claimed' && state.attempt === running.attempt && state.by === this.#context.instance)
      if (!mine) running.abort.abort()
    }
  }

  async #catchUp(leader: boolean): Promise<void> {
    for (const request of [...this.#requests.values()]) {
      await this.#readTail(request, leader)
      this.#abortClosed()
      await this.#advance(request)
    }
  }

  // --- deciding ---

  #holder(): RunnerHolder {
    return {
      instance: this.#context.instance,
      runs: (call, attempt) => this.runs(call, attempt),
      started: (call, attempt) => this.#started.has(keyOf(call, attempt)),
    }
  }

  /**
   * Runs, claims, asks, until each call of the request is done or at work here. What is appended is decided on the view as it stands
   * then: an owner's answer takes time, and what is read meanwhile may close calls that were open before.
   */
  async #advance(request: Request): Promise<void> {
    const answers = new Map<string, 'running' | 'gone'>()
    for (;;) {
      // T5: of a request that is still to be looked at, nothing is known.
      if (this.#requests.get(request.seq) !== request || !request.known) return
      if (this.#releasing) return this.#ackIfDone(request)
      const next = request.view.map((call) => ({ call, ...runnerVerdict(call, this.#holder(), request.fresh) }))
      const asks = next.filter((one) => one.do === 'ask')
      const unasked = asks.find(({ call, owner, attempt }) => !answers.has(claimKey(owner, call.call, attempt)))
      if (unasked) {
        const { call, owner, attempt } = unasked
        const answer = await this.#askOwner(owner, { session: this.id, call: call.call, attempt })
        answers.set(claimKey(owner, call.call, attempt), answer)
        // The call may have been closed, or claimed anew, while its owner went.
        if (answer === 'gone') await this.#readTail(request, true)
        continue
      }
      const lost = asks
        .filter(({ call, owner, attempt }) => answers.get(claimKey(owner, call.call, attempt)) === 'gone')
        .map(({ call, attempt }) => ({ call, after: afterLoss(call, attempt) }))
      const outcomes = lost.flatMap(({ after }) => ('outcome' in after ? [after.outcome] : []))
      if (outcomes.length > 0) {
        await this.#append(outcomes)
        continue
      }
      const claims = [
        ...next.flatMap((one) => (one.do === 'claim' ? [{ call: one.call, attempt: one.attempt }] : [])),
        ...lost.flatMap(({ call, after }) => ('claim' in after ? [{ call, attempt: after.claim }] : [])),
      ]
      for (const one of next) if (one.do === 'run') this.#start(request, one.call, one.attempt)
      if (claims.length > 0) {
        await this.#claim(request, claims)
        continue
      }
      if (asks.length > lost.length) return this.#askLater(request)
      return this.#ackIfDone(request)
    }
  }

  async #askOwner(owner: string, holding: Holding): Promise<'running' | 'gone'> {
    const presence = this.#context.presence()
    return presence.suspect() ? 'running' : presence.ask(owner, holding)
  }

  #askLater(request: Request): void {
    clearTimeout(request.askAgain)
    request.askAgain = setTimeout(
      () =>
        this.#enqueue(async () => {
          await this.#readTail(request, false)
          await this.#advance(request)
        }),
      this.#context.ackWaitMs / 2,
    )
  }

  #ackIfDone(request: Request): void {
    if (request.view.some(({ state }) => state.kind !== 'done')) return
    if (this.#requests.get(request.seq) !== request) return
    clearTimeout(request.askAgain)
    this.#requests.delete(request.seq)
    request.trigger?.ack()
  }

  /** Starts what is claimed then; where it is refused the views are up to date, and it is decided again. */
  async #claim(
    request: Request,
    claims: readonly { readonly call: RunnerCall; readonly attempt: number }[],
  ): Promise<void> {
    for (const { call, attempt } of claims) this.#hold(call.call, attempt, request.seq)
    await this.#context.pauseAt('tool-runner.before-claim')
    const events = claims.map(
      ({ call, attempt }): SessionEvent => ({ type: 'tool-call.started', data: { call: call.call, attempt } }),
    )
    const done = await this.#append(events)
    await this.#context.pauseAt('tool-runner.after-claim')
    for (const { call, attempt } of claims) {
      const state = request.view.find((one) => one.call === call.call)?.state
      const mine = done && state?.kind === 'claimed' && state.attempt === attempt && state.by === this.#context.instance
      // The last line before a call that must not run twice: whatever the view says, this process has run it.
      const ran = call.replay === 'never' && this.#started.has(keyOf(call.call, attempt))
      if (mine && !ran && !this.#releasing) this.#start(request, call, attempt)
      else this.#letGo(call.call, attempt)
    }
  }

  // --- running ---

  #hold(call: string, attempt: number, seq: number): void {
    const holding = { session: this.id, call, attempt, frame: seq }
    this.#holds.set(keyOf(call, attempt), holding)
    this.#context.presence().begin(holding)
  }

  #letGo(call: string, attempt: number): void {
    if (this.#holds.delete(keyOf(call, attempt))) this.#context.presence().end({ session: this.id, call, attempt })
  }

  #start(request: Request, { call, replay }: RunnerCall, attempt: number): void {
    const asked = request.calls.find((one) => one.call === call)
    const key = keyOf(call, attempt)
    if (!asked || this.#running.has(key)) return
    const context = this.#context
    this.#hold(call, attempt, request.seq)
    this.#started.add(key)
    const running: RunningCall = {
      call,
      attempt,
      seq: request.seq,
      name: asked.name,
      replay,
      abort: new AbortController(),
      since: context.clock.now(),
    }
    this.#running.set(key, running)
    context.active.add(`${this.id}/${key}`)
    this.#followSoon()
    let offset = 0
    const safe = context.tools.redactor.stream()
    const show = (shown: string): void => {
      if (shown === '') return
      context.feed.publishDelta(this.id, 't', {
        call,
        attempt,
        block: 0,
        kind: 'output',
        offset,
        text: shown,
        tool: asked.name,
      })
      offset += shown.length
      void context.pauseAt('tool-runner.in-tool')
    }
    const progress = (text: string): void => show(safe.push(text))
    void context.pauseAt('tool-runner.in-tool')
    runCall(context.tools, request.digest, asked, `${this.id}/${call}`, progress, running.abort.signal)
      .catch((error): ToolResult => {
        context.report(this.id, error)
        return {
          status: 'error',
          code: 'failed',
          output: JSON.stringify({
            status: 'error',
            error: 'The tool broke off inside Reins; see the logs of the tool-runner.',
          }),
        }
      })
      .then((result) => {
        // What might have been the beginning of a secret, and was none.
        show(safe.end())
        const duration = Math.max(context.clock.now() - running.since, 0)
        context.finished(asked.name, result.status, duration)
        this.#finish(running, { type: 'tool-call.completed', data: { call, attempt, ...result, duration } })
      })
  }

  /** No outcome of ours: it may run again elsewhere. */
  #drop(running: RunningCall): void {
    const key = keyOf(running.call, running.attempt)
    this.#running.delete(key)
    this.#context.active.delete(`${this.id}/${key}`)
    this.#letGo(running.call, running.attempt)
  }

  #finish(running: RunningCall, event: Outcome['event']): void {
    const key = keyOf(running.call, running.attempt)
    if (!this.#running.delete(key)) return
    this.#context.active.delete(`${this.id}/${key}`)
    this.#finished.push({ running, event })
    void this.#enqueue(() => this.#record())
  }

  /** T1: everything that is finished by now, in as few frames as it fits. */
  async #record(): Promise<void> {
    await this.#context.pauseAt('tool-runner.before-outcome')
    let most = Number.POSITIVE_INFINITY
    while (this.#finished.length > 0) {
      const batch = this.#takeBatch(most)
      const { counts, late } = this.#sort(batch)
      const events = [...counts.map(({ event }): SessionEvent => event), ...late.flatMap(lateResult)]
      try {
        if (events.length > 0 && !(await this.#append(events))) {
          this.#finished = [...batch, ...this.#finished]
          continue
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        // No frame can hold them: each by itself then, and one that is too large by itself is an error like any other.
        this.#finished = [...(batch.length > 1 ? batch : batch.map(tooLarge)), ...this.#finished]
        most = 1
        continue
      }
      await this.#context.pauseAt('tool-runner.before-ack')
      for (const { running } of batch) this.#letGo(running.call, running.attempt)
      // A call that was lost to another runner is asked after from now on, like any that was never run here.
      for (const seq of new Set(batch.map(({ running }) => running.seq))) {
        const request = this.#requests.get(seq)
        if (request) await this.#advance(request)
      }
    }
  }

  #takeBatch(most: number): Outcome[] {
    const batch: Outcome[] = []
    let chars = 0
    while (this.#finished.length > 0 && batch.length < most) {
      const next = this.#finished[0]
      if (!next) break
      const size = next.event.type === 'tool-call.completed' ? next.event.data.output.length : 200
      if (batch.length > 0 && chars + size > frameChars) break
      chars += size
      batch.push(next)
      this.#finished.shift()
    }
    return batch
  }

  #sort(batch: readonly Outcome[]): { counts: Outcome[]; late: Outcome[] } {
    const counts: Outcome[] = []
    const late: Outcome[] = []
    for (const outcome of batch) {
      const { running } = outcome
      const state = this.#requests.get(running.seq)?.view.find(({ call }) => call === running.call)?.state
      // What was stopped because another runner has it is no result, though the attempt may have the same number.
      const stopped = running.abort.signal.aborted
      const current =
        (state?.kind === 'asked' && running.attempt === 1) ||
        (state?.kind === 'claimed' &&
          state.attempt === running.attempt &&
          (state.by === this.#context.instance || !stopped))
      if (current) counts.push(outcome)
      else late.push(outcome)
    }
    return { counts, late }
  }

  // --- appending ---

  /** Appends on the head and folds whatever is there then into the views. false: refused. */
  async #append(events: readonly SessionEvent[]): Promise<boolean> {
    const head =
      this.#head ?? (await this.#context.reading(() => this.#context.sessions.head(this.id, { leader: true })))
    const { clock, instance, sessions, stopping } = this.#context
    const draft = {
      id: makeShortId(clock.random),
      n: head.n + 1,
      prev: head.seq,
      at: clock.now(),
      by: instance,
      role: 't' as const,
      needs: Math.max(head.needs, protocolVersion),
      status: head.status,
      pool: head.pool,
      events,
    }
    const outcome = await sessions.append(this.id, draft, this.#addressOf(events, head), head.hash, stopping)
    if (outcome.kind === 'refused') {
      this.#sawFrames(outcome.tail)
      return false
    }
    for (const request of this.#requests.values()) request.view = evolveView(request.view, { events, by: instance })
    this.#sawHead(outcome.head)
    this.#sawFrames(outcome.above)
    return true
  }

  #addressOf(events: readonly SessionEvent[], head: Head): Address {
    const closing = events.flatMap((event) =>
      event.type === 'tool-call.completed' || event.type === 'tool-call.outcome-unknown' ? [event.data.call] : [],
    )
    if (closing.length === 0) return toLog
    // Calls of another turn were closed with it, whether this runner knows it yet or not.
    const requests = [...this.#requests.values()].filter(({ known }) => known)
    const turns = new Set(
      requests.filter(({ view }) => view.some(({ call }) => closing.includes(call))).map(({ turn }) => turn),
    )
    const views = requests.filter(({ turn }) => turns.has(turn)).map(({ view }) => view)
    return wakesExecutor(views, closing) ? toExec(head.pool) : toLog
  }

  // --- following ---

  #followSoon(): void {
    if (this.#following || this.#followTimer) return
    this.#followTimer = setTimeout(() => {
      this.#followTimer = undefined
      if (this.#running.size === 0) return
      this.#following = this.#context.feed.frames(this.id, ({ frame }) => {
        if (frame.by === this.#context.instance) return
        void this.#enqueue(async () => {
          if (this.#head && frame.seq <= this.#head.seq) return
          this.#sawFrames(
            await this.#context.reading(() =>
              this.#context.sessions.read(this.id, { after: this.#head?.seq ?? frame.seq - 1 }),
            ),
          )
          for (const request of [...this.#requests.values()]) await this.#advance(request)
        })
      })
      void this.#enqueue(() => this.#catchUp(false))
    }, this.#context.followAfterMs)
  }

  #unfollow(): void {
    clearTimeout(this.#followTimer)
    this.#followTimer = undefined
    this.#following?.close()
    this.#following = null
  }
}

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

const lateResult = ({ event }: Outcome): SessionEvent[] =>
  event.type === 'tool-call.completed' ? [{ type: 'tool-call.late-result', data: event.data }] : []
