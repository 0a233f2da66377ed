// One replay of the code that decides for a session: what a code host says of it becomes events, and what is recorded becomes the host's
// answers. It decides nothing; its caller appends.
//   RR1. What a host says is the word of the code in it: it is checked, and becomes an event only where it fits that event's schema.
//   RR2. Words are taken in their order. A step runs once its intent is in the log; values that were given at once, and what the code waits
//        for, go out with the next frame, since nothing outside knows of them before.
//   RR3. From one operation to the next, code has so much time. The first replay that takes longer counts as lost, since a host is shared:
//        the next one fails the run.
//   RR4. Code is told of the end of a step before that end is in the log, where nothing that acts can follow from it: while no other step
//        runs. It goes out with what the code asks for next, in front of it, or after some ms in which the code asks for nothing.
import {
  type CodeHosts,
  type Compact,
  type Dispatches,
  type HostsAnswer,
  type RunRequests,
  replayLimits,
} from '@reins/code-host'
import {
  childId,
  type EventOf,
  questionTimer,
  type RunError,
  runLimits,
  runMessage,
  type SessionEvent,
} from '@reins/contracts'
import type { Redactor } from '@reins/secrets'
import { type Effect, type Run, recordedOperations, type Session } from '@reins/session'
import { type Given, givenBeside, moreOf } from './given.ts'
import { type PromptPorts, ReplayPrompts } from './replay-prompts.ts'
import type { RunAgent } from './run-agents.ts'
import type { RunEnvironment } from './run-environment.ts'
import { type Answer, charsOf, disturbed, fits, type Of, outcomeOf, type ReplayOutcome } from './run-outcome.ts'
import { endsOfSteps, isStepEnd } from './step-ends.ts'
import { askedTool, tooMany, type Words } from './words.ts'

/** `held`: nothing new may begin now. `lost`: the replay is nobody's any more. */
export type Said = 'in' | 'held' | 'lost'

export interface ReplayPorts extends PromptPorts {
  readonly hosts: Pick<CodeHosts, 'run'>
  /** The agent of this name as it is now, for this run. */
  agent(name: string, session: Session): Promise<RunAgent>
  /** Gives an agent work, on behalf of the workflow's project. Rejects where it is refused. */
  readonly dispatch: Dispatches
  /** Compacts the context of a session below. Rejects where that fails. */
  readonly compact: Compact
  /** The HTTP request that the run began with. */
  readonly request: RunRequests
  /** What the project of the workflow declares. */
  environment(session: Session): Promise<RunEnvironment>
  /** The value of a config; null: there is none. */
  config(name: string, session: Session): Promise<unknown>
  readonly now: () => number
  /** By the operator. */
  readonly networkAllowed: boolean
  /** ms from one operation to the next. */
  readonly betweenMs: number
  log(session: string, line: { readonly level: string; readonly message: string; readonly attributes?: unknown }): void
}

type Outcome = ReplayOutcome | { readonly kind: 'aborted'; readonly partial: string }

/** `begins`: it announces something. */
export type Say = (events: readonly SessionEvent[], begins: boolean) => Promise<Said>

const notRunTries = 4
const noDispatch = 'dispatch() works in the workflows of projects, and not in a workflow_file'
/** With up to 10 s before each of them. */
const environmentTries = 60

export async function replayRun(
  session: Session,
  { call, attempt }: Pick<Effect, 'call' | 'attempt'>,
  ports: ReplayPorts,
  redactor: Redactor,
  say: Say,
  signal: AbortSignal,
): Promise<Outcome> {
  const { run } = session
  if (!run) return { kind: 'aborted', partial: '' }
  const replay = new Replaying(session, run, { replay: call, attempt }, ports, redactor, say)
  for (let tries = 1; ; tries++) {
    const answer = await replay.once(signal)
    if (signal.aborted) return { kind: 'aborted', partial: '' }
    if (answer.kind !== 'not-run' || tries === notRunTries) return replay.outcome(answer)
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries))
    if (signal.aborted) return { kind: 'aborted', partial: '' }
  }
}

