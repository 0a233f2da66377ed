// An agent's definition, as YAML or JSON says it: the schema is the source of validation, of the API's documents and of the docs' tables.
//   A1. Every field of the format is parsed and validated; unknown keys are errors.
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Budget } from '../budget/limits.ts'
import { planDefaults } from '../events/mind/planning.ts'
import { agentNamePattern } from '../ids.ts'
import { LongTermMemory } from '../memory/settings.ts'
import { Approvals, approvalWords, Duration } from './approvals.ts'
import { CodeFile, ToolsFile, WorkflowFile } from './code/code.ts'
import { McpServer } from './mcp-servers.ts'
import { OutputRetries, OutputSchema } from './output-schema.ts'
import { Labels } from './pools.ts'
import { SkillsDir } from './skills.ts'
import { maxSubAgents, subAgentSchema } from './sub-agents.ts'

const closed = { additionalProperties: false } as const

export const definitionDefaults = {
  maxToolCalls: 10,
  maxTokens: 4096,
  toolTimeoutSeconds: 30,
  maxOutputChars: 100_000,
  delegation: { maxDepth: 5, maxFanOut: 16, maxPerTurn: 50, maxSessions: 500 },
} as const

/** The settings of a tool or group. What of them a schema cannot say (that a pattern is RE2) is said by `resolveTools` of libs/tools. */
export const ToolConfig = Type.Object(
  {
    workspace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        pattern: '^[^\\u0000]+$',
        description:
          'The folder that the tools work in; relative to the workspace root. Default: the workspace root if the operator named one, else the folder workspace/<agent> beside the data folder',
      }),
    ),
    timeout: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 86400,
        description: `Seconds that a call may take. Default ${definitionDefaults.toolTimeoutSeconds}`,
      }),
    ),
    max_output_chars: Type.Optional(
      Type.Integer({
        // Below, an error or a path would not fit. Above, an answer would not fit into a frame.
        minimum: 4_000,
        maximum: 1_000_000,
        description: `Characters of output that the model sees. Default ${definitionDefaults.maxOutputChars}`,
      }),
    ),
    blocklist: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), {
        maxItems: 200,
        description: 'Patterns (RE2 regular expressions) of shell commands to refuse; [] turns the default list off',
      }),
    ),
    network: Type.Optional(
      Type.Boolean({ description: 'Let shell commands use the network, if the operator allows it. Default false' }),
    ),
    approval: Type.Optional(approvalWords),
    allow: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1_000 }), {
        maxItems: 200,
        description:
          'Calls that need no approval: commands of shell ("npm test*"; only simple commands match) or paths ("docs/**")',
      }),
    ),
    expires: Type.Optional(Duration),
  },
  closed,
)
export type ToolConfig = Static<typeof ToolConfig>

/**
 * `shell`, or `{ shell: { workspace: /srv/project } }`, or `{ file: ./tools.ts }`. But for a file, one name a map: a later entry
 * replaces an earlier one, and the names of a map have no order that a digest would keep.
 */
export const ToolEntry = Type.Union([
  Type.String({ minLength: 1, maxLength: 64 }),
  CodeFile,
  Type.Record(Type.String(), ToolConfig, { minProperties: 1, maxProperties: 1 }),
])
export type ToolEntry = Static<typeof ToolEntry>

export const ToolList = Type.Array(ToolEntry, {
  maxItems: 100,
  description: 'Groups or names of tools, with their settings',
})
export type ToolList = Static<typeof ToolList>

export const AgentName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: agentNamePattern,
  description: 'Lower-case letters, digits and single hyphens, at most 64 characters',
})

const { delegation } = definitionDefaults

/** How far delegation may go. The operator's ceilings come on top. */
export const DelegationLimits = Type.Object(
  {
    max_depth: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        description: `Levels of sessions below this one. Default ${delegation.maxDepth}`,
      }),
    ),
    max_fan_out: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: `Delegations in one answer. Default ${delegation.maxFanOut}`,
      }),
    ),
    max_per_turn: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: `Delegations in one turn. Default ${delegation.maxPerTurn}`,
      }),
    ),
    max_sessions: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: `Sessions of the whole tree, this one included. Default ${delegation.maxSessions}`,
      }),
    ),
  },
  { ...closed, description: 'Limits of delegation: max_depth, max_fan_out, max_per_turn, max_sessions' },
)
export type DelegationLimits = Static<typeof DelegationLimits>

