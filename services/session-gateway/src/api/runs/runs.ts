// Runs of workflows: start one, read it, wait for its end, give it what it waits for. A run is a session, so everything else that is asked of
// it (events, tree, cancel, pause) is asked of the session.
import {
  budgetLimits,
  type DeliverToRun,
  encodeCursor,
  type EventOf,
  emptyHead,
  type Frame,
  type HeldRequest,
  isSessionId,
  makeUlid,
  narrowest,
  poolKey,
  ReinsError,
  type RunDelivered,
  RunDelivered as RunDeliveredSchema,
  type RunList,
  runAgent,
  runIdOf,
  runLimits,
  type SessionEvent,
  type SessionList,
  sessionOfRun,
  type StartedRun,
  StartedRun as StartedRunSchema,
  type StartRun,
  startCursor,
  toExec,
  type WorkflowRun,
  workflowOfAgent,
} from '@reins/contracts'
import { type Fold, firstFrame, runBeginning, type RunStart, waitFor } from '@reins/session'
import { permittedTools } from '../access/permitted-tools.ts'
import { authorizeSome, type Caller } from '../caller.ts'
import { fromIndex, onlyOf } from '../reads/from-index.ts'
import { type Folded, newerDecides } from '../reads/session-folds.ts'
import { operations } from '../operations.ts'
import { errorOf, firstOf, type Outcome, refused } from '../outcomes.ts'
import { notFound } from '../writes/appender.ts'
import { type SessionWatch, watchSession } from '../writes/session-watch.ts'
import { receipts, type SessionWrites, type WriteOptions, type WriteParts } from '../sessions/session-writes.ts'
import type { CallService } from '../../ports.ts'
import type { HeldRequests } from './held-requests.ts'
import { runOf } from './run-record.ts'

export type RunParts = WriteParts & {
  readonly call: CallService
  readonly writes: SessionWrites
  /** Of this gateway. */
  readonly instance: string
  readonly held: HeldRequests
}

export class Runs {
  readonly #parts: RunParts

  constructor(parts: RunParts) {
    this.#parts = parts
  }

  /** It is durable when it is answered; `options.key`: once for one key. `sent`: the HTTP request, for `ctx.req`. */
  start(
    caller: Caller,
    request: StartRun,
    options: WriteOptions = {},
    sent?: HeldRequest,
  ): Promise<Outcome<StartedRun>> {
    return this.#start(caller, request, options, sent, undefined)
  }

  /** As `start`, and then the record of its end. Throws what it is refused with, and what `ended` throws. */
  async startToEnd(
    caller: Caller,
    request: StartRun,
    options: WriteOptions,
    signal: AbortSignal,
    sent?: HeldRequest,
  ): Promise<StartedRun> {
    const watching: Watching = { session: '', watch: undefined }
    try {
      const outcome = await this.#start(caller, request, options, sent, watching)
      if (outcome.kind === 'refused') throw errorOf(outcome)
      const { receipt } = firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome)
      const { session, watch } = watching
      if (!watch || sessionOfRun(receipt.run.runId) !== session)
        return { ...receipt, run: await this.ended(caller, receipt.run.runId, signal) }
      await this.#parts.access.authorize(caller, operations.showRun, session, { workflow: request.workflow })
      return { ...receipt, run: await this.#seen(session, watch, signal) }
    } finally {
      watching.watch?.close()
    }
  }

