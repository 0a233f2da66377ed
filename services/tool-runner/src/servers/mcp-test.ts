// A try of an agent's MCP servers, for people: connected anew, told in full. It touches no session.
import { formOf, type McpTried, mcpServers, ReinsError, type TestMcp } from '@reins/contracts'
import { type Mask, type McpServers, maskedAnswer, type ServerReport } from '@reins/mcp'
import { Type } from 'typebox'
import type { RunnerTools } from '../calls/call-runner.ts'

const isRequest = formOf(Type.Object({ digest: Type.String(), principal: Type.String(), pool: Type.String() }))

/** Throws unavailable: this process does not serve the pool, or the definition cannot be read. */
export async function testMcp(
  tools: Pick<RunnerTools, 'registry' | 'values' | 'redactor'>,
  servers: Pick<McpServers, 'report'>,
  serves: (pool: string) => boolean,
  asked: unknown,
): Promise<{ readonly value: { readonly servers: readonly McpTried[] } }> {
  if (!isRequest(asked)) throw new ReinsError('invalid_request', 'The request to the tool-runner is not valid.')
  const { digest, principal, pool }: TestMcp = asked
  if (!serves(pool))
    throw new ReinsError('unavailable', "No tool-runner serves the agent's labels.", { details: { otherPool: pool } })
  const version = await tools.registry.version(digest)
  if (!version) throw new ReinsError('unavailable', "The agent's definition cannot be read now.")
  const { definition } = version
  const optional = new Set(mcpServers(definition).flatMap(({ name, optional }) => (optional ? [name] : [])))
  const reports = await servers.report({ definition, principal, secret: tools.values(digest).secrets })
  const mask: Mask = (value) => tools.redactor.json(value)
  const tried = reports.map((report) =>
    triedOf({ ...report, answer: maskedAnswer(report.answer, mask) }, optional.has(report.answer.server)),
  )
  return { value: { servers: mask(tried) } }
}

function triedOf({ answer, info, at }: ServerReport, optional: boolean): McpTried {
  const { server, status, took = 0 } = answer
  const about = info === undefined ? '' : `${info.name} ${info.version}`.trim()
  return {
    ...{ server, at, status, optional, took },
    ...(answer.status === 'unavailable' ? { reason: answer.reason } : {}),
    ...(about === '' ? {} : { about }),
    ...(info === undefined ? {} : { protocol: info.protocol, transport: info.transport }),
    tools:
      answer.status === 'ready'
        ? (answer.tools ?? []).map(({ name, description, replay, risk, approval }) => ({
            ...{ name, description, replay, risk },
            ...(approval === undefined ? {} : { approval }),
          }))
        : [],
    notes: answer.status === 'ready' ? (answer.notes ?? []) : [],
  }
}
