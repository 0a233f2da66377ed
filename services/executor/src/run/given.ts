// What the code of a run gives a prompt, or an agent that it asks for, on its way to a version of the agent's definition that has it.
import type { SessionEvent, VaryVersion } from '@reins/contracts'
import { type Run, type Session, toolsGiven } from '@reins/session'

export type Given = NonNullable<VaryVersion['more']>

/** undefined: it gives nothing. Throws where the host says what no code can say. */
export function moreOf(
  { id }: Session,
  { workflow, digest, file }: Run,
  position: number,
  more: unknown,
): Given | undefined {
  if (more === undefined) return undefined
  if (!workflow || typeof more !== 'object' || more === null) throw new Error('The code disturbed its host.')
  const { tools = [], skills = [], subagents = [] } = more as Readonly<Record<string, unknown>>
  return {
    given: { run: id, position, project: workflow.project },
    ...{ digest, file, tools, skills, subagents },
  }
}

/** GT3 of libs/session. Beside the operation: all tools that came with it, also those of subagents. */
export const givenBeside = ({ given, tools, subagents }: Given): readonly SessionEvent[] => {
  const named = namesIn({ tools, subagents })
  return named.length === 0 ? [] : [toolsGiven(given, named)]
}

interface Level {
  readonly tools?: unknown
  readonly subagents?: unknown
}

/** The registry has checked their form by then. */
const namesIn = ({ tools, subagents }: Level): readonly { readonly name: string }[] => [
  ...((tools ?? []) as readonly { readonly name: string }[]),
  ...((subagents ?? []) as readonly Level[]).flatMap(namesIn),
]
