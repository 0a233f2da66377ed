// What is asked of a workflow by its route, and of its runs.
//   RD1. A run is accepted by the same function as over /v1: it is stored before it is answered, and nothing of it ran before.
//   RD2. A run is shown to the project whose workflow it is of; for any other it is not there.
import {
  type HeldRequest,
  isSessionId,
  type ProjectEntry,
  ReinsError,
  sessionOfRun,
  type StreamItem,
  type WorkflowRun,
} from '@reins/contracts'
import type { Api } from '../../api/api.ts'
import type { Caller } from '../../api/caller.ts'
import { errorOf, firstOf } from '../../api/outcomes.ts'
import type { Opening, Streams } from '../../streams/streams.ts'
import { sseFrame } from './agent-door.ts'
import { type Asked, bodyOf } from './asked.ts'
import { eventsAnswer, faultAnswer, type GatewayAnswer, jsonAnswer } from './bodies.ts'
import { type Fault, fault, faultOf } from './faults.ts'
import { type FlueEvent, flueEvents } from './flue-events.ts'
import { ItemsSink } from './items-sink.ts'

export interface RunDoorParts {
  readonly api: Pick<Api, 'runs' | 'reads' | 'writes'>
  readonly streams: Pick<Streams, 'open'>
}

/** The API ends a page after 4 MB, too. */
const mostEvents = 1000

/** Of a run, as its clients follow it. */
export type RunEvent =
  | { readonly kind: 'event'; readonly event: FlueEvent }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'ended'; readonly cursor: string }
  | { readonly kind: 'failed'; readonly fault: Fault }

interface Beginning {
  readonly workflow: string
  readonly payload: unknown
  readonly key?: string | undefined
  readonly trace?: string | undefined
  /** For `ctx.req`. */
  readonly request?: HeldRequest | undefined
}

/** A run that is stored. */
interface Begun {
  readonly runId: string
  readonly cursor: string
}

export class RunDoor {
  readonly #parts: RunDoorParts
  constructor(parts: RunDoorParts) {
    this.#parts = parts
  }

  /** RD2. undefined: there is no such run of this project. */
  async ownerOf({ name }: ProjectEntry, caller: Caller, id: string): Promise<string | undefined> {
    try {
      const run = await this.#parts.api.runs.show(caller, id)
      return run.project === name ? run.workflowName : undefined
    } catch (error) {
      if (error instanceof ReinsError && error.code !== 'unavailable') return undefined
      throw error
    }
  }

  /** RD2. Throws run_not_found where it is no run of this workflow. */
  async mustOwn(project: ProjectEntry, caller: Caller, id: string, workflow: string): Promise<void> {
    if ((await this.ownerOf(project, caller, id)) !== workflow)
      throw new ReinsError('run_not_found', 'There is no such run here.')
  }

