// A WebSocket to a workflow: it starts one run, or takes up one that began before, and follows it to its end.
//   WW1. A socket is for one run. A second one is refused, and ends the socket (1008); the run goes on.
//   WW2. `started` is sent when the run is stored; one that is refused has an error frame, and no `started`.
//   WW3. The run is the server's: a socket that is lost ends nothing. Its client goes on with `attach` and the last offset.
//   WW4. The socket closes when the run has ended: 1000 when it completed, 1011 when it did not.
import type { WebSocket } from 'ws'
import { asReinsError } from '../../../api/errors.ts'
import { fault, faultOf } from '../faults.ts'
import type { RunDoor } from '../run-door.ts'
import { badFrame, type Frame, frameSocket } from './frames.ts'
import type { Served } from './project-sockets.ts'

/** A run, and where its events are read from. */
interface Taken {
  readonly runId: string
  readonly after: string | undefined
}

export function serveWorkflowSocket(socket: WebSocket, runs: RunDoor, { grant, target, may }: Served): void {
  const { name } = grant
  /** The frame that the socket's run began with. */
  let mine: string | undefined
  let runId: string | undefined
  const frames = frameSocket(socket, ['invoke', 'attach', 'abort'], ({ type, requestId, fields }) => {
    if (type === 'abort') void abort(requestId)
    else if (mine !== undefined) {
      const message = 'This connection has its run already: open another one for another run.'
      frames.refuse({ requestId }, fault(400, 'invalid_request', message)) // WW1
      socket.close(1008, 'One run per connection')
    } else {
      const taking = type === 'invoke' ? invoked(fields) : attached(fields)
      mine = requestId
      void follow(requestId, taking)
    }
  })
  frames.send({ type: 'ready', target: 'workflow', name })

  /** Throws what the frame is refused with. */
  function invoked({ payload, idempotencyKey, ...others }: Frame<string>['fields']): () => Promise<Taken> {
    known(others)
    if (idempotencyKey !== undefined && typeof idempotencyKey !== 'string')
      throw badFrame('idempotencyKey: must be a text')
    return async () => {
      const started = await runs.begin(may(), { workflow: name, payload: payload ?? {}, key: idempotencyKey })
      return { runId: started.runId, after: started.cursor }
    }
  }

  function attached({ runId: run, offset, ...others }: Frame<string>['fields']): () => Promise<Taken> {
    known(others)
    if (typeof run !== 'string' || run.trim() === '') throw badFrame('runId: must be a text that is not blank')
    if (offset !== undefined && typeof offset !== 'string') throw badFrame('offset: must be a text')
    return async () => {
      await runs.mustOwn(target.project, may(), run, name)
      return { runId: run, after: offset }
    }
  }

  async function follow(requestId: string, take: () => Promise<Taken>): Promise<void> {
    try {
      const taken = await take()
      runId = taken.runId
      const about = { requestId, runId }
      const caller = may()
      const events = await runs.follow(caller, taken.runId, taken.after)
      frames.send({ type: 'started', ...about }) // WW2
      let index = 0
      for await (const one of events) {
        if (!frames.open) return
        if (one.kind === 'heartbeat') socket.ping()
        else if (one.kind === 'failed') {
          frames.refuse(about, one.fault)
          return socket.close(1011, 'The events of the run cannot be read')
        } else if (one.kind === 'event') {
          const { cursor: offset, ...event } = one.event
          frames.send({ type: 'event', ...about, offset, event: { ...event, runId, eventIndex: index } })
          index += 1
        } else {
          const end = await runs.end(caller, taken.runId)
          if (end.kind === 'fault') {
            frames.refuse(about, end.fault)
            return socket.close(1011, 'Workflow failed') // WW4
          }
          frames.send({ type: 'result', ...about, offset: one.cursor, result: end.result })
          return socket.close(1000, 'Workflow completed')
        }
        if (frames.stuck) return socket.terminate()
      }
    } catch (error) {
      frames.refuse({ requestId, ...(runId === undefined ? {} : { runId }) }, faultOf(asReinsError(error)))
      socket.close(1011, 'Workflow failed')
    }
  }

  async function abort(requestId: string): Promise<void> {
    try {
      if (requestId !== mine || runId === undefined) throw badFrame('no run of this requestId runs here')
      await runs.cancel(may(), runId)
    } catch (error) {
      frames.refuse({ requestId }, faultOf(asReinsError(error)))
    }
  }
}

function known(others: object): void {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw badFrame(`unknown field ${JSON.stringify(unknown.slice(0, 100))}`)
}
