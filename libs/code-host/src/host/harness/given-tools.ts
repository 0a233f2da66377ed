// Tools, skills and subagents that the code of a workflow gives a prompt, or an agent that it asks for. The bundle's own copy of
// @reins/agent knows what they are made of; what reads them it leaves under a registered symbol.
//   GV1. Recorded is what there is to tell of them. Their functions stay here, and are found by whoever replays the code up to there.
import type { LiveTools } from '@reins/agent'

interface Reader {
  given?(giving: Giving): Promise<Given>
}

const marker = Symbol.for('reins.schemas')

export interface Giving {
  readonly tools?: unknown
  readonly skills?: unknown
  readonly subagents?: unknown
}

export interface Given {
  /** Plain JSON. */
  readonly configuration: {
    readonly tools: readonly { readonly name: string }[]
    readonly skills: readonly unknown[]
    readonly subagents: readonly unknown[]
  }
  readonly live: LiveTools
}

/** Then there is nothing to wait for: an operation without it is asked for at once. */
export const givesNothing = (giving: Giving): boolean => Object.values(giving).every((value) => value === undefined)

/** undefined: it comes to nothing. Rejects with a TypeError that says what is wrong. `what`: `prompt()`. */
export async function readGiven(what: string, giving: Giving): Promise<Given | undefined> {
  const named = Object.fromEntries(Object.entries(giving).filter(([, value]) => value !== undefined))
  const reader = (globalThis as { [marker]?: Reader })[marker]
  if (!reader?.given)
    throw new TypeError(
      `the project was built with a @reins/agent that gives nothing to ${what}: build it with this Reins, and deploy it again`,
    )
  try {
    const read = await reader.given(named)
    const { tools, skills, subagents } = read.configuration
    return tools.length + skills.length + subagents.length === 0 ? undefined : read
  } catch (error) {
    throw new TypeError(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