class Replaying {
  readonly #session: Session
  readonly #run: Run
  readonly #of: Of
  readonly #ports: ReplayPorts
  readonly #redactor: Redactor
  readonly #say: Say
  /** Not in the log yet (RR2). */
  #pending: SessionEvent[] = []
  #line: Promise<unknown> = Promise.resolve()
  #next: number
  readonly #prompts: ReplayPrompts
  #steps = 0
  /** Lines of ctx.log, also those that wait. */
  #lines: number
  #lineChars = 0
  /** Of operations that are pending. */
  #frameChars = 0
  #soon: NodeJS.Timeout | undefined
  /** RR4. */
  #endsSoon: NodeJS.Timeout | undefined
  #held = false
  #chars = 0
  readonly #broken = new AbortController()
  #fault: Extract<Answer, { kind: 'broken' | 'late' }> | undefined
  #watch: NodeJS.Timeout | undefined

  constructor(session: Session, run: Run, of: Of, ports: ReplayPorts, redactor: Redactor, say: Say) {
    this.#session = session
    this.#run = run
    this.#of = of
    this.#ports = ports
    this.#redactor = redactor
    this.#say = say
    this.#next = run.operations.length
    this.#lines = run.lines?.all ?? 0
    this.#prompts = new ReplayPrompts(session, run, ports)
  }

  async once(signal: AbortSignal): Promise<Answer> {
    const { born, id } = this.#session
    const history = recordedOperations(this.#run)
    this.#chars = JSON.stringify(history).length
    const { workflow } = this.#run
    const either = AbortSignal.any([signal, this.#broken.signal])
    const environment = await this.#environment(signal)
    if (environment.kind === 'not-run') return environment
    if (environment.kind === 'missing')
      return { kind: 'broken', error: { code: 'missing-value', message: environment.message } }
    const { env, secrets = [] } = environment
    const request = workflow?.request && (await this.#ports.request(id, workflow.request))
    const input = {
      ...{ agent: born?.agent ?? '', session: id, history, lines: this.#run.lines?.replayed ?? 0 },
      ...(workflow
        ? {
            workflow: {
              name: workflow.workflow,
              ...payloadOf(workflow),
              env,
              secrets,
              ...(request ? { request } : {}),
            },
          }
        : {}),
      limits: replayLimits,
    }
    const { file, digest, network = false } = this.#run
    try {
      const answer = await this.#ports.hosts.run(
        { digest, file, network: network && this.#ports.networkAllowed },
        {
          ...{ what: 'run', name: 'run', input },
          facts: { idempotencyKey: `${id}:${this.#of.replay}`, session: id, agent: born?.agent ?? '' },
          progress: () => {},
          log: (line) => this.#ports.log(id, line),
          request: (what, value) => this.#take(what, value),
        },
        either,
      )
      await this.#line
      return this.#fault ?? answer
    } catch (error) {
      if (this.#fault) return this.#fault
      if (signal.aborted) return { kind: 'late' }
      throw error
    } finally {
      clearTimeout(this.#watch)
      clearTimeout(this.#soon)
      clearTimeout(this.#endsSoon)
    }
  }

  /** A registry that is away for some minutes fails no run. */
  async #environment(signal: AbortSignal): Promise<RunEnvironment | Extract<HostsAnswer, { kind: 'not-run' }>> {
    for (let tries = 1; ; tries++)
      try {
        return await this.#ports.environment(this.#session)
      } catch (error) {
        const message = error instanceof Error ? error.message : 'the values that the project declares cannot be had'
        if (signal.aborted || tries === environmentTries) return { kind: 'not-run', message }
        this.#ports.log(this.#session.id, { level: 'warn', message: `A replay waits: ${message}` })
        await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** tries, 10_000)))
      }
  }

  outcome(answer: Answer): ReplayOutcome {
    return outcomeOf(answer, {
      of: this.#of,
      pending: this.#pending,
      held: this.#held,
      masked: (event) => this.#redactor.json(event),
      betweenMs: this.#ports.betweenMs,
    })
  }

  #masked(events: readonly SessionEvent[]): SessionEvent[] {
    return events.map((event) => this.#redactor.json(event))
  }

  /** RR2. */
  #take(what: string, value: unknown): Promise<unknown> {
    // Beside the line: the function of a step waits for it, and what it comes to is the end of that step.
    if (what === 'dispatch') return this.#dispatch(value)
    if (what === 'compact') return this.#compact(value)
    const answer = this.#line.then(() => {
      this.#rearm()
      return this.#fault ? { kind: 'open' } : this.#handled(what, (value ?? {}) as Words)
    })
    this.#line = answer.catch((error: unknown) => {
      this.#break({ code: 'failed', message: error instanceof Error ? error.message : disturbed.message })
    })
    return answer.finally(() => this.#rearm())
  }

  async #dispatch(asked: unknown): Promise<unknown> {
    const { workflow } = this.#run
    if (!workflow) throw new Error(noDispatch)
    return this.#ports.dispatch({ project: workflow.project }, asked, this.#broken.signal)
  }

