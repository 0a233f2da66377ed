// What a try of an agent's MCP servers says: asked over the API, answered by a tool-runner.
import { type Static, Type } from 'typebox'
import { ToolApproval } from '../events/tools/approval.ts'
import { ReplayClass, ToolRisk } from '../events/session.ts'

const closed = { additionalProperties: false } as const

export const McpTriedTool = Type.Object(
  {
    ...{ name: Type.String(), description: Type.String(), replay: ReplayClass, risk: ToolRisk },
    /** Absent: its server does not say that it is destructive, and it asks nobody. */
    approval: Type.Optional(ToolApproval),
  },
  closed,
)

export const McpTried = Type.Object(
  {
    server: Type.String(),
    at: Type.String({ description: 'Where it is, without what is secret' }),
    status: Type.Union([Type.Literal('ready'), Type.Literal('unavailable')]),
    optional: Type.Boolean(),
    took: Type.Integer({ minimum: 0, description: 'ms until it had answered' }),
    reason: Type.Optional(Type.String()),
    about: Type.Optional(Type.String({ description: 'What it says of itself: name and version' })),
    protocol: Type.Optional(Type.String()),
    transport: Type.Optional(Type.String()),
    tools: Type.Array(McpTriedTool),
    notes: Type.Array(Type.String()),
  },
  closed,
)
export type McpTried = Static<typeof McpTried>

export const McpTest = Type.Object({ agent: Type.String(), servers: Type.Array(McpTried) }, closed)
export type McpTest = Static<typeof McpTest>

/** Of a tool-runner: `{ digest, principal }` → `{ servers }`. `unavailable`: this one does not serve the agent's pool. */
export const testMcpVerb = 'mcp.test'
export interface TestMcp {
  readonly digest: string
  readonly principal: string
  readonly pool: string
}
