// WebSockets to the agents and workflows of a project, in the frames that clients of Flue speak.
//   PS1. The middleware is asked before the upgrade: what it refuses is answered in HTTP.
//   PS2. Nobody asks for a token of Reins here, so sockets, and what waits on all of them, are bounded for the gateway as a whole.
//   PS3. A socket is good for as long as its project offers what it was opened for: each frame that begins something is checked again, and
//        soon after that the socket is told so and closed (1008), with what it follows.
import { ReinsError } from '@reins/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller } from '../../../api/caller.ts'
import { anyPath } from '../../http/server.ts'
import type { AgentDoor } from '../agent-door.ts'
import type { AppDoor, UpgradeAnswer } from '../app-door.ts'
import type { RunDoor } from '../run-door.ts'
import { serveAgentSocket } from './agent-socket.ts'
import { WaitingRoom } from './waiting-room.ts'
import { serveWorkflowSocket } from './workflow-socket.ts'

export type Granted = Extract<UpgradeAnswer, { kind: 'granted' }>

export interface Served extends Granted {
  /** PS3. Who acts on this socket; throws where the project does not offer it any more. */
  may(): Caller
}

export interface SocketBounds {
  readonly maxSockets: number
  /** Of this gateway. */
  readonly open: { readonly size: number }
}

/** In characters: what prompts that wait may hold, of all sockets. */
const mostWaiting = 128 * 1024 * 1024

export function addProjectSockets(
  app: FastifyInstance,
  apps: AppDoor,
  door: AgentDoor,
  runs: RunDoor,
  { maxSockets, open }: SocketBounds,
): void {
  const waiting = new WaitingRoom(mostWaiting)
  const granted = new WeakMap<FastifyRequest, Granted>()
  app.route({
    method: 'GET',
    url: anyPath,
    preHandler: async (request, reply) => {
      const target = request.ws ? apps.targetOf(request.raw.url ?? '') : undefined
      if (!target) return reply.callNotFound()
      if (open.size >= maxSockets)
        throw new ReinsError('too_many_streams', `The gateway holds ${open.size} WebSockets, as many as it may.`) // PS2
      const gone = new AbortController()
      request.raw.socket.once('close', () => gone.abort(new Error('the client is gone')))
      const answer = await apps.upgrade(target, request.raw, gone.signal) // PS1
      if (answer.kind === 'refused')
        return reply.code(answer.status).header('content-type', answer.type).send(answer.body)
      granted.set(request, answer)
    },
    handler: (_request, reply) => reply.callNotFound(),
    wsHandler: (socket, request) => {
      const given = granted.get(request)
      if (!given) return socket.terminate()
      const letGo = apps.hold(given, ({ error }) => {
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ version: 1, type: 'error', error }))
        socket.close(1008, 'Not offered any more')
      })
      socket.once('close', letGo) // PS3
      if (given.grant.target === 'agent')
        serveAgentSocket(socket, door, { ...given, waiting, may: () => apps.callerOf(given) })
      else serveWorkflowSocket(socket, runs, { ...given, may: () => apps.callerOf(given) })
    },
  })
}
