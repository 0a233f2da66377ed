// What is wrong with the agents that a definition lists, where that depends on the agents that there are.
//   TP1. An agent that is listed exists, and says when to delegate to it.
//   TP2. Nobody may come to delegate to itself: the agents that a definition reaches make no circle with it.
import {
  type AgentDefinition,
  isBlank,
  isWorkflow,
  noDescription,
  type Problem,
  placedEntries,
  quoted,
  type SubAgentEntry,
  subAgentTarget,
  suggestion,
} from '@reins/contracts'
import { type Document, problemAt } from '../definition/plain-value.ts'

/** What an entry may name. */
export interface KnownAgents {
  /** undefined: there is none of this name. */
  definition(name: string): Promise<AgentDefinition | undefined>
  names(): Promise<readonly string[]>
}

/** What an entry may name as its workflow: one of a project, or an agent, whose sessions can pause and go on. */
export interface KnownWorkflows extends KnownAgents {
  /** The project that has it; undefined: none has. */
  project(name: string): Promise<string | undefined>
}

const namesShown = 50

export async function teamProblems(
  definition: AgentDefinition,
  places: Document['places'],
  agents: KnownAgents,
  workflows?: KnownWorkflows,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const { path, entry } of placedEntries(definition.agents)) {
    const target = subAgentTarget(entry)
    if (target === undefined) continue
    const say = (message: string) => void problems.push(problemAt(places, path, message))
    if (target === definition.name) {
      say(circle([definition.name, definition.name]))
      continue
    }
    // What the code of a workflow delegates to, nobody knows before it runs: the depth of the tree bounds it.
    if (isWorkflow(entry) && (await workflows?.project(target)) !== undefined) continue
    const known = isWorkflow(entry) && workflows ? workflows : agents
    const found = await known.definition(target)
    if (!found) say(missing(isWorkflow(entry) ? 'workflow' : 'agent', target, await known.names()))
    else {
      if (isBlank(descriptionOf(entry) ?? found.description)) say(noDescription(target))
      const way = await wayBack(found, definition.name, agents)
      if (way) say(circle([definition.name, ...way]))
    }
  }
  return problems
}

const descriptionOf = (entry: SubAgentEntry): string | undefined =>
  typeof entry === 'string' ? undefined : entry.description

function missing(kind: 'agent' | 'workflow', name: string, names: readonly string[]): string {
  const more = names.length > namesShown ? `, and ${names.length - namesShown} more` : ''
  const there = names.length === 0 ? 'there are none yet' : names.slice(0, namesShown).join(', ') + more
  return `names the ${kind} ${quoted(name)}, which is not there${suggestion(name, names)}; ${kind}s that exist: ${there}`
}

const circle = (names: readonly string[]): string =>
  `makes a circle: ${names.join(' → ')}. An agent must not come to delegate to itself`

/** TP2. The names on the way from an agent to `name`; undefined: there is none. */
async function wayBack(
  from: AgentDefinition,
  name: string,
  agents: KnownAgents,
  seen: Set<string> = new Set(),
): Promise<readonly string[] | undefined> {
  seen.add(from.name)
  for (const { entry } of placedEntries(from.agents)) {
    const target = subAgentTarget(entry)
    if (target === undefined || seen.has(target)) continue
    if (target === name) return [from.name, name]
    const next = await agents.definition(target)
    const way = next && (await wayBack(next, name, agents, seen))
    if (way) return [from.name, ...way]
  }
  return undefined
}

/** Those of `all` that list the agent, by name. */
export const listedBy = (name: string, all: readonly AgentDefinition[]): readonly string[] =>
  all
    .filter((one) => one.name !== name && placedEntries(one.agents).some(({ entry }) => subAgentTarget(entry) === name))
    .map((one) => one.name)
    .sort()