  #start(
    caller: Caller,
    request: StartRun,
    options: WriteOptions,
    sent: HeldRequest | undefined,
    watching: Watching | undefined,
  ): Promise<Outcome<StartedRun>> {
    const { writes, clock, registry, admission, held, instance, access } = this.#parts
    const holding = sent && held.takes(sent) ? sent : undefined
    const { workflow } = request
    return writes.write(caller, operations.startRun, { workflow }, options, async () => {
      const session = makeUlid(clock.now(), clock.random)
      return {
        ...{ session, asked: 'POST /v1/runs', body: request, receiptOf: startedRun },
        on: { head: emptyHead(session), remembered: false },
        prepare: async (ids, isNew) => {
          const obstacle = admission?.newSessions()
          if (obstacle) throw obstacle
          const found = registry.codeWorkflow(workflow)
          if (!found) throw new ReinsError('workflow_not_found', `There is no workflow ${workflow}.`)
          const { project, module } = found
          const { affinity: labels = {} } = module
          const pool = poolKey(labels)
          await Promise.all([
            this.#parts.work.ensurePool('exec', pool, labels),
            this.#parts.work.ensurePool('tool', pool, labels),
          ])
          const { started, declared } = this.#beginning(caller, request, {
            ...{ project: project.name, digest: project.digest, file: module.file, pool },
            ...(holding ? { request: { gateway: instance } } : {}),
          })
          if (watching && isNew) {
            watching.session = ids.session
            watching.watch = this.#watch(ids.session, 0, true)
          }
          return (head) => {
            if (head.seq > 0) return { kind: 'unchanged' }
            if (holding) held.hold(ids.session, holding)
            return { kind: 'append', decision: firstFrame(started, undefined, declared) }
          }
        },
        settle: async (ids, done) => {
          const { session } = ids
          const begun = done.kind === 'appended' ? this.#parts.folds.heard(session, done.frame) : undefined
          if (begun) access.learn(session, runAgent(workflow))
          return {
            kind: done.kind === 'appended' ? 'started' : 'unchanged',
            receipt: {
              run: begun ? recordOf(session, begun) : await this.#show(session),
              cursor: encodeCursor(startCursor(session)),
            },
          }
        },
      }
    })
  }

  #beginning(
    caller: Caller,
    { workflow, payload, budget }: StartRun,
    beginning: Readonly<Record<'project' | 'digest' | 'file' | 'pool', string>> & Pick<RunStart, 'request'>,
  ): { readonly started: EventOf<'session.started'>; readonly declared: readonly SessionEvent[] } {
    if (payload !== undefined && JSON.stringify(payload).length > runLimits.valueChars)
      throw new ReinsError(
        'invalid_request',
        `The body is not valid: payload: it has more than ${runLimits.valueChars} characters as JSON. Keep large data elsewhere, and say where it is.`,
      )
    if (budget?.wall_time !== undefined)
      throw new ReinsError(
        'invalid_request',
        'The body is not valid: budget.wall_time: a run has no turns whose time could be limited. Leave it out, and give its steps a timeout.',
      )
    const { started, declared } = runBeginning({
      ...{ ...beginning, workflow, payload, principal: caller.principal },
      ceilings: this.#parts.ceilings,
      budget: narrowest(budgetLimits(budget), this.#parts.budgetCeiling),
    })
    return {
      started: { type: 'session.started', data: started },
      declared: [...declared, ...permittedTools(caller)],
    }
  }

  /** Throws run_not_found. */
  async show(caller: Caller, run: string): Promise<WorkflowRun> {
    const session = await this.#known(caller, run, operations.showRun)
    return this.#show(session)
  }

  async #show(session: string): Promise<WorkflowRun> {
    return recordOf(session, await this.#parts.folds.folded(session))
  }

  /** The record of its end. Throws run_not_found; timed_out and unavailable as a watch of a session does. */
  async ended(caller: Caller, run: string, signal: AbortSignal): Promise<WorkflowRun> {
    const session = await this.#known(caller, run, operations.showRun)
    const { fold } = await this.#parts.folds.folded(session)
    if (fold.head.status === 'ended') return await this.#show(session)
    const watch = this.#watch(session, fold.head.seq, false)
    try {
      return await this.#seen(session, watch, signal)
    } finally {
      watch.close()
    }
  }

  /** Each frame is folded as it is heard: so the end costs no read. `atHead`: as of a watch of a session. */
  #watch(session: string, fromSeq: number, atHead: boolean): SessionWatch<RunEnd> {
    const end = (frame: Frame): RunEnd | undefined => {
      const folded = this.#parts.folds.heard(session, frame)
      return frame.status === 'ended' ? { kind: 'ended', folded } : undefined
    }
    return watchSession(this.#parts, session, fromSeq, end, atHead)
  }

  async #seen(session: string, watch: SessionWatch<RunEnd>, signal: AbortSignal): Promise<WorkflowRun> {
    const id = runIdOf(session)
    const words = {
      late: () => ({ message: `The run ${id} has not ended in time. It goes on.` }),
      leaving: () => ({
        message: `The gateway is shutting down; the run ${id} goes on.`,
        next: `Ask for the run again: GET /v1/runs/${id}?wait=result.`,
      }),
    }
    const end = await watch.seen(words, this.#parts.limits.turnWithinMs, signal)
    if (end.kind !== 'ended') throw errorOf(end)
    return end.folded ? recordOf(session, end.folded) : this.#show(session)
  }

  /** From the index: what has just happened may not be in it. */
  async list(
    caller: Caller,
    { workflow, ...page }: { readonly workflow?: string; readonly limit: number; readonly after?: string },
  ): Promise<RunList> {
    const allowed = authorizeSome(caller, operations.listRuns)
    const request = { ...page, ...(workflow === undefined ? { kind: 'run' as const } : { agent: runAgent(workflow) }) }
    const { sessions, ...more }: SessionList = await fromIndex(this.#parts.call, 'sessions.list', {
      ...request,
      ...onlyOf(allowed),
    })
    return {
      runs: sessions.map(({ id, agent, status, createdAt, lastActivityAt }) => ({
        ...{ runId: runIdOf(id), workflowName: workflowOfAgent(agent) ?? agent },
        ...{ status, startedAt: createdAt, lastActivityAt },
      })),
      ...more,
    }
  }

  /** An event, or the input of a pause. Refused with session_conflict where nothing waits for input. */
  deliver(
    caller: Caller,
    run: string,
    request: DeliverToRun,
    options: WriteOptions = {},
  ): Promise<Outcome<RunDelivered>> {
    const session = sessionOfRun(run)
    const about = async () => ({ session, workflow: await this.#workflowOf(session) })
    return this.#parts.writes.write(caller, operations.deliverToRun, about, options, async () => {
      if (!isSessionId(session)) throw notRun(run)
      return {
        ...{ session, asked: `POST /v1/runs/${session}/deliveries`, body: request },
        ...{ receiptOf: runDelivered, on: undefined },
        prepare: async (ids) => async (head) => {
          if (head.seq === 0) throw notRun(run)
          const { fold } = await this.#parts.folds.folded(session, head.seq)
          const obstacle = undeliverable(fold, request)
          if (obstacle) return refused(obstacle)
          const { event, operation, value } = request
          const position = event === undefined ? waitFor(fold.session, { position: operation })?.position : undefined
          return {
            kind: 'append',
            decision: {
              events: [
                {
                  type: 'run.delivered',
                  data: {
                    delivery: ids.subject,
                    ...(event === undefined ? {} : { event }),
                    ...(position === undefined ? {} : { position }),
                    ...(value === undefined ? {} : { value }),
                  },
                },
              ],
              to: toExec(head.pool),
              status: head.status,
            },
          }
        },
        settle: async (_ids, done) => {
          const { seq, n } = done.kind === 'appended' ? done.frame : done.head
          return {
            kind: done.kind === 'appended' ? 'accepted' : 'unchanged',
            receipt: { runId: runIdOf(session), cursor: encodeCursor({ of: session, tree: false, seq, n, i: -1 }) },
          }
        },
      }
    })
  }

  async #workflowOf(session: string): Promise<string | undefined> {
    const agent = await this.#parts.access.agentOf(session)
    return agent === undefined ? undefined : workflowOfAgent(agent)
  }

  async #known(caller: Caller, run: string, operation: (typeof operations)['showRun']): Promise<string> {
    const session = sessionOfRun(run)
    if (!isSessionId(session)) throw notRun(run)
    await this.#parts.access.authorize(caller, operation, session, { workflow: await this.#workflowOf(session) })
    await this.#parts.appender.existing(session).catch((error: unknown) => {
      throw error instanceof ReinsError && error.code === notFound(session).code ? notRun(run) : error
    })
    return session
  }
}

