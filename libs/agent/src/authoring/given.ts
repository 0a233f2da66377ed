// What a workflow gives a prompt, or an agent that it asks for: tools, skills and subagents beside those of the agent. Checked as an
// initializer's are, with every mistake named at once.
import { checkProfile } from './check-profile.ts'
import { type AgentConfiguration, configureParts, type LiveTools } from './configure.ts'
import type { AgentProfile } from './runtime-config.ts'

export type Giving = Pick<AgentProfile, 'tools' | 'skills' | 'subagents'>

export interface Given {
  /** Plain JSON. */
  readonly configuration: Pick<AgentConfiguration, 'tools' | 'skills' | 'subagents'>
  readonly live: LiveTools
}

/** Rejects with a TypeError. */
export async function given(giving: Giving): Promise<Given> {
  const problems = [...checkProfile(giving)]
  if (problems.length === 0) {
    const { tools = [], skills = [], subagents = [] } = giving
    const made = await configureParts({ tools, skills, subagents }, problems)
    if (problems.length === 0) {
      const { configuration, live } = made
      return {
        configuration: {
          tools: configuration.tools,
          skills: configuration.skills,
          subagents: configuration.subagents,
        },
        live,
      }
    }
  }
  throw new TypeError(problems.join('; '))
}
