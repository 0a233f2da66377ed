// WebSockets to the agents and workflows of a project, in the frames that clients of Flue speak.
//   PS1. The middleware is asked before the upgrade: what it refuses is answered in HTTP.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { anyPath } from '../../http/server.ts'
import type { AgentDoor } from '../agent-door.ts'
import type { AppDoor, UpgradeAnswer } from '../app-door.ts'
import type { RunDoor } from '../run-door.ts'
import { serveAgentSocket } from './agent-socket.ts'
import { serveWorkflowSocket } from './workflow-socket.ts'

export type Granted = Extract<UpgradeAnswer, { kind: 'granted' }>

export function addProjectSockets(app: FastifyInstance, apps: AppDoor, door: AgentDoor, runs: RunDoor): void {
  const granted = new WeakMap<FastifyRequest, Granted>()
  app.route({
    method: 'GET',
    url: anyPath,
    preHandler: async (request, reply) => {
      const target = request.ws ? apps.targetOf(request.raw.url ?? '') : undefined
      if (!target) return reply.callNotFound()
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
      if (!given) socket.terminate()
      else if (given.grant.target === 'agent') serveAgentSocket(socket, door, given)
      else serveWorkflowSocket(socket, runs, given)
    },
  })
}