  /** RD1. Throws what it is refused with. */
  async begin(caller: Caller, { workflow, payload, request, ...asked }: Beginning): Promise<Begun> {
    const options = optionsOf(asked)
    const outcome = await this.#parts.api.runs.start(caller, { workflow, payload }, options, request)
    if (outcome.kind === 'refused') throw errorOf(outcome)
    const { run, cursor } = firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome).receipt
    return { runId: run.runId, cursor }
  }

  /** What has happened behind `after`, what happens, and the end of the run as the last one. */
  async follow(caller: Caller, run: string, after: string | undefined): Promise<AsyncIterable<RunEvent>> {
    const session = sessionOfRun(run)
    if (!isSessionId(session)) throw new ReinsError('run_not_found', 'There is no such run here.')
    const opening = await this.#parts.streams.open(caller, { session, after, deltas: true, tree: false })
    return runEvents(opening)
  }

  /** Of a run that has ended. `fault`: it did not end well. */
  async end(
    caller: Caller,
    run: string,
  ): Promise<
    { readonly kind: 'result'; readonly result: unknown } | { readonly kind: 'fault'; readonly fault: Fault }
  > {
    const ended = await this.#parts.api.runs.show(caller, run)
    const failed = faultOfRun(ended)
    return failed ? { kind: 'fault', fault: failed } : { kind: 'result', result: ended.result ?? null }
  }

  /** Whether there was anything to cancel. Throws what it is refused with. */
  async cancel(caller: Caller, run: string): Promise<boolean> {
    const outcome = await this.#parts.api.writes.control(caller, sessionOfRun(run), 'cancel')
    if (outcome.kind === 'refused') throw errorOf(outcome)
    return firstOf(outcome.kind === 'turn-ended' ? outcome.settled : outcome).kind !== 'unchanged'
  }

  /** `POST /workflows/:name`. RD1. */
  async start(caller: Caller, asked: Asked, signal: AbortSignal): Promise<GatewayAnswer> {
    const { wait } = asked.query
    if (wait !== undefined && wait !== 'result' && wait !== 'accepted')
      throw new ReinsError('invalid_request', 'The query is not valid: wait: must be result or accepted.')
    const { method, sent, body } = asked
    const { request, ...beginning } = {
      ...{ workflow: asked.name, payload: bodyOf(asked), request: sent && { ...sent, method, body } },
      ...{ key: asked.headers['idempotency-key'], trace: asked.headers.traceparent },
    }
    const streamed = /text\/event-stream/i.test(asked.headers.accept ?? '')
    if (wait === 'result' && !streamed) {
      const { workflow, payload } = beginning
      const options = optionsOf(beginning)
      const started = await this.#parts.api.runs.startToEnd(caller, { workflow, payload }, options, signal, request)
      const ended = started.run
      const { runId } = ended
      const id = idHeader(runId)
      const failed = faultOfRun(ended)
      if (failed) return { ...faultAnswer(failed), headers: [['content-type', 'application/json; charset=utf-8'], id] }
      return jsonAnswer(200, { result: ended.result ?? null, runId, _meta: { runId } }, [id])
    }
    const { runId, cursor } = await this.begin(caller, { ...beginning, request })
    const id = idHeader(runId)
    if (streamed) return this.#streamed(caller, runId, cursor, [id])
    const streamUrl = asked.url.replace(/\/workflows\/[^/]*$/, `/runs/${runId}/stream`)
    return jsonAnswer(202, { status: 'accepted', runId, streamUrl, offset: cursor }, [id, ['location', streamUrl]])
  }

  /** `GET /runs/:id`. */
  async record(caller: Caller, run: string): Promise<GatewayAnswer> {
    return jsonAnswer(200, recordOf(await this.#parts.api.runs.show(caller, run)))
  }

  /** `GET /runs/:id/events?after&limit&types`. */
  async events(caller: Caller, run: string, { query }: Asked): Promise<GatewayAnswer> {
    const limit = query.limit === undefined ? 100 : Number(query.limit)
    if (!Number.isInteger(limit) || limit < 1 || limit > mostEvents)
      throw new ReinsError('invalid_request', `The query is not valid: limit: must be from 1 to ${mostEvents}.`)
    const page = await this.#parts.api.reads.page(caller, sessionOfRun(run), query.after, limit, false)
    const types = query.types?.split(',')
    const events = page.events
      .flatMap((event) => flueEvents(event as StreamItem))
      .filter(({ type }) => types === undefined || types.includes(type))
    return jsonAnswer(200, { events, next: page.cursor, more: page.more })
  }

  /** `GET /runs/:id/stream`: what has happened, what happens, and an end behind `run_end`. */
  stream(caller: Caller, run: string, asked: Asked): Promise<GatewayAnswer> {
    return this.#streamed(caller, run, asked.headers['last-event-id'] ?? asked.query.offset, [])
  }

  async #streamed(
    caller: Caller,
    run: string,
    after: string | undefined,
    headers: readonly (readonly [string, string])[],
  ): Promise<GatewayAnswer> {
    return eventsAnswer(sseOfRun(await this.follow(caller, run, after), run), headers)
  }
}

const idHeader = (runId: string) => ['x-flue-run-id', runId] as const

const optionsOf = ({ key, trace }: Pick<Beginning, 'key' | 'trace'>) => ({
  ...(key === undefined ? {} : { key }),
  ...(trace === undefined ? {} : { trace }),
})

async function* runEvents(opening: Opening): AsyncGenerator<RunEvent> {
  const sink = new ItemsSink()
  opening.start(sink)
  for await (const heard of sink) {
    if (heard.kind === 'heartbeat') yield heard
    else if (heard.kind === 'failed') {
      yield { kind: 'failed', fault: faultOf(heard.error) }
      return
    } else
      for (const event of flueEvents(JSON.parse(heard.item.json) as StreamItem)) {
        yield { kind: 'event', event }
        if (event.type !== 'run_end') continue
        yield { kind: 'ended', cursor: event.cursor }
        return
      }
  }
  yield { kind: 'failed', fault: fault(503, 'runtime_unavailable', 'The gateway is shutting down.') }
}

async function* sseOfRun(events: AsyncIterable<RunEvent>, runId: string): AsyncGenerator<string> {
  yield ': open\n\n'
  for await (const one of events) {
    if (one.kind === 'heartbeat') yield ': heartbeat\n\n'
    else if (one.kind === 'failed')
      yield `event: error\ndata: ${JSON.stringify({ type: 'error', runId, error: one.fault.error })}\n\n`
    else if (one.kind === 'event') {
      const { cursor, ...event } = one.event
      yield sseFrame(event.type as string, cursor, { ...event, runId })
    }
  }
}

function faultOfRun({ status, error, runId }: WorkflowRun): Fault | undefined {
  if (status === 'completed') return undefined
  const failed =
    status === 'cancelled'
      ? fault(409, 'aborted', `The run ${runId} was cancelled.`)
      : fault(500, 'workflow_failed', error?.message ?? `The run ${runId} failed.`)
  return { ...failed, error: { ...failed.error, details: { runId } } }
}

/** As clients of Flue know it. */
function recordOf({ startedAt, endedAt, ...run }: WorkflowRun): object {
  return {
    ...run,
    startedAt: new Date(startedAt).toISOString(),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt).toISOString() }),
  }
}
