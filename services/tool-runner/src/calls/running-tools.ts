// The attempts of one session's calls that this process answers for: held from the claim until the outcome is in, run in between.
// It reads no log and appends nothing: how a call ended is told to the session.
//   R2. A call that waits for a person keeps its slot for a while, then it takes none. It is answered for as long as it lives.
//   R1. A call begins as work. One that takes long mostly waits (for a build, a server, a person's script), so after a while it takes a
//       slot of its own, of which there are many, and its work slot is free for others. Where memory is scarce it keeps the work slot.
import type { Presence } from '@reins/broker'
import { type EventOf, fieldsOf, jsonValue, makeShortId, type SlowCall } from '@reins/contracts'
import { type CallSlots, Claims } from '@reins/holder'
import type { SessionFeed } from '@reins/journal'
import type { Clock, PausePoint } from '@reins/service'
import { filesBefore, type RunnerCall } from '@reins/session'
import { type Elicitation, type PersonsAnswer, type Question, ToolFailure } from '@reins/tools'
import { AskedPeople } from './asked-people.ts'
import { type RanCall, type RunnerTools, runCall } from './call-runner.ts'
import type { ToolResult } from '../recorded/redacted-result.ts'
import type { Request } from '../requests.ts'
import { WorkPlace } from './work-place.ts'

export interface RunningContext {
  readonly instance: string
  readonly feed: Pick<SessionFeed, 'publishDelta'>
  readonly clock: Clock
  readonly tools: RunnerTools
  /** For calls that work, and for those that take long (R1). */
  readonly work: CallSlots
  readonly slots: CallSlots
  /** ms after which a call counts as waiting. */
  readonly waitsAfterMs: number
  /** ms that a call that waits for a person keeps its slot (R2). */
  readonly parksAfterMs: number
  readonly pauseAt: PausePoint
  presence(): Pick<Presence, 'begin' | 'end'>
  report(session: string, error: unknown): void
  finished(name: string, status: 'ok' | 'error', ms: number): void
  /** Calls that run here now. */
  readonly active: Set<string>
  /** Those of them that have shown nothing for a while. */
  readonly slow: Map<string, SlowCall>
}

export interface RunningCall {
  readonly call: string
  readonly attempt: number
  readonly seq: number
  readonly name: string
  readonly replay: 'safe' | 'never'
  readonly abort: AbortController
  readonly since: number
  /** What it takes of this process: disposing of it frees that (R1). */
  readonly place: WorkPlace
  /** A person is asked (R2): under which id, and who waits for the answer. */
  waits: { readonly elicitation: string; readonly answer: (given: PersonsAnswer) => void } | null
}

/** A question of a call that runs here, on its way into the log. */
export interface AskedHere {
  readonly running: RunningCall
  readonly elicitation: string
  readonly asked: Elicitation
  readonly key: string
  readonly nothingRan: boolean
  readonly expiresMs: number
}

/** How a call ended that ran here. It stays held until that is in the stream. */
export interface Outcome {
  readonly running: RunningCall
  readonly event: EventOf<'tool-call.completed' | 'tool-call.outcome-unknown'>
  readonly files?: EventOf<'files.kept'>
  readonly told?: EventOf<'workspace.found'>
}

/** What the session is told. */
export interface RunningListener {
  began(): void
  ended(outcome: Outcome): void
  /** A call takes a work slot no more. */
  waits(): void
  asks(asked: AskedHere): void
}

/** Characters that one call may show while it runs: what is longer stands in its result. */
const mostShown = 1_000_000

