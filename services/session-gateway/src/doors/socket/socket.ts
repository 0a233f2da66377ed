// The WebSocket door: StreamItems out, SocketCommands in, one reply for each command, in order.
//   S1. What is wrong before the upgrade is answered in HTTP; after it, in a reply.
//   S2. Commands of one socket run one after the other; while many wait, or large ones, nothing more is read from it.
//   S3. A client that sends and does not read its replies is cut off like any other slow reader: they wait in memory.
//   S4. After a message that is refused for its form nothing more is heard from this socket.
//   S5. Each command is checked with what its sender may at that moment, not with what it might when the socket was opened.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import { errorTable, isMapping, maxMessageBodyBytes, ReinsError, rootOf, SocketCommand } from '@reins/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { RawData, WebSocket } from 'ws'
import type { Api } from '../../api/api.ts'
import { asOfNow, type Caller } from '../../api/caller.ts'
import { asReinsError } from '../../api/errors.ts'
import { tooLarge } from '../../api/sessions/message-content.ts'
import type { Opening, Streams } from '../../streams/streams.ts'
import { checker } from '../http/check.ts'
import { parseJson } from '../http/json.ts'
import { answered, controlAnswer, messageAnswer, writeStatuses } from '../http/outcomes.ts'
import type { Route } from '../http/route.ts'
import { socketRoute } from '../http/routes/sessions.ts'
import { admit, type HttpOptions } from '../http/server.ts'
import { waitingRequest } from '../http/routes/waiting-lists.ts'
import { OpenSockets } from './open-sockets.ts'
import { socketSink } from './socket-sink.ts'

/** One message from a client, in bytes; and one that shows images. */
const maxMessageBytes = 1_000_000
const maxWithImages = maxMessageBodyBytes
/** Above it the connection is cut by the protocol (1009) without being read to its end. */
const hardLimitBytes = maxWithImages + 1_000_000
const maxWaiting = 64
/** Of all sockets. */
const mostUnfinished = { maxBytes: 128 * 1024 * 1024, wholeWithinMs: 60_000, silentMs: 90_000 }

interface Admitted {
  readonly caller: Caller
  readonly session: string
  readonly opening: Opening
}

/** Registers the plugin; call before any route is added. Ends with the app. */
export async function acceptSockets(app: FastifyInstance, lookEveryMs: number): Promise<OpenSockets> {
  await app.register(websocket, {
    options: {
      maxPayload: hardLimitBytes,
      // A browser offers its token as a protocol beside this one: only this one is ever named in an answer.
      handleProtocols: (offered: Set<string>) => offered.has('reins') && 'reins',
    },
    errorHandler: (_error: Error, socket: WebSocket) => socket.terminate(),
  })
  const open = new OpenSockets({ ...mostUnfinished, now: () => performance.now() })
  app.websocketServer.on('connection', (socket: WebSocket, request: IncomingMessage) =>
    open.watch(socket, request.socket),
  )
  const looks = setInterval(() => open.look(), lookEveryMs)
  looks.unref()
  app.addHook('onClose', async () => clearInterval(looks))
  return open
}

export function addSocketRoute(app: FastifyInstance, api: Api, streams: Streams, options: HttpOptions): Route {
  const params = checker(socketRoute.params, 'path', { texts: true })
  const query = checker(socketRoute.query, 'query', { texts: true })
  const admitted = new WeakMap<FastifyRequest, Admitted>()
  const described: Route = {
    ...socketRoute,
    run: () => Promise.reject(new ReinsError('invalid_request', 'This route needs an upgrade to a WebSocket.')),
  }
  app.route({
    method: 'GET',
    url: socketRoute.path,
    preHandler: async (request) => {
      const caller = await admit(described, request, options)
      if (!request.ws) throw new ReinsError('invalid_request', 'This route needs an upgrade to a WebSocket.') // S1
      const { id } = params.parse(request.params)
      const { after, deltas = true, tree = false } = query.parse(request.query)
      admitted.set(request, {
        caller,
        session: id,
        opening: await streams.open(caller, { session: id, after, deltas, tree }),
      })
    },
    handler: () => Promise.reject(new ReinsError('invalid_request')),
    wsHandler: (socket, request) => {
      const given = admitted.get(request)
      if (!given) return socket.terminate()
      serveSocket(socket, request.raw.socket, api, { streams, attended: options.attended }, given)
    },
  })
  return described
}

const forms = SocketCommand.anyOf
const kindForm = checker(
  Type.Object({ type: Type.Union(forms.map(({ properties: { type } }) => type as TSchema)) }),
  'command',
)
/** By their types, so that what is wrong is said of that form alone. */
const parsers = new Map<unknown, { parse(value: unknown): SocketCommand }>(
  forms.flatMap((form) => {
    const { type } = form.properties
    const parser = checker(form, 'command')
    return ('const' in type ? [type] : type.anyOf).map((one) => [one.const, parser] as const)
  }),
)

function parseCommand(value: unknown): SocketCommand {
  const { type } = kindForm.parse(value)
  const parser = parsers.get(type)
  if (!parser) throw new ReinsError('invalid_request')
  return parser.parse(value)
}

/** Of a command: it is checked by what answers it. */
const reading = { needs: [], about: {}, reads: true }

