// A WebSocket to an agent's instance, in the frames that clients of Flue speak.
//   AW1. The middleware is asked before the upgrade: what it refuses is answered in HTTP.
//   AW2. Prompts of one socket run one after the other; a ping and an abort do not wait behind them.
//   AW3. A frame that is not understood is answered with an error frame, and the socket goes on. Binary frames end it.
//   AW4. `started` is sent with the first event of a prompt; one that is refused has an error frame alone.
import { isMapping, instanceSessionId, ReinsError } from '@reins/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { asReinsError } from '../../api/errors.ts'
import { parseJson } from '../http/json.ts'
import { anyPath } from '../http/server.ts'
import { type AgentDoor, faultOfTurn, messageOf, type Prompt, resultOf } from './agent-door.ts'
import type { AppDoor, UpgradeAnswer } from './app-door.ts'
import { appCaller, sessionNameOf } from './asked.ts'
import { faultOf, type Fault } from './faults.ts'

type Granted = Extract<UpgradeAnswer, { kind: 'granted' }>

const mostBytes = 1024 * 1024
const mostWaiting = 64

export function addAppSockets(app: FastifyInstance, apps: AppDoor, door: AgentDoor): void {
  const granted = new WeakMap<FastifyRequest, Granted>()
  app.route({
    method: 'GET',
    url: anyPath,
    preHandler: async (request, reply) => {
      const target = request.ws ? apps.targetOf(request.raw.url ?? '') : undefined
      if (!target) return reply.callNotFound()
      const gone = new AbortController()
      request.raw.socket.once('close', () => gone.abort(new Error('the client is gone')))
      const answer = await apps.upgrade(target, request.raw, gone.signal) // AW1
      if (answer.kind === 'refused')
        return reply.code(answer.status).header('content-type', answer.type).send(answer.body)
      granted.set(request, answer)
    },
    handler: (_request, reply) => reply.callNotFound(),
    wsHandler: (socket, request) => {
      const grant = granted.get(request)
      if (grant) serveAgentSocket(socket, door, grant)
      else socket.terminate()
    },
  })
}

interface Frame {
  readonly type: string
  readonly requestId: string
  readonly fields: Readonly<Record<string, unknown>>
}

function serveAgentSocket(socket: WebSocket, door: AgentDoor, { grant, target }: Granted): void {
  const caller = appCaller(target.project, grant.principal)
  const { name, instance } = grant
  const running = new Map<string, { session: string | undefined }>()
  let waiting = 0
  let tail: Promise<void> = Promise.resolve()
  const send = (frame: object): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ version: 1, ...frame }))
  }
  const refuse = (requestId: string | undefined, { error }: Fault): void =>
    send({ type: 'error', ...(requestId === undefined ? {} : { requestId }), error })

  socket.on('message', (data, binary) => {
    if (socket.readyState !== socket.OPEN) return
    if (binary) {
      refuse(undefined, faultOf(new ReinsError('invalid_request', 'Binary messages are not supported.')))
      return socket.close(1003, 'Binary messages are not supported')
    }
    const text = String(data)
    if (text.length > mostBytes) return socket.close(1009, 'Messages have at most 1 MiB')
    let requestId: string | undefined
    try {
      const value = parseJson(text, 'message')
      if (isMapping(value) && typeof value.requestId === 'string') requestId = value.requestId
      take(frameOf(value))
    } catch (error) {
      const known = asReinsError(error)
      refuse(
        requestId,
        faultOf(known.code === 'invalid_json' ? new ReinsError('invalid_request', known.message) : known),
      )
    }
  })
  send({ type: 'ready', target: 'agent', name, instanceId: instance })

  function take({ type, requestId, fields }: Frame): void {
    if (type === 'ping') send({ type: 'pong', ...(requestId === '' ? {} : { requestId }) })
    else if (type === 'abort') void abort(requestId)
    else queue(requestId, fields)
  }

  function queue(requestId: string, fields: Frame['fields']): void {
    const { message, session, idempotencyKey } = fields
    const prompt: Prompt = {
      ...{ agent: name, instance, session: sessionNameOf(session), message: messageOf(message) },
      ...(typeof idempotencyKey === 'string' ? { key: idempotencyKey } : {}),
    }
    if (waiting >= mostWaiting)
      throw new ReinsError('too_many_requests', `${mostWaiting} prompts wait on this connection already.`)
    waiting += 1
    tail = tail.then(async () => {
      await run(requestId, prompt).catch((error: unknown) => refuse(requestId, faultOf(asReinsError(error))))
      waiting -= 1
    })
  }

  async function run(requestId: string, prompt: Prompt): Promise<void> {
    if (socket.readyState !== socket.OPEN) return
    running.set(requestId, prompt)
    try {
      const accepted = await door.accept(caller, prompt)
      const about = { instanceId: instance, session: prompt.session ?? 'default' }
      let index = 0
      for await (const one of await door.follow(caller, accepted)) {
        if (socket.readyState !== socket.OPEN) return
        if (one.kind === 'heartbeat') socket.ping()
        else if (one.kind === 'event') {
          if (index === 0) send({ type: 'started', requestId }) // AW4
          const { cursor: offset, ...event } = one.event
          send({ type: 'event', requestId, offset, event: { ...event, ...about, eventIndex: index } })
          index += 1
        } else {
          const failed = one.kind === 'failed' ? one.fault : faultOfTurn(one.turn)
          if (failed) refuse(requestId, failed)
          else if (one.kind === 'ended')
            send({ type: 'result', requestId, offset: one.cursor, result: resultOf(accepted, one.turn) })
        }
        if (socket.bufferedAmount > mostBytes) return socket.terminate()
      }
    } finally {
      running.delete(requestId)
    }
  }

  async function abort(requestId: string): Promise<void> {
    try {
      const session = running.get(requestId)?.session
      if (!running.has(requestId))
        throw new ReinsError('invalid_request', 'The frame is not valid: no prompt of this requestId runs here.')
      await door.cancel(caller, instanceSessionId(name, instance, session ?? 'default'))
    } catch (error) {
      refuse(requestId, faultOf(asReinsError(error)))
    }
  }
}

/** AW3. Throws invalid_request. */
function frameOf(value: unknown): Frame {
  const bad = (why: string) => new ReinsError('invalid_request', `The frame is not valid: ${why}.`)
  if (!isMapping(value)) throw bad('it must be a JSON object')
  const { version, type, requestId, ...fields } = value
  if (version !== 1) throw bad('version: must be 1')
  if (type !== 'prompt' && type !== 'ping' && type !== 'abort') throw bad('type: must be prompt, abort or ping')
  if (requestId === undefined && type === 'ping') return { type, requestId: '', fields }
  if (typeof requestId !== 'string' || requestId.trim() === '' || requestId.length > 256)
    throw bad('requestId: must be a text that is not blank, of at most 256 characters')
  return { type, requestId, fields }
}