const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`

export class RunningTools {
  readonly #session: string
  readonly #context: RunningContext
  readonly #listener: RunningListener
  readonly #claims: Claims
  readonly #running = new Map<string, RunningCall>()
  /** Attempts that this process answers for, until their outcome is known to be in. */
  readonly #held = new Map<string, Disposable>()

  constructor(session: string, context: RunningContext, listener: RunningListener) {
    this.#session = session
    this.#context = context
    this.#listener = listener
    this.#claims = new Claims(session, context)
  }

  get size(): number {
    return this.#running.size
  }

  runs(call: string, attempt: number): boolean {
    return this.#claims.holds(call, attempt)
  }

  /** Whether this process answers for an attempt of the call. */
  holdsAny(call: string): boolean {
    for (const key of this.#held.keys()) if (key.startsWith(`${call}/`)) return true
    return false
  }

  started(call: string, attempt: number): boolean {
    return this.#claims.started(call, attempt)
  }

  /** Answers for these from now on; what is not started by the time that the claim is disposed of is let go. */
  claim(attempts: readonly { readonly call: string; readonly attempt: number }[], seq: number): Disposable {
    const claims = new DisposableStack()
    for (const { call, attempt } of attempts) claims.use(this.#claims.claim(call, attempt, seq))
    return claims
  }

  letGo(call: string, attempt: number): void {
    const key = keyOf(call, attempt)
    this.#held.get(key)?.[Symbol.dispose]()
    this.#held.delete(key)
  }

  letGoAll(): void {
    for (const held of this.#held.values()) held[Symbol.dispose]()
    this.#held.clear()
  }

  start(request: Request, { call, replay }: RunnerCall, attempt: number): void {
    const asked = request.calls.find((one) => one.call === call)
    const key = keyOf(call, attempt)
    if (!asked || this.#running.has(key)) return
    const context = this.#context
    if (!this.#held.has(key)) this.#held.set(key, this.#claims.claim(call, attempt, request.seq))
    this.#claims.start(call, attempt)
    const people = new AskedPeople(asked.resume)
    const running: RunningCall = {
      call,
      attempt,
      seq: request.seq,
      name: asked.name,
      replay,
      abort: new AbortController(),
      since: context.clock.now(),
      place: new WorkPlace(context, request.principal ?? '', () => this.#listener.waits()),
      waits: null,
    }
    this.#running.set(key, running)
    context.active.add(this.#nameOf(running))
    this.#listener.began()
    const output = this.#liveOutput(running)
    const watching = { progress: output.push, slow: (silentMs: number | undefined) => this.#slow(running, silentMs) }
    void context.pauseAt('tool-runner.in-tool')
    const { signal } = running.abort
    runCall(
      context.tools,
      request,
      asked,
      this.#session,
      watching,
      signal,
      (question, expiresMs, until) => this.#ask(running, people, question, expiresMs, until),
      filesBefore(request.view, call, request.files),
    )
      .catch((error): RanCall => {
        context.report(this.#session, error)
        return brokeOff
      })
      .then((result) => {
        output.end()
        const duration = Math.max(context.clock.now() - running.since, 0)
        context.finished(asked.name, result.status, duration)
        const { files, found, ...rest } = result
        const left = files && { type: 'files.kept' as const, data: { call, attempt, ...files } }
        const told = found && { type: 'workspace.found' as const, data: { call, attempt, found } }
        this.#finish(running, endOf(call, attempt, rest, duration), {
          ...(left ? { files: left } : {}),
          ...(told ? { told } : {}),
        })
      })
  }

  #slow(running: RunningCall, silentMs: number | undefined): void {
    const { slow, clock } = this.#context
    const { call, name } = running
    if (silentMs === undefined) slow.delete(this.#nameOf(running))
    else slow.set(this.#nameOf(running), { session: this.#session, call, name, since: clock.now() - silentMs })
  }

  /** Resolves with a person's answer, where the call lives to hear it; a call of which nothing ran does not. */
  async #ask(
    running: RunningCall,
    people: AskedPeople,
    question: Question,
    expiresMs: number,
    until: AbortSignal,
  ): Promise<PersonsAnswer> {
    const { nothingRan } = question
    const asking = people.next(question, () => makeShortId(this.#context.clock.random))
    if (asking.kind === 'answered') return asking.answer
    if (asking.kind === 'enough') {
      if (!nothingRan) return { action: 'cancel' }
      throw new ToolFailure(
        'refused',
        'the server asks for a person to open a page again and again; the call was given up',
      )
    }
    const { asked, key, elicitation } = asking
    const answer = Promise.withResolvers<PersonsAnswer>()
    const waits = { elicitation, answer: answer.resolve }
    running.waits = waits
    const stop = () => answer.reject(until.reason)
    if (until.aborted) stop()
    else until.addEventListener('abort', stop, { once: true })
    answer.promise.catch(() => undefined)
    this.#listener.asks({ running, elicitation, asked, key, nothingRan, expiresMs })
    try {
      const given = await answer.promise
      people.answered(given)
      return given
    } finally {
      until.removeEventListener('abort', stop)
      // The same question may wait anew by then, over another connection.
      if (running.waits === waits) running.waits = null
    }
  }

  /** The question is in the log. What of which nothing ran has ended here: its answer begins the next attempt. */
  asked({ running, elicitation, nothingRan }: AskedHere): void {
    if (nothingRan) {
      this.#drop(running)
      running.abort.abort()
      return
    }
    const park = setTimeout(() => {
      if (running.waits?.elicitation !== elicitation) return
      running.place.park()
      this.#context.active.delete(this.#nameOf(running))
    }, this.#context.parksAfterMs)
    park.unref()
  }

  /** Calls whose answer the log has by now go on. */
  resumeAnswered(stateOf: (running: RunningCall) => RunnerCall['state'] | undefined): void {
    for (const running of this.#running.values()) {
      const state = running.waits && stateOf(running)
      if (!running.waits || state?.kind !== 'parked' || state.attempt !== running.attempt) continue
      const { answer } = state
      if (answer?.elicitation !== running.waits.elicitation) continue
      running.place.resume()
      this.#context.active.add(this.#nameOf(running))
      running.waits.answer({ action: answer.action, ...(answer.content ? { content: answer.content } : {}) })
      running.waits = null
    }
  }

  /** What a call shows while it runs. */
  #liveOutput({ call, attempt, name }: RunningCall): { push(text: string): void; end(): void } {
    const context = this.#context
    let offset = 0
    const safe = context.tools.redactor.stream()
    const show = (shown: string): void => {
      if (shown === '' || offset >= mostShown) return
      context.feed.publishDelta(this.#session, 't', {
        call,
        attempt,
        block: 0,
        kind: 'output',
        offset,
        text: shown,
        tool: name,
      })
      offset += shown.length
      void context.pauseAt('tool-runner.in-tool')
    }
    return {
      push: (text) => show(safe.push(text)),
      // What might have been the beginning of a secret, and was none.
      end: () => show(safe.end()),
    }
  }

  /** What runs here and has its outcome by another hand is stopped; what it still delivers is evidence. */
  abortClosed(stateOf: (running: RunningCall) => RunnerCall['state'] | undefined): void {
    for (const running of this.#running.values()) {
      const state = stateOf(running)
      const mine =
        state?.kind === 'asked' ||
        ((state?.kind === 'claimed' || state?.kind === 'parked') &&
          state.attempt === running.attempt &&
          state.by === this.#context.instance)
      if (!mine) running.abort.abort()
    }
  }

  /** At shutdown: what may run again is given back; what may not is ended with an outcome that says so. */
  release(): void {
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
  }

  /** Stops all of them, with no outcome of ours. */
  dropAll(): void {
    for (const running of [...this.#running.values()]) {
      running.abort.abort()
      this.#drop(running)
    }
  }

  /** No outcome of ours: it may run again elsewhere. */
  #drop(running: RunningCall): void {
    this.#leave(running)
    this.letGo(running.call, running.attempt)
  }

  #finish(running: RunningCall, event: Outcome['event'], left: Pick<Outcome, 'files' | 'told'> = {}): void {
    if (this.#leave(running)) this.#listener.ended({ running, event, ...left })
  }

  /** false: it had left before. */
  #leave(running: RunningCall): boolean {
    if (!this.#running.delete(keyOf(running.call, running.attempt))) return false
    running.place[Symbol.dispose]()
    this.#context.active.delete(this.#nameOf(running))
    this.#context.slow.delete(this.#nameOf(running))
    return true
  }

  #nameOf({ call, attempt }: RunningCall): string {
    return `${this.#session}/${keyOf(call, attempt)}`
  }
}

/** What ran a call may be gone while this process lives (a host of users' code): then this process says what a lost one would leave. */
function endOf(call: string, attempt: number, result: ToolResult, duration: number): Outcome['event'] {
  if (result.code !== 'outcome-unknown')
    return { type: 'tool-call.completed', data: { call, attempt, ...result, duration } }
  return { type: 'tool-call.outcome-unknown', data: { call, attempt, message: messageIn(result.output) } }
}

function messageIn(output: string): string {
  const { error } = fieldsOf(jsonValue(output))
  return typeof error === 'string' ? error : output
}

const brokeOff: ToolResult = {
  status: 'error',
  code: 'failed',
  output: JSON.stringify({
    status: 'error',
    error: 'The tool broke off inside Reins; see the logs of the tool-runner.',
  }),
}
