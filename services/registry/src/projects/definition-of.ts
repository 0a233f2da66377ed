// From what an initializer gave to an ordinary definition: what a session of such an agent works by is what that of any other does. Pure.
//   DF1. The configuration comes out of the project's own code, so its form is checked here.
//   DF3. Each tool names what the project declares beside what it names itself: by that it is given the values, and they are masked in
//        what is recorded of it. It names no secret that the project does not declare.
//   DF2. Its tools name the bundle of the project and the instance: whoever runs one gives it to that instance and to no other.
import {
  type AgentDefinition,
  type CodeGiven,
  type CodeInstance,
  CodeTool,
  noModel,
  type GivenTools,
  type InstanceTools,
  problemsOf,
  StoredDefinition,
  type StoredSkills,
  type SubAgent,
  type ToolEntry,
} from '@reins/contracts'
import { virtualToolNames } from '@reins/tools'
import { type Static, Type } from 'typebox'

const Skill = Type.Object({ name: Type.String(), files: Type.Record(Type.String(), Type.Unknown()) })

const shared = {
  instructions: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  thinkingLevel: Type.Optional(Type.String()),
  compaction: Type.Optional(
    Type.Union([
      Type.Literal(false),
      Type.Object({
        reserveTokens: Type.Optional(Type.Integer({ minimum: 0 })),
        keepRecentTokens: Type.Optional(Type.Integer({ minimum: 0 })),
        model: Type.Optional(Type.String()),
      }),
    ]),
  ),
  tools: Type.Array(CodeTool, { maxItems: 128 }),
  skills: Type.Array(Skill, { maxItems: 64 }),
}
const model = Type.Optional(Type.Union([Type.String(), Type.Literal(false)]))

export interface Subagent extends Static<ReturnType<typeof subagentOf>> {}
const workflow = Type.Optional(Type.String())
const subagentOf = () =>
  Type.Object({ name: Type.String(), model, workflow, ...shared, subagents: Type.Array(Type.Unknown()) })

const workspaceContext = Type.Optional(Type.Boolean())

/** DF1. What is inside of subagents is checked by the schema of definitions. */
export const Configuration = Type.Object({
  model,
  ...shared,
  durability: Type.Optional(
    Type.Object({ maxAttempts: Type.Optional(Type.Integer()), timeoutMs: Type.Optional(Type.Integer({ minimum: 1 })) }),
  ),
  cwd: Type.Optional(Type.String()),
  /** Absent: the build is of a time before there was a `task`. */
  task: Type.Optional(Type.Literal(true)),
  sandbox: Type.Optional(
    Type.Union([
      Type.Object({ kind: Type.Literal('local'), cwd: Type.Optional(Type.String()), workspaceContext }),
      Type.Object({ kind: Type.Literal('virtual'), chosen: Type.Boolean(), workspaceContext }),
    ]),
  ),
  subagents: Type.Array(subagentOf(), { maxItems: 50 }),
})
export type Configuration = Static<typeof Configuration>

/** What tools, skills and subagents become of. */
export interface Parts {
  readonly bundle: { readonly digest: string; readonly size: number }
  /** Of the agent's module, for messages. */
  readonly file: string
  /** Whose tools they are. */
  readonly of: { readonly instance: CodeInstance } | { readonly given: CodeGiven }
  /** Names of configs and secrets that the project's code is given as `env`. */
  readonly declared: { readonly env: readonly string[]; readonly secrets: readonly string[] }
  /** What is kept of skills, by the path of the profile they belong to: '' for the agent's own. */
  readonly skills: ReadonlyMap<string, StoredSkills>
}

export interface DefinitionParts extends Parts {
  readonly name: string
  /** Whoever prompts it names a model each time. */
  readonly perPrompt: boolean
}

/** Of an agent that says nothing of itself: a definition always says something. */
const noInstructions = 'Do what you are asked. Say so where you cannot.'
/** Counted against this window, since the window of the model is not known here. */
const assumedWindow = 200_000

export type DefinitionMade =
  | { readonly kind: 'made'; readonly definition: AgentDefinition }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

