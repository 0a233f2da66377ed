// A definition as the registry keeps it. It holds what no person writes into YAML: agents that come from modules of a project, with
// names as wide as those of files, and tools that belong to one instance of such an agent.
// Also tools whose functions the code of a run gave, in versions that answer its prompts.
//   SD1. Only the registry makes such a definition, of what an initializer gave. A text of a person that holds the same is refused.
import { type Static, type TSchema, Type } from 'typebox'
import { CodeFile } from './code/code.ts'
import { AgentDefinition, ToolConfig } from './definition.ts'
import { CodeGiven, CodeInstance, codeAgentPattern } from './code/instance.ts'
import { maxSubAgents, subAgentSchema } from './sub-agents.ts'

const closed = { additionalProperties: false } as const

/** Tools that an instance has from its initializer. */
export const InstanceTools = Type.Object({ ...CodeFile.properties, instance: CodeInstance }, closed)
export type InstanceTools = Static<typeof InstanceTools>

/** Tools that the code of a run gave with one of its operations. */
export const GivenTools = Type.Object({ ...CodeFile.properties, given: CodeGiven }, closed)
export type GivenTools = Static<typeof GivenTools>

const name = Type.String({ minLength: 1, maxLength: 68, pattern: codeAgentPattern })
const tools = Type.Array(
  Type.Union([
    Type.String({ minLength: 1, maxLength: 64 }),
    CodeFile,
    InstanceTools,
    GivenTools,
    Type.Record(Type.String(), ToolConfig, { minProperties: 1, maxProperties: 1 }),
  ]),
  { maxItems: 100 },
)

const { model, system_prompt: systemPrompt } = AgentDefinition.properties
const wide: TSchema = Type.Object(
  {
    ...AgentDefinition.properties,
    name,
    tools: Type.Optional(tools),
    agents: Type.Optional(Type.Array(subAgentSchema({ model, systemPrompt, tools, name }), { maxItems: maxSubAgents })),
    /** Its model has the tool `task` (TK1 of task.ts). */
    task: Type.Optional(Type.Literal(true)),
  },
  closed,
)

/** What `reg.version` holds. */
export const StoredDefinition = Type.Unsafe<AgentDefinition>(wide)
