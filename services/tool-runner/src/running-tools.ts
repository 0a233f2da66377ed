// The attempts of one session's calls that this process answers for: held from the claim until the outcome is in, run in between.
// It reads no log and appends nothing: how a call ended is told to the session.
import type { EventOf, Holding } from '@reins/contracts'
import type { RunnerCall, RunnerHolder } from '@reins/session'
import { runCall, type ToolResult } from './call-runner.ts'
import type { RunnerContext } from './context.ts'
import type { Request } from './requests.ts'

export interface RunningCall {
  readonly call: string
  readonly attempt: number
  readonly seq: number
  readonly name: string
  readonly replay: 'safe' | 'never'
  readonly abort: AbortController
  readonly since: number
}

/** How a call ended that ran here. It stays held until that is in the stream. */
export interface Outcome {
  readonly running: RunningCall
  readonly event: EventOf<'tool-call.completed' | 'tool-call.outcome-unknown'>
}

/** What the session is told. */
export interface RunningListener {
  began(): void
  ended(outcome: Outcome): void
}

const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`

export class RunningTools implements RunnerHolder {
  readonly #session: string
  readonly #context: RunnerContext
  readonly #listener: RunningListener
  readonly #running = new Map<string, RunningCall>()
  /** Attempts that this process answers for, until their outcome is known to be in. */
  readonly #holds = new Map<string, Holding>()
  readonly #started = new Set<string>()

  constructor(session: string, context: RunnerContext, listener: RunningListener) {
    this.#session = session
    this.#context = context
    this.#listener = listener
  }

  get size(): number {
    return this.#running.size
  }

  get instance(): string {
    return this.#context.instance
  }

  runs(call: string, attempt: number): boolean {
    return this.#holds.has(keyOf(call, attempt))
  }

  started(call: string, attempt: number): boolean {
    return this.#started.has(keyOf(call, attempt))
  }

  hold(call: string, attempt: number, seq: number): void {
    const holding = { session: this.#session, call, attempt, frame: seq }
    this.#holds.set(keyOf(call, attempt), holding)
    this.#context.presence().begin(holding)
  }

  letGo(call: string, attempt: number): void {
    if (this.#holds.delete(keyOf(call, attempt)))
      this.#context.presence().end({ session: this.#session, call, attempt })
  }

  letGoAll(): void {
    for (const { call, attempt } of [...this.#holds.values()]) this.letGo(call, attempt)
  }

  start(request: Request, { call, replay }: RunnerCall, attempt: number): void {
    const asked = request.calls.find((one) => one.call === call)
    const key = keyOf(call, attempt)
    if (!asked || this.#running.has(key)) return
    const context = this.#context
    this.hold(call, attempt, request.seq)
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
    context.active.add(`${this.#session}/${key}`)
    this.#listener.began()
    const output = this.#liveOutput(running)
    void context.pauseAt('tool-runner.in-tool')
    runCall(context.tools, request.digest, asked, `${this.#session}/${call}`, output.push, running.abort.signal)
      .catch((error): ToolResult => {
        context.report(this.#session, error)
        return brokeOff
      })
      .then((result) => {
        output.end()
        const duration = Math.max(context.clock.now() - running.since, 0)
        context.finished(asked.name, result.status, duration)
        this.#finish(running, { type: 'tool-call.completed', data: { call, attempt, ...result, duration } })
      })
  }

  /** What a call shows while it runs. */
  #liveOutput({ call, attempt, name }: RunningCall): { push(text: string): void; end(): void } {
    const context = this.#context
    let offset = 0
    const safe = context.tools.redactor.stream()
    const show = (shown: string): void => {
      if (shown === '') return
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
        (state?.kind === 'claimed' && state.attempt === running.attempt && state.by === this.instance)
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
    const key = keyOf(running.call, running.attempt)
    this.#running.delete(key)
    this.#context.active.delete(`${this.#session}/${key}`)
    this.letGo(running.call, running.attempt)
  }

  #finish(running: RunningCall, event: Outcome['event']): void {
    const key = keyOf(running.call, running.attempt)
    if (!this.#running.delete(key)) return
    this.#context.active.delete(`${this.#session}/${key}`)
    this.#listener.ended({ running, event })
  }
}

const brokeOff: ToolResult = {
  status: 'error',
  code: 'failed',
  output: JSON.stringify({
    status: 'error',
    error: 'The tool broke off inside Reins; see the logs of the tool-runner.',
  }),
}