function serveSocket(
  socket: WebSocket,
  connection: Socket,
  api: Api,
  { streams, attended }: { readonly streams: Streams } & Pick<HttpOptions, 'attended'>,
  { caller: opener, session, opening }: Admitted,
): void {
  const sink = socketSink(socket, connection)
  let waiting = 0
  let waitingBytes = 0
  let refused = false
  let deaf = false
  let tail: Promise<void> = Promise.resolve()
  socket.on('message', (data, binary) => {
    if (refused) return
    if (binary)
      return refuse(1003, new ReinsError('invalid_request', 'The server takes no binary messages: send JSON as text.'))
    const size = sizeOf(data)
    if (size > maxWithImages) return refuse(1009, tooLarge('message', size, maxWithImages))
    waiting += 1
    waitingBytes += size
    if (waiting >= maxWaiting || waitingBytes > maxMessageBytes) socket.pause() // S2
    tail = tail
      .then(() => answer(String(data), size))
      .then(() => {
        waiting -= 1
        waitingBytes -= size
        if (socket.bufferedAmount > streams.maxBufferedBytes)
          cutOff() // S3
        else if (waiting < maxWaiting / 2 && waitingBytes <= maxMessageBytes && socket.isPaused) socket.resume()
      })
  })
  opening.start(sink)

  function cutOff(): void {
    if (refused) return
    refused = true
    streams.countSlow()
    sink.fail(new ReinsError('slow_consumer', errorTable.slow_consumer.meaning))
  }

  function refuse(code: number, error: ReinsError): void {
    refused = true
    reply(undefined, { ok: false, error: error.body() })
    socket.close(code, error.code)
  }

  function reply(ref: string | undefined, body: object): void {
    if (socket.readyState === socket.OPEN)
      socket.send(JSON.stringify({ type: 'reply', ...(ref === undefined ? {} : { ref }), ...body }))
  }

  async function answer(text: string, size: number): Promise<void> {
    if (deaf) return // S4
    let ref: string | undefined
    try {
      const value = size > maxMessageBytes ? withImages(text) : parseJson(text, 'message')
      if (value === undefined) {
        deaf = true
        return refuse(1009, tooLarge('message', size, maxMessageBytes))
      }
      ref = refOf(value)
      const command = parseCommand(value)
      const { status, body } = await run(command)
      reply(ref, { ok: true, status, value: body })
    } catch (error) {
      const known = asReinsError(error)
      if (known.code === 'forbidden') {
        const { permission } = (known.details ?? {}) as { readonly permission?: string }
        const from = connection.remoteAddress ?? '-'
        api.access.denied({ principal: opener.principal, operation: 'a command of a socket', permission, from })
      }
      reply(ref, { ok: false, error: known.body() })
    }
  }

  /** Nobody answers in another tree by this socket: it shows nothing of that. */
  function ofTree(whose: string): string {
    if (rootOf(whose) === rootOf(session)) return whose
    throw new ReinsError('invalid_request', `The session ${whose} is not of the tree of ${session}.`)
  }

  /** The status is the one that the same request has over HTTP. */
  async function run(command: SocketCommand): Promise<{ readonly status: number; readonly body: unknown }> {
    const caller = asOfNow(opener) // S5
    if (command.type === 'decide') {
      const { type: _type, ref: _ref, session: whose = session, call, ...decision } = command
      return answered(await api.approvals.decide(caller, ofTree(whose), call, decision), writeStatuses)
    }
    if (command.type === 'answer') {
      const { type: _type, ref: _ref, session: whose = session, ...answer } = command
      return answered(
        await api.elicitations.answer(caller, ofTree(whose), answer.elicitation_id, answer),
        writeStatuses,
      )
    }
    switch (command.type) {
      case 'approvals':
      case 'elicitations': {
        const page = command.after === undefined ? {} : { after: command.after }
        const request = waitingRequest({ tree: session, ...page })
        const list = (): Promise<unknown> =>
          command.type === 'approvals' ? api.approvals.list(caller, request) : api.elicitations.listAll(caller, request)
        return { status: 200, body: await attended.answered(caller, reading, list) }
      }
      case 'grants': {
        const whose = ofTree(command.session ?? session)
        const grants = await attended.answered(caller, reading, () => api.approvals.grants(caller, whose))
        return { status: 200, body: { grants } }
      }
      case 'revoke':
        return answered(
          await api.approvals.revoke(caller, ofTree(command.session ?? session), command.grant),
          writeStatuses,
        )
      default:
    }
    if (command.type !== 'message') {
      const options = command.type === 'pause' && command.tree ? { tree: true } : {}
      return controlAnswer(await api.writes.control(caller, session, command.type, options))
    }
    const { type: _type, ref: _ref, idempotencyKey, ...message } = command
    const asking = idempotencyKey === undefined ? {} : { key: idempotencyKey }
    return messageAnswer(await api.writes.send(caller, session, message, asking))
  }
}

/** undefined: it shows none. */
function withImages(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isMapping(value) && value.type === 'message' && Array.isArray(value.images) ? value : undefined
  } catch {
    return undefined
  }
}

const refOf = (value: unknown): string | undefined => {
  const ref = typeof value === 'object' && value !== null ? (value as { ref?: unknown }).ref : undefined
  return typeof ref === 'string' && ref.length <= 128 ? ref : undefined
}

const sizeOf = (data: RawData): number =>
  Array.isArray(data) ? data.reduce((size, part) => size + part.length, 0) : data.byteLength