export function definitionOf(configuration: Configuration, parts: DefinitionParts): DefinitionMade {
  const { model: named, description, durability, cwd, sandbox, task } = configuration
  if (named === false && !parts.perPrompt)
    return {
      kind: 'problems',
      problems: [
        'says "model: false": only a workflow can prompt it, and names the model each time, as { model: "provider/model" }',
      ],
    }
  const effort = effortOf(configuration.thinkingLevel)
  const context = contextOf(configuration.compaction)
  const seconds = durability?.timeoutMs === undefined ? undefined : Math.max(1, Math.ceil(durability.timeoutMs / 1000))
  const undeclared = undeclaredSecrets(configuration, parts)
  if (undeclared.length > 0) return { kind: 'problems', problems: undeclared }
  const own = bodyOf(configuration, parts, [], sandbox, cwd)
  const definition: unknown = {
    name: parts.name,
    model: named === false ? noModel : named,
    ...own,
    ...(description === undefined ? {} : { description: description.slice(0, 1024) }),
    ...(task ? { task } : {}),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(context === undefined ? {} : { context }),
    ...(sandbox?.workspaceContext === undefined ? {} : { workspace_context: sandbox.workspaceContext }),
    ...(seconds === undefined ? {} : { budget: { wall_time: wallTime(seconds) } }),
  }
  const problems = problemsOf(StoredDefinition, definition)
  if (problems.length > 0)
    return { kind: 'problems', problems: problems.map(({ path, message }) => `gives ${path}, which ${message}`) }
  return { kind: 'made', definition: definition as AgentDefinition }
}

/** A definition with what a run gives its agent. DF3 holds for it too. */
export function withMore(
  definition: AgentDefinition,
  more: Pick<Configuration, 'tools' | 'skills' | 'subagents'>,
  parts: Parts,
): DefinitionMade {
  const undeclared = undeclaredSecrets(more, parts)
  if (undeclared.length > 0) return { kind: 'problems', problems: undeclared }
  const { tools = [], agents = [], skills_dir: skills } = bodyOf(more, parts, [], undefined, undefined)
  return {
    kind: 'made',
    definition: {
      ...definition,
      ...(tools.length === 0 ? {} : { tools: [...(definition.tools ?? []), ...tools] }),
      ...(agents.length === 0 ? {} : { agents: [...(definition.agents ?? []), ...agents] }),
      ...(skills === undefined ? {} : { skills_dir: skills }),
    },
  }
}

type Body = Pick<AgentDefinition, 'system_prompt' | 'tools' | 'agents' | 'skills_dir'>

function bodyOf(
  {
    instructions,
    tools,
    subagents,
  }: Pick<Configuration, 'tools' | 'subagents'> & { readonly instructions?: string | undefined },
  parts: Parts,
  path: readonly string[],
  sandbox: Configuration['sandbox'],
  cwd: string | undefined,
): Body {
  const { bundle, file, of } = parts
  const place = path.length === 0 ? {} : { path: [...path] }
  const own: InstanceTools | GivenTools = {
    ...{ file, ...bundle, network: true },
    tools: tools.map((tool) => withDeclared(tool, parts.declared)),
    ...('given' in of ? { given: { ...of.given, ...place } } : { instance: { ...of.instance, ...place } }),
  }
  const all = [...placeOf(sandbox, cwd, tools), ...(tools.length === 0 ? [] : [own])]
  const skills = parts.skills.get(path.join('/'))
  return {
    system_prompt: instructions === undefined || instructions.trim() === '' ? noInstructions : instructions,
    ...(all.length === 0 ? {} : { tools: all as NonNullable<AgentDefinition['tools']> }),
    ...(skills === undefined ? {} : { skills_dir: skills }),
    ...(subagents.length === 0
      ? {}
      : {
          agents: subagents.map(
            (one): SubAgent => ({
              name: one.name,
              description: one.description ?? firstLine(one.instructions) ?? one.name,
              ...(one.workflow === undefined ? inPlace(one) : { workflow: one.workflow }),
            }),
          ),
        }),
  }

  function inPlace(one: Subagent): Omit<SubAgent, 'name'> {
    const inside = { ...one, subagents: one.subagents as Configuration['subagents'] }
    return {
      ...(typeof one.model === 'string' ? { model: one.model } : {}),
      ...bodyOf(inside, parts, [...path, one.name], sandbox, cwd),
    }
  }
}

