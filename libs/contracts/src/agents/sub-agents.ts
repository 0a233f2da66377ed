// The agents that an agent may delegate to, as its definition lists them. Pure.
//   SA1. An entry is a name, a name with settings, a workflow, or an agent that is written in place (`system_prompt`).
//   SA2. An agent that is written in place becomes a definition of its own: the same text gives the same digest, here and everywhere.
//   SA3. What one place of a definition says is checked here; what other agents there are is checked by the registry.
import { type Static, type TSchema, type TUnsafe, Type } from 'typebox'
import { Budget } from '../budget/limits.ts'
import { agentNamePattern } from '../ids.ts'
import { isMapping, itemPath, memberPath, quoted, type Schema, type SchemaProblem } from '../schema-problems.ts'
import { affinityOf } from './code/code.ts'
import type { AgentDefinition, ToolList } from './definition.ts'
import { OutputSchema } from './output-schema.ts'
import { offersTask } from './task.ts'
import { SkillsDir, type SkillsFolder, type StoredSkills, skillsFolder } from './skills.ts'

const closed = { additionalProperties: false } as const

/** How deep agents that are written in place may lie in each other. */
export const maxInlineDepth = 4
export const maxSubAgents = 50

export const OnPause = Type.Union([Type.Literal('wait'), Type.Literal('return')], {
  description:
    'What happens when the agent waits for a person. wait: the delegation waits too. return: the model gets the status paused and an execution_id, and may go on later. Default: wait, and return for a workflow',
})
export type OnPause = Static<typeof OnPause>

/** An entry with more than a name. */
export interface SubAgent {
  name: string
  description?: string
  on_pause?: OnPause
  /** What each delegation to it may use at most. */
  budget?: Budget
  /** The name of a workflow. */
  workflow?: string
  /** Of the answer; it stands for that of the agent's own definition. */
  output_schema?: Record<string, unknown>
  /** Written in place; the following only with it. */
  system_prompt?: string
  model?: string
  tools?: ToolList
  agents?: SubAgentEntry[]
  skills_dir?: SkillsDir
}
export type SubAgentEntry = string | SubAgent

const agentName = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: agentNamePattern,
  description: 'Lower-case letters, digits and single hyphens, at most 64 characters',
})

interface Parts {
  readonly model: ReturnType<typeof Type.String>
  readonly systemPrompt: ReturnType<typeof Type.String>
  readonly tools: TSchema
  /** Default: that of agents in YAML. */
  readonly name?: typeof agentName
}

type EntrySchema = TUnsafe<SubAgentEntry> & { readonly anyOf?: readonly Schema[] }

/** The schema of an entry. `parts`: fields that an agent written in place shares with a definition. */
export function subAgentSchema(parts: Parts, depth = maxInlineDepth): EntrySchema {
  const { name = agentName } = parts
  const nested: TSchema = depth > 1 ? subAgentSchema(parts, depth - 1) : name
  const entry = Type.Object(
    {
      name,
      description: Type.Optional(
        Type.String({ maxLength: 1024, description: 'When to delegate to it, for the model that delegates' }),
      ),
      on_pause: Type.Optional(OnPause),
      budget: Type.Optional(Budget),
      workflow: Type.Optional(name),
      output_schema: Type.Optional(OutputSchema),
      system_prompt: Type.Optional(parts.systemPrompt),
      model: Type.Optional(parts.model),
      tools: Type.Optional(parts.tools),
      agents: Type.Optional(Type.Array(nested, { maxItems: maxSubAgents })),
      skills_dir: Type.Optional(SkillsDir),
    },
    { ...closed, title: 'sub-agent' },
  )
  return Type.Unsafe<SubAgentEntry>(Type.Union([name, entry]))
}

export const entryName = (entry: SubAgentEntry): string => (typeof entry === 'string' ? entry : entry.name)

export type InlineAgent = SubAgent & { readonly system_prompt: string }
export const isInline = (entry: SubAgentEntry): entry is InlineAgent =>
  typeof entry !== 'string' && entry.system_prompt !== undefined

/** The name of the agent that another definition gives; undefined: the entry is written in place. */
export function targetOf(entry: SubAgentEntry): string | undefined {
  if (typeof entry === 'string') return entry
  return isInline(entry) ? undefined : (entry.workflow ?? entry.name)
}

export const isWorkflow = (entry: SubAgentEntry): entry is SubAgent & { readonly workflow: string } =>
  typeof entry !== 'string' && entry.workflow !== undefined

export const onPauseOf = (entry: SubAgentEntry): OnPause =>
  (typeof entry === 'string' ? undefined : entry.on_pause) ?? (isWorkflow(entry) ? 'return' : 'wait')

export const noDescription = (agent: string): string =>
  `Sub-agent '${agent}' must have a non-empty description attribute.`
export const duplicateName = (agent: string): string => `Duplicate agent name: '${agent}'`

export const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === ''

/**
 * SA2. The definition of an agent that is written in place. What it does not say is its parent's: model, pool, how its calls wait for
 * people, and whether it has the tool `task`.
 */
