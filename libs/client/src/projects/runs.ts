// Runs of workflows as typed calls. A run is a session: its events, its tree and its cancel are the session's.
import type { DeliverToRun, RunDelivered, RunList, StartedRun, StartRun, WorkflowRun } from '@reins/contracts'
import { answers } from '../answers.ts'
import { keyHeader, type Transport, type WriteOptions } from '../transport/transport.ts'

export interface RunCalls {
  /** It is durable when this answers. */
  start(body: StartRun, options?: WriteOptions): Promise<StartedRun>
  /** `run`: with or without `run_`, here and below. ReinsError run_not_found. */
  get(run: string): Promise<WorkflowRun>
  /** Answers when it has ended; ReinsError timed_out where that takes longer than the server waits. */
  ended(run: string, options?: Pick<WriteOptions, 'signal'>): Promise<WorkflowRun>
  /** From an index that may be some moments old. */
  list(query?: { workflow?: string; limit?: number; after?: string }): Promise<RunList>
  /** An event, or the input of a pause. ReinsError session_conflict where nothing waits for input. */
  deliver(run: string, body: DeliverToRun, options?: WriteOptions): Promise<RunDelivered>
}

export function runCalls(transport: Transport): RunCalls {
  const path = '/v1/runs'
  const at = (run: string): string => `${path}/${encodeURIComponent(run)}`
  const post = <T>(to: string, body: unknown, form: Parameters<Transport['json']>[1], write: WriteOptions = {}) =>
    transport.json<T>({ method: 'POST', path: to, body, headers: keyHeader(write), signal: write.signal }, form)
  return {
    start: (body, write) => post(path, body, answers.runStarted, write),
    get: (run) => transport.json({ method: 'GET', path: at(run) }, answers.run),
    ended: (run, { signal } = {}) =>
      transport.json({ method: 'GET', path: at(run), query: { wait: 'result' }, patient: true, signal }, answers.run),
    list: (query = {}) => transport.json({ method: 'GET', path, query }, answers.runs),
    deliver: (run, body, write) => post(`${at(run)}/deliveries`, body, answers.runDelivered, write),
  }
}
