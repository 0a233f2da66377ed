// From an initializer to a configuration: plain JSON that can be stored, and beside it the tools of this one instance, which stay here.
//   F1. Merging: a scalar that the agent has itself replaces that of its profile, also by undefined; lists are those of the profile,
//       then those of the agent. A name that is there twice then is a mistake.
//   F2. Values of `env` stand in a configuration only where the initializer has written them into a text: whoever writes instructions
//       decides what the model reads.
import type { ToolFacts } from '../describe.ts'
import { type Tool, type ToolForm, toolMarker } from '../tool.ts'
import { checkConfig, duplicates, isRecord, reservedToolNames } from './check-profile.ts'
import type { AgentInitContext, AgentInitializer } from './created-agent.ts'
import type {
  AgentProfile,
  AgentRuntimeConfig,
  CompactionConfig,
  DurabilityConfig,
  ThinkingLevel,
} from './runtime-config.ts'
import { type ContextOption, sandboxForm } from './sandbox.ts'
import { type SkillForm, skillForm } from './skill-form.ts'
import { isWorkflowAgent } from './workflow-agent.ts'

/** Plain JSON. What is absent was not said. */
export interface AgentConfiguration {
  readonly model?: string | false
  readonly instructions?: string
  readonly description?: string
  readonly thinkingLevel?: ThinkingLevel
  readonly compaction?: CompactionConfig
  readonly durability?: DurabilityConfig
  readonly cwd?: string
  /** Its model has the tool `task`, and so have its subagents. */
  readonly task?: true
  /** `chosen`: the agent has asked for it, and did not leave it out. */
  readonly sandbox?: ContextOption &
    ({ readonly kind: 'local'; readonly cwd?: string } | { readonly kind: 'virtual'; readonly chosen: boolean })
  readonly tools: readonly ToolFacts[]
  readonly skills: readonly { readonly name: string; readonly files: SkillForm['files'] }[]
  readonly subagents: readonly SubagentConfiguration[]
}

export type SubagentConfiguration = Omit<AgentConfiguration, 'cwd' | 'sandbox' | 'durability' | 'task'> & {
  readonly name: string
  /** The agent that a workflow leads; then it says nothing else but its description. */
  readonly workflow?: string
}

/** The tools of an instance by their names, and those of its subagents. */
export interface LiveTools {
  readonly tools: ReadonlyMap<string, ToolForm>
  readonly subagents: ReadonlyMap<string, LiveTools>
}

export type Configured =
  | { readonly kind: 'configured'; readonly configuration: AgentConfiguration; readonly live: LiveTools }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/** Rejects with what the initializer throws. */
export async function configure(initialize: AgentInitializer, context: AgentInitContext): Promise<Configured> {
  const config: unknown = await initialize(context)
  const problems = checkConfig(config)
  if (problems.length > 0 || !isRecord(config)) return { kind: 'problems', problems }
  const merged = withProfile(config as AgentRuntimeConfig)
  const found: string[] = []
  if (merged.model === undefined)
    found.push(
      'createAgent() requires a model. Return { model: "provider-id/model-id" }, { model: false }, or a profile with a model',
    )
  const { cwd, sandbox } = merged
  if (cwd !== undefined && sandbox === false)
    found.push('cwd names a folder, and no sandbox works there: leave "sandbox: false" out')
  const one = await configureParts(merged, found)
  if (found.length > 0) return { kind: 'problems', problems: found }
  const { durability } = merged
  return {
    kind: 'configured',
    live: one.live,
    configuration: {
      ...one.configuration,
      task: true,
      ...(durability === undefined ? {} : { durability }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(sandbox === false ? {} : { sandbox: placeOf(sandbox) }),
    },
  }
}

/** K18: an agent that says nothing works in memory. */
function placeOf(sandbox: unknown): NonNullable<AgentConfiguration['sandbox']> {
  const form = sandboxForm(sandbox)
  const context = form?.workspaceContext === undefined ? {} : { workspaceContext: form.workspaceContext }
  if (form?.kind === 'local') return { kind: 'local', ...(form.cwd === undefined ? {} : { cwd: form.cwd }), ...context }
  return { kind: 'virtual', chosen: form !== undefined, ...context }
}

/** F1. */
function withProfile({ profile, ...own }: AgentRuntimeConfig): Omit<AgentRuntimeConfig, 'profile'> {
  if (profile === undefined) return own
  const { name: _, ...shared } = profile
  return {
    ...shared,
    ...own,
    tools: [...(shared.tools ?? []), ...(own.tools ?? [])],
    skills: [...(shared.skills ?? []), ...(own.skills ?? [])],
    subagents: [...subagentsOf(shared), ...subagentsOf(own)],
    agents: [],
  }
}

const subagentsOf = ({ subagents = [], agents = [] }: Pick<AgentProfile, 'subagents' | 'agents'>) => [
  ...subagents,
  ...agents,
]

/** `problems` gets what is wrong. */
export const configureParts = (from: Parameters<typeof resolved>[0], problems: string[]) => resolved(from, '', problems)

async function resolved(
  from: Omit<AgentProfile, 'model'> & { readonly model?: string | false },
  place: string,
  problems: string[],
): Promise<{ readonly configuration: Omit<AgentConfiguration, 'cwd' | 'sandbox'>; readonly live: LiveTools }> {
  const { model, instructions, description, thinkingLevel, compaction } = from
  const { tools = [], skills = [] } = from
  const subagents = subagentsOf(from)
  const say = (problem: string): void => void problems.push(`${place}${problem}`)
  for (const problem of [
    ...duplicates('tools', tools),
    ...duplicates('skills', skills),
    ...duplicates('subagents', subagents),
  ])
    say(problem)
  const facts: ToolFacts[] = []
  const live = new Map<string, ToolForm>()
  for (const [index, tool] of tools.entries()) {
    const form = (tool as Tool)[toolMarker]
    const described = await form.describe(tool.name ?? '')
    if (described.kind === 'problems') {
      for (const problem of described.problems) say(`tools[${index}] (${tool.name ?? 'without a name'}) ${problem}`)
      continue
    }
    const { name } = described.tool
    if (reservedToolNames.includes(name))
      say(`tools[${index}] has the name "${name}", which Reins keeps for its own tool: give it another name`)
    facts.push(described.tool)
    live.set(name, form)
  }
  const below = new Map<string, LiveTools>()
  const inside: SubagentConfiguration[] = []
  for (const subagent of subagents) {
    const { name = '' } = subagent
    if (isWorkflowAgent(subagent)) {
      const { description: says, workflow } = subagent
      inside.push({ name, description: says, workflow, tools: [], skills: [], subagents: [] })
      continue
    }
    const one = await resolved(subagent, `${place}subagent "${name}": `, problems)
    below.set(name, one.live)
    inside.push({ name, ...one.configuration })
  }
  return {
    live: { tools: live, subagents: below },
    configuration: {
      ...(model === undefined ? {} : { model }),
      ...(instructions === undefined ? {} : { instructions }),
      ...(description === undefined ? {} : { description }),
      ...(thinkingLevel === undefined ? {} : { thinkingLevel }),
      ...(compaction === undefined ? {} : { compaction }),
      tools: facts,
      skills: skills.flatMap((skill) => {
        const imported = skillForm(skill)
        return imported ? [{ name: imported.name, files: imported.form.files }] : []
      }),
      subagents: inside,
    },
  }
}