/** What a watch of a run has seen. `folded`: to its end, where all of it was heard. */
interface RunEnd {
  readonly kind: 'ended'
  readonly folded: Folded | undefined
}

/** Of a run that is started: begun where its first frame goes out. */
interface Watching {
  session: string
  watch: SessionWatch<RunEnd> | undefined
}

/** Throws run_not_found. */
function recordOf(session: string, { fold, info }: Folded): WorkflowRun {
  const record = runOf(fold.session, info)
  if (!record) throw notRun(session)
  return record
}

function undeliverable({ session, head }: Fold, { event, operation, value }: DeliverToRun): ReinsError | undefined {
  const { run, beyond } = session
  if (beyond) return newerDecides(beyond)
  if (!run?.workflow) return notRun(session.id)
  if (run.ended || head.status === 'ended') return new ReinsError('session_ended', 'The run has ended.')
  if (value !== undefined && JSON.stringify(value).length > runLimits.valueChars)
    return new ReinsError(
      'invalid_request',
      `The body is not valid: value: more than ${runLimits.valueChars} characters.`,
    )
  if (event !== undefined && (run.mail?.length ?? 0) >= runLimits.deliveries)
    return new ReinsError('session_conflict', `Already ${runLimits.deliveries} events wait for this run to take them.`)
  if (event === undefined && !waitFor(session, { position: operation }))
    return new ReinsError('session_conflict', 'The run does not wait for input now, or not at this operation.')
  return undefined
}

const notRun = (run: string): ReinsError =>
  new ReinsError('run_not_found', `There is no run ${JSON.stringify(run.slice(0, 80))}.`)

const startedRun = receipts(StartedRunSchema)
const runDelivered = receipts(RunDeliveredSchema)