const Model = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]*/.+$',
  maxLength: 200,
  description: 'provider/model, such as anthropic/claude-sonnet-4-5',
})
const SystemPrompt = Type.String({
  minLength: 1,
  maxLength: 400_000,
  description: 'What the agent is told before everything else',
})

/** How much of a long conversation its model is sent (docs/context.md). */
export const ContextField = Type.Object(
  {
    window: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 100_000_000,
        description: "Tokens of input and output together. Default: the model's own window",
      }),
    ),
    compact_at: Type.Optional(
      Type.Number({
        minimum: 0.1,
        maximum: 0.95,
        description: 'The share of the window at which the conversation is compacted. Default 0.7',
      }),
    ),
    keep: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.5,
        description: 'The share of the window that the newest messages keep, word for word. Default 0.2',
      }),
    ),
    summary_model: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9-]*/.+$',
        maxLength: 128,
        description: 'provider/model that writes the summaries. Default: the model of the agent',
      }),
    ),
  },
  { ...closed, description: 'How much of a long conversation the model is sent' },
)

export const AgentDefinition = Type.Object(
  {
    name: AgentName,
    model: Model,
    system_prompt: SystemPrompt,
    description: Type.Optional(
      Type.String({ maxLength: 1024, description: 'For people, and for agents that may delegate to it' }),
    ),
    tools: Type.Optional(ToolList),
    tools_file: Type.Optional(ToolsFile),
    workflow_file: Type.Optional(WorkflowFile),
    mcp_servers: Type.Optional(
      Type.Array(McpServer, { maxItems: 50, description: 'MCP servers whose tools the agent has (docs/mcp.md)' }),
    ),
    agents: Type.Optional(
      Type.Array(subAgentSchema({ model: Model, systemPrompt: SystemPrompt, tools: ToolList }), {
        maxItems: maxSubAgents,
        description: 'Agents that it may delegate to (docs/delegation.md)',
      }),
    ),
    delegation: Type.Optional(DelegationLimits),
    planning: Type.Optional(
      Type.Boolean({ description: 'Give the model tools to plan with (docs/planning.md). Default false' }),
    ),
    max_plan_steps: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 100,
        description: `Steps that a plan may have. Default ${planDefaults.maxSteps}`,
      }),
    ),
    strict_dependencies: Type.Optional(
      Type.Boolean({
        description:
          'Refuse to start a step before the steps that it depends on are completed; otherwise the model is warned. Default false',
      }),
    ),
    approve_plan: Type.Optional(
      Type.Boolean({ description: 'A person approves each plan before it counts. Default false' }),
    ),
    skills_dir: Type.Optional(SkillsDir),
    workspace_context: Type.Optional(
      Type.Boolean({
        description:
          'Use AGENTS.md and the skills in .agents/skills of the workspace, as they are when a session begins (docs/skills.md). Default: true where the settings of a tool name a workspace, else false',
      }),
    ),
    max_tool_calls: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description: 'Tool calls of one turn; then the model must answer. Default 10',
      }),
    ),
    max_concurrent_tools: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Tool calls at once. Default: no limit' }),
    ),
    max_turns: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: 'Turns of a session; then it ends. Default: no limit',
      }),
    ),
    max_tokens: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Tokens of one answer. Default 4096' }),
    ),
    stream: Type.Optional(Type.Boolean({ description: 'Ask the model for its answer piece by piece. Default true' })),
    approval_mode: Type.Optional(
      Type.Union([Type.Literal('default'), Type.Literal('always'), Type.Literal('never'), Type.Literal('autonomous')], {
        description:
          'default: what the tools say. always: a person approves every tool call. never: tools are off. autonomous: no call waits; what must be approved is refused',
      }),
    ),
    approvals: Type.Optional(Approvals),
    reasoning_effort: Type.Optional(Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high')])),
    long_term_memory: Type.Optional(LongTermMemory),
    context: Type.Optional(ContextField),
    output_schema: Type.Optional(OutputSchema),
    output_retries: Type.Optional(OutputRetries),
    budget: Type.Optional(Budget),
    affinity: Type.Optional(Labels),
  },
  closed,
)
export type AgentDefinition = Static<typeof AgentDefinition>

/** JSON with sorted keys: one text for one value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** What names an immutable version: 32 hexadecimal characters of the sha256 of its canonical JSON. */
export const definitionDigest = (definition: AgentDefinition): string =>
  createHash('sha256').update(canonicalJson(definition)).digest('hex').slice(0, 32)