export function inlineDefinition(parent: AgentDefinition, entry: InlineAgent): AgentDefinition {
  const { approval_mode, approvals } = parent
  const affinity = affinityOf(parent)
  return {
    name: entry.name,
    model: entry.model ?? parent.model,
    system_prompt: entry.system_prompt,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    ...(entry.tools === undefined ? {} : { tools: entry.tools }),
    ...(entry.agents === undefined ? {} : { agents: entry.agents }),
    ...(entry.skills_dir === undefined ? {} : { skills_dir: entry.skills_dir }),
    ...(approval_mode === undefined ? {} : { approval_mode }),
    ...(approvals === undefined ? {} : { approvals }),
    ...(offersTask(parent) ? { task: true } : {}),
    ...(parent.affinity === undefined && Object.keys(affinity).length === 0 ? {} : { affinity }),
  }
}

/** Those that are written in place, also in each other: the innermost first. */
export const inlineDefinitions = (definition: AgentDefinition): readonly AgentDefinition[] =>
  (definition.agents ?? []).filter(isInline).flatMap((entry) => {
    const own = inlineDefinition(definition, entry)
    return [...inlineDefinitions(own), own]
  })

/** An entry and where it stands: `agents[0]`, `agents[0].agents[1]`. */
export interface PlacedEntry {
  readonly path: string
  readonly entry: SubAgentEntry
}

/** All entries, those inside of others too. */
export const placedEntries = (agents: readonly SubAgentEntry[] = [], path = 'agents'): readonly PlacedEntry[] =>
  agents.flatMap((entry, index) => {
    const place = itemPath(path, index)
    const inner = typeof entry === 'string' ? [] : placedEntries(entry.agents, memberPath(place, 'agents'))
    return [{ path: place, entry }, ...inner]
  })

/** A folder of skills, and whose: `skills_dir` of the definition itself, or of an agent that is written in place. */
export interface PlacedSkills {
  /** `skills_dir`, `agents[0].skills_dir`. */
  readonly path: string
  readonly folder: SkillsFolder
}

/** In the order of the document. Takes any value: what has not the form of the schema is said elsewhere. */
export function placedSkills(definition: {
  readonly skills_dir?: unknown
  readonly agents?: unknown
}): readonly PlacedSkills[] {
  const own = skillsFolder(definition)
  const agents: readonly unknown[] = Array.isArray(definition.agents) ? definition.agents : []
  const inside = agents.flatMap((entry, index): readonly PlacedSkills[] =>
    isMapping(entry)
      ? placedSkills(entry).map(({ path, folder }) => ({ path: memberPath(itemPath('agents', index), path), folder }))
      : [],
  )
  return [...(own ? [{ path: 'skills_dir', folder: own }] : []), ...inside]
}

/** The same, with what is kept in place of each folder. `at`: by its path. */
export function withPlacedSkills<T extends Pick<AgentDefinition, 'skills_dir' | 'agents'>>(
  definition: T,
  at: (path: string) => StoredSkills | SkillsFolder | undefined,
): T {
  const own = at('skills_dir')
  return {
    ...definition,
    ...(own ? { skills_dir: own } : {}),
    ...(definition.agents
      ? {
          agents: definition.agents.map((entry, index) =>
            typeof entry === 'string'
              ? entry
              : withPlacedSkills(entry, (path) => at(memberPath(itemPath('agents', index), path))),
          ),
        }
      : {}),
  }
}

const inlineFields = ['model', 'tools', 'agents', 'skills_dir'] as const

/** SA3. Of a list that has the form of the schema. */
export function subAgentProblems(agents: readonly SubAgentEntry[], path = 'agents'): readonly SchemaProblem[] {
  const seen = new Set<string>()
  return agents.flatMap((entry, index) => {
    const place = itemPath(path, index)
    const called = entryName(entry)
    const again = seen.has(called)
    seen.add(called)
    return [
      ...(again ? [{ path: place, message: duplicateName(called), atKey: false }] : []),
      ...(typeof entry === 'string' ? [] : entryProblems(entry, place)),
    ]
  })
}

function entryProblems(entry: SubAgent, path: string): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = []
  const say = (field: string, message: string, atKey = true) =>
    problems.push({ path: field === '' ? path : memberPath(path, field), message, atKey })
  const inline = isInline(entry)
  if (isBlank(entry.description) && (inline || isWorkflow(entry) || entry.description !== undefined))
    say('', noDescription(entry.name), false)
  if (inline && isWorkflow(entry))
    say(
      'workflow',
      'stands beside system_prompt: an entry names a workflow, or is an agent that is written in place. Leave one of them out',
    )
  if (!inline)
    for (const field of inlineFields)
      if (entry[field] !== undefined)
        say(
          field,
          `belongs to an agent that is written in place: give it a system_prompt too, or set ${field} in the definition of ${quoted(entry.name)}`,
        )
  if (inline) problems.push(...subAgentProblems(entry.agents ?? [], memberPath(path, 'agents')))
  return problems
}
