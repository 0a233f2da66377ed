// Agents: written through the registry service, read from the view of its stream, so reading works while it is away.
import {
  Agent,
  AgentAnswer,
  AgentBody,
  AgentList,
  AgentName,
  type PutAgentResult,
  type PutCondition,
  ReinsError,
  type Reply,
  serviceSubject,
} from '@reins/contracts'
import { type Static, Type } from 'typebox'
import type { GatewayConfig } from '../../ports.ts'
import { json, type Route, route, YamlBody } from './route.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ name: AgentName }, closed)
/** ms to wait until this gateway has seen what it has just written. */
const seenWithinMs = 2000

type AgentParts = Pick<GatewayConfig, 'registry' | 'call'>

export function agentRoutes({ registry, call }: AgentParts): readonly Route[] {
  async function ask<T>(verb: string, request: unknown): Promise<T> {
    const reply: Reply<T> = await call<T>(serviceSubject('registry', verb), request)
    if (!reply.ok) {
      const { code, message, details, next } = reply.error
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
    if (reply.seq !== undefined) await registry.waitFor(reply.seq, seenWithinMs)
    return reply.value
  }

  return [
    route({
      method: 'PUT',
      path: '/v1/agents/:name',
      summary: 'Create, update or apply an agent',
      tag: 'agents',
      permission: 'agents:write',
      params,
      body: AgentBody,
      bodyCheckedLater: true,
      yaml: true,
      headers: {
        'If-None-Match': '"*": only create',
        'If-Match': 'a digest: only update what is at this digest; without either the definition is applied',
      },
      answers: { 200: AgentAnswer, 201: AgentAnswer },
      errors: [
        'invalid_request',
        'invalid_agent',
        'not_supported',
        'agent_exists',
        'agent_changed',
        'agent_not_found',
        'unavailable',
      ],
      handle: async ({ params: { name }, headers, body, caller }) => {
        if (body === undefined) throw new ReinsError('invalid_request', 'The body is missing: an agent definition.')
        const source = body instanceof YamlBody ? { yaml: body.text } : { definition: body }
        const condition = conditionOf(headers['if-none-match'], headers['if-match'])
        const result = await ask<PutAgentResult>('put', { name, source, condition, by: caller.by })
        return json(result.outcome === 'created' ? 201 : 200, result, { etag: `"${result.agent.digest}"` })
      },
    }),
    route({
      method: 'GET',
      path: '/v1/agents/:name',
      summary: 'Show an agent',
      tag: 'agents',
      permission: 'agents:read',
      params,
      answers: { 200: Type.Object({ agent: Agent }, closed) },
      errors: ['invalid_request', 'agent_not_found', 'unavailable'],
      handle: async ({ params: { name } }) => {
        const entry = registry.agent(name) ?? (await registry.agentFresh(name))
        if (!entry || entry.deleted) throw new ReinsError('agent_not_found', `There is no agent ${name}.`)
        const version = await registry.version(entry.digest)
        if (!version) throw new ReinsError('unavailable', `The definition of ${name} cannot be read now.`)
        const { digest, version: number, createdAt, updatedAt } = entry
        const agent = { name, digest, version: number, createdAt, updatedAt, definition: version.definition }
        return json(200, { agent }, { etag: `"${digest}"` })
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/agents/:name',
      summary: 'Delete an agent: its sessions and versions stay',
      tag: 'agents',
      permission: 'agents:write',
      params,
      headers: { 'If-Match': 'a digest: only delete what is at this digest' },
      answers: { 200: Type.Object({ name: Type.String() }, closed) },
      errors: ['invalid_request', 'agent_not_found', 'agent_changed', 'unavailable'],
      handle: async ({ params: { name }, headers, caller }) => {
        const ifMatch = headers['if-match'] === undefined ? {} : { ifMatch: digestOf(headers['if-match']) }
        return json(200, await ask<{ name: string }>('delete', { name, ...ifMatch, by: caller.by }))
      },
    }),
    route({
      method: 'GET',
      path: '/v1/agents',
      summary: 'List agents',
      tag: 'agents',
      permission: 'agents:read',
      query: Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 100' })),
          after: Type.Optional(Type.String({ maxLength: 200, description: 'The "next" of the page before' })),
        },
        closed,
      ),
      answers: { 200: AgentList },
      errors: ['invalid_request', 'unavailable'],
      handle: async ({ query: { limit = 100, after } }) =>
        json(200, await ask<Static<typeof AgentList>>('list', { limit, ...(after === undefined ? {} : { after }) })),
    }),
  ]
}

function conditionOf(ifNoneMatch: string | undefined, ifMatch: string | undefined): PutCondition {
  if (ifNoneMatch !== undefined && ifMatch !== undefined)
    throw new ReinsError('invalid_request', 'If-None-Match and If-Match exclude each other.')
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return { kind: 'create' }
    throw new ReinsError('invalid_request', 'If-None-Match is not valid: only * is.')
  }
  return ifMatch === undefined ? { kind: 'apply' } : { kind: 'update', digest: digestOf(ifMatch) }
}

/** Quoted, as HTTP has it, or bare. */
function digestOf(header: string): string {
  const digest = /^"?([0-9a-f]{32})"?$/.exec(header.trim())?.[1]
  if (digest) return digest
  throw new ReinsError('invalid_request', 'If-Match is not valid: one digest is, of 32 hexadecimal characters.')
}