/** The tools of files and the shell. Those that nobody asked for leave their place to tools of the same names. */
function placeOf(
  sandbox: Configuration['sandbox'],
  cwd: string | undefined,
  tools: readonly CodeTool[],
): readonly ToolEntry[] {
  if (!sandbox) return []
  const folder = cwd ?? (sandbox.kind === 'local' ? sandbox.cwd : undefined)
  const settings = folder === undefined ? {} : { workspace: folder }
  if (sandbox.kind === 'local') return [{ system_tools: settings }]
  const taken = !sandbox.chosen && tools.some(({ name }) => virtualToolNames.includes(name))
  return taken ? [] : [{ virtual_sandbox: settings }]
}

/** DF3. */
function withDeclared(tool: CodeTool, { env, secrets }: Parts['declared']): CodeTool {
  const [configs, kept] = [union(tool.config_requests, env), union(tool.secret_requests, secrets)]
  return {
    ...tool,
    ...(configs.length === 0 ? {} : { config_requests: configs }),
    ...(kept.length === 0 ? {} : { secret_requests: kept }),
  }
}

const union = (own: readonly string[] = [], more: readonly string[]): string[] => [...new Set([...own, ...more])]

/** DF3. */
function undeclaredSecrets(
  { tools, subagents }: Pick<Configuration, 'tools' | 'subagents'>,
  parts: Parts,
): readonly string[] {
  const { secrets } = parts.declared
  return [
    ...tools.flatMap(({ name, secret_requests: asked = [] }) =>
      asked
        .filter((secret) => !secrets.includes(secret))
        .map(
          (secret) =>
            `the tool ${name} names the secret ${secret}, which the project does not declare: write it into "secrets" of reins.config.ts, and deploy again`,
        ),
    ),
    ...subagents.flatMap((one) => undeclaredSecrets(one as Pick<Configuration, 'tools' | 'subagents'>, parts)),
  ]
}

const firstLine = (text: string | undefined): string | undefined =>
  text?.trim().split('\n')[0]?.slice(0, 200) || undefined

/** Of a `thinkingLevel`. */
export function effortOf(level: string | undefined): AgentDefinition['reasoning_effort'] {
  switch (level) {
    case 'minimal':
    case 'low':
      return 'low'
    case 'medium':
      return 'medium'
    case 'high':
    case 'xhigh':
    case 'max':
      return 'high'
    default:
      return undefined
  }
}

const between = (least: number, value: number, most: number): number => Math.min(most, Math.max(least, value))

function contextOf(compaction: Configuration['compaction']): AgentDefinition['context'] {
  if (compaction === undefined) return undefined
  // As late as there is: what is too much for the model is compacted all the same.
  if (compaction === false) return { compact_at: 0.95 }
  const { reserveTokens, keepRecentTokens, model: summary } = compaction
  if (reserveTokens === undefined && keepRecentTokens === undefined && summary === undefined) return undefined
  return {
    ...(reserveTokens === undefined ? {} : { compact_at: between(0.1, 1 - reserveTokens / assumedWindow, 0.95) }),
    ...(keepRecentTokens === undefined ? {} : { keep: between(0, keepRecentTokens / assumedWindow, 0.5) }),
    ...(summary === undefined ? {} : { summary_model: summary }),
  }
}

/** At most five digits of the smallest unit that has room. */
function wallTime(seconds: number): string {
  for (const [unit, length] of [
    ['s', 1],
    ['m', 60],
    ['h', 3600],
  ] as const)
    if (seconds <= 99_999 * length) return `${Math.ceil(seconds / length)}${unit}`
  return '99999h'
}
