// Agents over HTTP. Decode, call, encode.
import {
  Agent,
  AgentAnswer,
  AgentBody,
  AgentList,
  AgentName,
  McpTest,
  AgentWithFiles,
  isMapping,
  maxAgentBodyBytes,
  type PutAgent,
  type PutCondition,
  ReinsError,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { operations } from '../../../api/operations.ts'
import { checker } from '../check.ts'
import { json, type Route, route, YamlBody } from '../route.ts'
import { pageQuery } from '../page-query.ts'

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
      maxBodyBytes: maxAgentBodyBytes,
      headers: {
        'If-None-Match': '"*": only create',
        'If-Match': 'a digest: only update what is at this digest; without either the definition is applied',
      },
      answers: { 200: AgentAnswer, 201: AgentAnswer },
      handle: async ({ params: { name }, headers, body, caller }) => {
        const condition = conditionOf(headers['if-none-match'], headers['if-match'])
        const result = await agents.put(caller, name, contentOf(body), condition)
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
      query: Type.Object(
        { force: Type.Optional(Type.Boolean({ description: 'Delete it also where other agents list it' })) },
        closed,
      ),
      answers: { 200: Type.Object({ name: Type.String() }, closed) },
      handle: async ({ params: { name }, query: { force = false }, headers, caller }) => {
        const at = headers['if-match'] === undefined ? undefined : digestOf(headers['if-match'])
        return json(200, await agents.delete(caller, name, at, force))
      },
    }),
    route({
      ...operations.testMcp,
      method: 'POST',
      path: '/v1/agents/:name/mcp-test',
      params,
      answers: { 200: McpTest },
      handle: async ({ params: { name }, caller }) => json(200, await agents.testMcp(caller, name)),
    }),
    route({
      ...operations.listAgents,
      method: 'GET',
      path: '/v1/agents',
      query: Type.Object(
        {
          ...pageQuery(100),
        },
        closed,
      ),
      answers: { 200: AgentList },
      handle: async ({ query: { limit = 100, after }, caller }) => json(200, await agents.list(caller, limit, after)),
    }),
  ]
}

// The definition inside is the registry's to check, as one that comes alone.
const withFiles = checker(
  Type.Object(
    {
      definition: Type.Optional(Type.Unknown()),
      yaml: AgentWithFiles.properties.yaml,
      files: AgentWithFiles.properties.files,
    },
    closed,
  ),
  'body',
)

/** A definition has neither of the fields that a body with files has. */
function contentOf(body: unknown): Pick<PutAgent, 'source' | 'files'> {
  if (body === undefined)
    throw new ReinsError('invalid_request', 'The body is missing: send the definition of an agent.')
  if (body instanceof YamlBody) return { source: { yaml: body.text } }
  if (!isMapping(body) || !['definition', 'yaml', 'files'].some((field) => Object.hasOwn(body, field)))
    return { source: { definition: body } }
  const { definition, yaml, files } = withFiles.parse(body)
  if (yaml !== undefined && definition === undefined) return { source: { yaml }, files }
  if (yaml === undefined && definition !== undefined) return { source: { definition }, files }
  throw new ReinsError(
    'invalid_request',
    'The body with "files" needs the definition once: as "definition" or as "yaml".',
  )
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