  async #compact(asked: unknown): Promise<unknown> {
    const { workflow } = this.#run
    const { session, key } = asked as { readonly session: unknown; readonly key: unknown }
    if (!workflow) throw new Error(disturbed.message)
    const child = childId(this.#session.id, String(session))
    return this.#ports.compact({ session: child, key: String(key), project: workflow.project }, this.#broken.signal)
  }

  /** RR3: while functions of steps run, they keep their own time. */
  #rearm(): void {
    clearTimeout(this.#watch)
    if (this.#steps > 0 || this.#fault) return
    this.#watch = setTimeout(() => {
      this.#fault = { kind: 'late' }
      this.#broken.abort()
    }, this.#ports.betweenMs)
  }

  #break(error: RunError): void {
    this.#fault ??= { kind: 'broken', error }
    this.#broken.abort()
  }

  /** One frame does not hold all that code may ask for at once. */
  async #handled(what: string, said: Words): Promise<unknown> {
    const answer = await this.#handle(what, said)
    if (this.#frameChars > charsOfFrame && !this.#held && !this.#fault) await this.#flush()
    return answer
  }

  async #handle(what: string, said: Words): Promise<unknown> {
    const { position, name } = said
    switch (what) {
      case 'began':
        return null
      case 'value': {
        const { operation, value } = said
        this.#add({
          type: 'run.recorded',
          data: { position, name, operation, value } as EventOf<'run.recorded'>['data'],
        })
        return null
      }
      case 'config': {
        const value = await this.#ports.config(name, this.#session)
        this.#add({ type: 'run.recorded', data: { position, name, operation: 'config', value } })
        return { kind: 'ended', result: { kind: 'value', value } }
      }
      case 'init':
        return this.#init(said)
      case 'prompt':
        return this.#prompt(said)
      case 'wait': {
        const { event, output } = said
        const data = { ...(event === undefined ? {} : { event }), ...(output === undefined ? {} : { output }) }
        return this.#waits({ type: 'run.waited', data: { position, name, ...data } as EventOf<'run.waited'>['data'] })
      }
      case 'call': {
        if (this.#run.workflow) throw new Error(disturbed.message)
        const message = runMessage(position)
        const content = [{ type: 'text' as const, text: String(said.message) }]
        return this.#waits(
          { type: 'run.called', data: { position, name, message, content } },
          ...askedTool(message, said.tool),
        )
      }
      case 'sleep': {
        const until = Math.ceil(this.#ports.now() + Number(said.ms))
        const timer = `sleep-${position}`
        return this.#waits(
          { type: 'run.slept', data: { position, name, timer, until } },
          { type: 'timer.armed', data: { timer, at: until } },
        )
      }
      case 'pause':
        return this.#pause(said)
      case 'log':
        return this.#log(said)
      case 'step':
        return this.#step(said)
      case 'step-ended':
        return this.#stepEnded(said)
      default:
        throw new Error(disturbed.message)
    }
  }

  async #init({ position, name, agent: asked, more }: Words): Promise<unknown> {
    const agent = String(asked)
    const found = await this.#ports.agent(agent, this.#session)
    if (found.kind !== 'agent') {
      this.#break(
        found.kind === 'none'
          ? {
              code: 'agent-not-found',
              message: `The workflow asks for the agent "${agent}", and there is none of that name.`,
            }
          : { code: 'agent-invalid', message: found.message },
      )
      return { kind: 'open' }
    }
    const { digest: own, pool, needsModel } = found
    const given = moreOf(this.#session, this.#run, position, more)
    const digest = given ? await this.#withMore(agent, own, given) : own
    if (digest === undefined) return { kind: 'open' }
    const needs = needsModel ? { needsModel } : {}
    this.#add({ type: 'run.initialized', data: { position, name, agent, digest, pool, ...needs } })
    if (given) for (const event of givenBeside(given)) this.#add(event, false)
    this.#prompts.initialized(name, { agent, digest, pool, ...needs })
    return { kind: 'ended', result: { kind: 'value', value: { agent, ...needs } } }
  }

  /** undefined: there is no such version, and the run has failed. */
  async #withMore(agent: string, digest: string, more: Given): Promise<string | undefined> {
    try {
      return (await this.#ports.vary({ digest, more }, this.#session)).digest
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#break({ code: 'agent-invalid', message: `The agent ${agent} cannot have what init() gives it: ${why}` })
      return undefined
    }
  }

  async #prompt(said: Words): Promise<unknown> {
    const asked = await this.#prompts.asked(said)
    if (asked.kind === 'asked') return this.#waits(asked.prompt, ...asked.beside)
    this.#break(asked.error)
    return { kind: 'open' }
  }

  /** RR1. */
  #add(event: SessionEvent, isOperation = true): void {
    const [masked = event] = this.#masked([event])
    const chars = charsOf(masked.data)
    if (chars > mostEventChars || !fits(masked))
      throw new Error(`The code asked for what no operation can be (${event.type}).`)
    this.#pending.push(masked)
    this.#frameChars += chars
    if (!isOperation) return
    const { position } = event.data as { readonly position: number }
    if (position !== this.#next) throw new Error(disturbed.message)
    this.#next += 1
    this.#chars += chars
    const { operations, operationsOfReplay, historyChars } = runLimits
    const fresh = this.#next - this.#run.operations.length
    if (this.#next > operations)
      this.#break(tooMany(`asks for more than ${operations} operations. Let a session end, and begin another one`))
    else if (fresh > operationsOfReplay)
      this.#break(tooMany(`asks for more than ${operationsOfReplay} operations without waiting for anything`))
    else if (this.#chars > historyChars)
      this.#break(
        tooMany(
          `has recorded more than ${historyChars} characters. Keep large values elsewhere, and record where they are`,
        ),
      )
  }

  /** What does not fit, and what is too much, stands in the log of this process alone. */
  async #log({ level, message, attributes, step }: Words): Promise<null> {
    const { logLines } = runLimits
    // Of a replay that is held nothing is kept: the next one writes them.
    if (this.#held || this.#lines >= logLines) return null
    const last = this.#lines === logLines - 1
    const said = { level, message, ...(attributes === undefined ? {} : { attributes }) }
    const note = { level: 'warn', message: `The code has written ${logLines} lines: what it writes now is not kept.` }
    const [event] = this.#masked([
      {
        type: 'run.logged',
        data: { ...(last ? note : said), ...(step === undefined ? {} : { step }) },
      } as SessionEvent,
    ])
    if (!event || !fits(event)) return null
    this.#lines += 1
    this.#pending.push(event)
    // One frame does not hold them all.
    this.#lineChars += charsOf(event.data)
    if (this.#lineChars > lineCharsOfFrame) {
      this.#lineChars = 0
      await this.#flush()
    }
    // A step may take long; without one the next frame is near.
    if (this.#steps > 0) this.#soon ??= setTimeout(() => this.#saySoon(), lineMs)
    return null
  }

  #saySoon(): void {
    this.#soon = undefined
    this.#inLine(() => this.#steps > 0 && this.#pending.length > 0)
  }

  /** `beside`: stands in the same frame. */
  async #waits(event: SessionEvent, ...beside: readonly SessionEvent[]): Promise<unknown> {
    this.#add(event)
    for (const one of beside) this.#add(one, false)
    if (this.#steps > 0) await this.#flush()
    return { kind: 'open' }
  }

  /** What is to be known while a step still runs, or begins. Whether it is in. */
  async #flush(): Promise<boolean> {
    const events = this.#pending
    this.#pending = []
    this.#frameChars = 0
    clearTimeout(this.#endsSoon)
    this.#endsSoon = undefined
    const begins = events.length > endsOfSteps(events).length
    const isIn = (await this.#say(events, begins)) === 'in'
    if (!isIn) this.#hold()
    return isIn
  }

  /** A question waits for so long; any other pause waits for the next message, whenever that may be. */
  async #pause({ position, name, output }: Words): Promise<unknown> {
    const data = { position, name, output } as EventOf<'run.paused'>['data']
    if (data.output.type !== 'elicitation') return this.#waits({ type: 'run.paused', data })
    const { expires_in: seconds = runLimits.questionSeconds } = data.output
    const expiresAt = Math.ceil(this.#ports.now() + seconds * 1_000)
    return this.#waits(
      { type: 'run.paused', data: { ...data, expiresAt } },
      { type: 'timer.armed', data: { timer: questionTimer(position), at: expiresAt } },
    )
  }

  #hold(): void {
    this.#held = true
    this.#pending = []
  }

  async #step(said: Words): Promise<unknown> {
    const { position, name } = said
    const replay = said.replay === 'safe' ? 'safe' : 'never'
    const old = this.#run.operations.at(position)
    const again = old?.state === 'open' && old.waits.kind === 'step' ? old.waits : undefined
    const attempt = again ? again.attempt + 1 : 1
    const event: SessionEvent = {
      type: 'run.step-started',
      data: { position, name, attempt, replay: again ? again.replay : replay },
    }
    if (again && !fits(event)) throw new Error(disturbed.message)
    if (again) this.#pending.push(event)
    else this.#add(event)
    if (this.#held || this.#fault) return { kind: 'open' }
    if (!(await this.#flush())) return { kind: 'open' }
    this.#steps += 1
    return { kind: 'run', attempt }
  }

  async #stepEnded({ position, attempt, result }: Words): Promise<unknown> {
    this.#steps = Math.max(0, this.#steps - 1)
    const end: Omit<EventOf<'run.step-ended'>['data'], 'position' | 'attempt'> =
      result.kind === 'value'
        ? { status: 'ok', ...(Object.hasOwn(result, 'value') ? { value: result.value } : {}) }
        : { status: 'error', error: result.error }
    const [event] = this.#masked([{ type: 'run.step-ended', data: { position, attempt, ...end } }])
    const chars = charsOf(event?.data)
    if (!event || chars > mostEventChars || !fits(event)) throw new Error(disturbed.message)
    this.#chars += chars
    this.#frameChars += chars
    this.#pending.push(event)
    if (this.#held) this.#pending = [...endsOfSteps(this.#pending)]
    // RR4. A function that runs may know of it as soon as the code does.
    if (this.#steps > 0 || this.#held) return (await this.#flush()) ? { kind: 'ok' } : null
    this.#endsSoon ??= setTimeout(() => this.#sayEnds(), endMs)
    return { kind: 'ok' }
  }

  #sayEnds(): void {
    this.#endsSoon = undefined
    this.#inLine(() => this.#pending.some(isStepEnd))
  }

  /** Says what waits, where that is still so when its turn comes. */
  #inLine(isSo: () => boolean): void {
    this.#line = this.#line
      .then(() => (isSo() && !this.#fault ? this.#flush() : undefined))
      .catch((error: unknown) => {
        this.#break({ code: 'failed', message: error instanceof Error ? error.message : 'A frame was not taken.' })
      })
  }
}

/** ms that a line waits at most while a step runs. */
const lineMs = 300
/** Characters of lines that one frame takes. */
const lineCharsOfFrame = 64 * 1024
/** Characters of operations that wait, from which on they go out. */
const charsOfFrame = 1024 * 1024
/** Characters of one event: code that means well asks for values of `valueChars`, and a prompt has several. */
const mostEventChars = 8 * runLimits.valueChars

/** RR4: ms. */
const endMs = 10

const payloadOf = (workflow: object) => ('payload' in workflow ? { payload: workflow.payload } : {})
