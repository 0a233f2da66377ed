// The tool `task` of agents that come from code: a delegation by another name and in a smaller form. It makes the same child, by the same
// events.
//   TK3. Without an agent the child has the configuration of the session itself, in a fresh context.
//   TK4. The model is given the final text alone; where there is none, it is told why, and the call is an error.
import {
  affinityOf,
  budgetLimits,
  type DeclaredAgent,
  entryName,
  folderInMemory,
  folderOf,
  hasLimit,
  isInline,
  offersTask,
  placeWithin,
  poolKey,
  type SessionEvent,
  type ToolSpec,
} from '@reins/contracts'
import type { SessionStart } from '../lifecycle/session-started.ts'
import type { Call, Session } from '../session.ts'
import { isLeftOut, type Task, taskName } from './team.ts'

export const isTask = ({ team }: Pick<Session, 'team'>, { name }: Pick<Call, 'name'>): boolean =>
  name === taskName && team?.task !== undefined

/** TK3. */
export function taskDeclared({ agent, digest, definition }: SessionStart): readonly SessionEvent[] {
  // Tools that are off are offered to nobody.
  if (!offersTask(definition) || definition.approval_mode === 'never') return []
  const budget = budgetLimits(definition.budget)
  const folder = folderOf(definition) ?? folderInMemory(definition)
  const own: DeclaredAgent = {
    ...{ name: agent, description: '', onPause: 'wait', digest, pool: poolKey(affinityOf(definition)) },
    delegates: true,
    ...(hasLimit(budget) ? { budget } : {}),
  }
  const agents = (definition.agents ?? []).filter(isInline).map(entryName)
  return [{ type: 'task.declared', data: { agents, own, ...(folder === undefined ? {} : { folder }) } }]
}

/** Why nothing can work there; undefined: it can. */
export function cwdProblem({ folder }: Task, cwd: unknown): string | undefined {
  if (isLeftOut(cwd)) return undefined
  if (typeof cwd !== 'string') return '"cwd" must be the path of a folder, as a text.'
  if (folder === undefined)
    return '"cwd" cannot be used here: this agent works in no folder, or in one that its configuration does not name. Leave "cwd" out, and put what is needed into "prompt".'
  if (placeWithin(folder, cwd) !== undefined) return undefined
  return `"cwd" must be a folder inside of the one that you work in, such as "docs"; ${JSON.stringify(cwd.slice(0, 200))} is not.`
}

/** From the folder of the agent on; undefined: that folder itself. */
export const placeAsked = ({ folder }: Task, cwd: unknown): string | undefined =>
  folder === undefined || typeof cwd !== 'string' || cwd === '' ? undefined : placeWithin(folder, cwd) || undefined

export const taskTool = ({ folder }: Task, names: readonly string[]): ToolSpec => ({
  name: taskName,
  description: 'Hand a piece of work to a fresh context, and get its final text.',
  parameters: {
    type: 'object',
    properties: {
      prompt: {
        type: 'string',
        description: 'What to do, with all that must be known for it: this conversation cannot be seen there.',
      },
      ...(names.length === 0
        ? {}
        : {
            agent: {
              type: 'string',
              enum: [...names],
              description: 'The agent that does it. Leave it out for one with your own instructions and tools.',
            },
          }),
      ...(folder === undefined
        ? {}
        : { cwd: { type: 'string', description: 'The folder to work in, inside of the one that you work in.' } }),
    },
    required: ['prompt'],
  },
})

export const taskSection = (agents: readonly DeclaredAgent[], shown: (agent: DeclaredAgent) => string): string =>
  `## Tasks

To hand a piece of work to a fresh context, call the tool \`${taskName}\`; do not describe or simulate a task in your text. It cannot see this conversation: put all that it must know into \`prompt\`. Calls of \`${taskName}\` in one answer run side by side, and you get the final text of each.${
    agents.length === 0 ? '' : `\n\nAgents that \`agent\` can name:\n${agents.map(shown).join('\n')}`
  }`
