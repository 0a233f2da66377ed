// What an initializer returns, and what a profile holds. Types only.
import type { Tool } from '../tool.ts'
import type { SandboxChoice } from './sandbox.ts'
import type { WorkflowAgent } from './workflow-agent.ts'

export type ThinkingLevel = 'off' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** `false`: nothing is compacted before the model's window is full. */
export type CompactionConfig =
  | false
  | {
      /** Tokens that stay free for the answer. */
      readonly reserveTokens?: number
      /** Tokens of the newest messages that stay word for word. */
      readonly keepRecentTokens?: number
      /** provider/model that writes the summaries. */
      readonly model?: string
    }

export interface DurabilityConfig {
  /** How often an interrupted turn is taken up again. */
  readonly maxAttempts?: number
  /** ms that all turns of a session may take together. */
  readonly timeoutMs?: number
}

/** What an import of a `SKILL.md` gives. */
export interface Skill {
  readonly name: string
  readonly description: string
}

/** Behaviour that agents share, and what a subagent is. */
export interface AgentProfile {
  readonly name?: string
  readonly description?: string
  readonly model?: string
  readonly instructions?: string
  readonly skills?: readonly Skill[]
  // biome-ignore lint/suspicious/noExplicitAny: tools of one list have different arguments.
  readonly tools?: readonly Tool<any>[]
  readonly subagents?: readonly (AgentProfile | WorkflowAgent)[]
  /** The same as `subagents`. */
  readonly agents?: readonly (AgentProfile | WorkflowAgent)[]
  readonly thinkingLevel?: ThinkingLevel
  readonly compaction?: CompactionConfig
  readonly durability?: DurabilityConfig
}

/** What an initializer returns. What it says itself stands before what its profile says; lists are added to those of the profile. */
export interface AgentRuntimeConfig extends Omit<AgentProfile, 'name' | 'model'> {
  readonly profile?: AgentProfile
  /** provider/model. `false`: each call says its own. */
  readonly model?: string | false
  /** The folder that the agent works in: in its sandbox in memory, or with `local()` on the machine of its tool-runner. */
  readonly cwd?: string
  /** Default: `virtual()`. `false`: the agent has no files and no shell. */
  readonly sandbox?: SandboxChoice | false
}
