// Agents over HTTP. Decode, call, encode.
import { Agent, AgentAnswer, AgentBody, AgentList, AgentName, type PutCondition, ReinsError } from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../api/api.ts'
import { operations } from '../../api/operations.ts'
import { json, type Route, route, YamlBody } from './route.ts'

const closed = { additionalProperties: false } as const
const params = Type.Object({ name: AgentName }, closed)

export function agentRoutes({ agents }: Api): readonly Route[] {
  return [
    route({
      ...operations.putAgent,
      method: 'PUT',
      path: '/v1/agents/:name',
      params,
      body: AgentBody,
      bodyCheckedLater: true,
      yaml: true,
      headers: {
        'If-None-Match': '"*": only create',
        'If-Match': 'a digest: only update what is at this digest; without either the definition is applied',
      },
      answers: { 200: AgentAnswer, 201: AgentAnswer },
      handle: async ({ params: { name }, headers, body, caller }) => {
        if (body === undefined)
          throw new ReinsError('invalid_request', 'The body is missing: send the definition of an agent.')
        const source = body instanceof YamlBody ? { yaml: body.text } : { definition: body }
        const condition = conditionOf(headers['if-none-match'], headers['if-match'])
        const result = await agents.put(caller, name, source, condition)
        return json(result.outcome === 'created' ? 201 : 200, result, { etag: `"${result.agent.digest}"` })
      },
    }),
    route({
      ...operations.showAgent,
      method: 'GET',
      path: '/v1/agents/:name',
      params,
      answers: { 200: Type.Object({ agent: Agent }, closed) },
      handle: async ({ params: { name }, caller }) => {
        const agent = await agents.show(caller, name)
        return json(200, { agent }, { etag: `"${agent.digest}"` })
      },
    }),
    route({
      ...operations.deleteAgent,
      method: 'DELETE',
      path: '/v1/agents/:name',
      params,
      headers: { 'If-Match': 'a digest: only delete what is at this digest' },
      answers: { 200: Type.Object({ name: Type.String() }, closed) },
      handle: async ({ params: { name }, headers, caller }) => {
        const at = headers['if-match'] === undefined ? undefined : digestOf(headers['if-match'])
        return json(200, await agents.delete(caller, name, at))
      },
    }),
    route({
      ...operations.listAgents,
      method: 'GET',
      path: '/v1/agents',
      query: Type.Object(
        {
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 100' })),
          after: Type.Optional(Type.String({ maxLength: 200, description: 'The "next" of the page before' })),
        },
        closed,
      ),
      answers: { 200: AgentList },
      handle: async ({ query: { limit = 100, after }, caller }) => json(200, await agents.list(caller, limit, after)),
    }),
  ]
}

function conditionOf(ifNoneMatch: string | undefined, ifMatch: string | undefined): PutCondition {
  if (ifNoneMatch !== undefined && ifMatch !== undefined)
    throw new ReinsError('invalid_request', 'If-None-Match and If-Match exclude each other: send one of them.')
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return { kind: 'create' }
    throw new ReinsError('invalid_request', 'If-None-Match is not valid: it must be *.')
  }
  return ifMatch === undefined ? { kind: 'apply' } : { kind: 'update', digest: digestOf(ifMatch) }
}

/** Quoted, as HTTP has it, or bare. */
function digestOf(header: string): string {
  const digest = /^"?([0-9a-f]{32})"?$/.exec(header.trim())?.[1]
  if (digest) return digest
  throw new ReinsError('invalid_request', 'If-Match is not valid: it must be one digest of 32 hexadecimal characters.')
}
