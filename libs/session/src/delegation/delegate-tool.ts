// What a model is given that may delegate: the tool, and the part of its prompt that names its agents (their texts are pinned by a test).
import type { DeclaredAgent, ToolSpec } from '@reins/contracts'
import type { Call, Session } from '../session.ts'
import type { OfferRule } from '../slice.ts'
import { isTask, taskSection, taskTool } from './task.ts'

/** What the model calls to delegate. */
export const delegateName = 'delegate'

/** Whether a call is one to delegate, by whichever name, in a session that may. */
export const isDelegation = (session: Pick<Session, 'team'>, call: Pick<Call, 'name'>): boolean =>
  isTask(session, call) || namesDelegate(session, call)

const namesDelegate = ({ team }: Pick<Session, 'team'>, { name }: Pick<Call, 'name'>): boolean =>
  name === delegateName && team !== undefined && (team.task === undefined || team.agents.length > 0)

const delegateTool = (names: readonly string[]): ToolSpec => ({
  name: delegateName,
  description:
    'Hand work to one of your agents and get its result as JSON: {"agent", "status", "output"}, and "execution_id" where it is paused.',
  parameters: {
    type: 'object',
    properties: {
      agent: { type: 'string', enum: [...names], description: 'The name of the agent.' },
      instruction: {
        type: 'string',
        description: 'What to do, with all that the agent must know: it cannot see this conversation.',
      },
      input: { type: 'string', description: 'Data that the agent needs: JSON or plain text.' },
      expected_output: { type: 'string', description: 'The form that the answer should have.' },
      execution_id: {
        type: 'string',
        description: 'Of a paused agent: goes on with it where it stopped. Leave it out to begin anew.',
      },
    },
    required: ['agent', 'instruction'],
  },
})

const shown = ({ name, description }: DeclaredAgent): string =>
  `- ${name}: ${description.trim().replaceAll(/\s*\n\s*/g, ' ') || '(no description)'}`

const section = (agents: readonly DeclaredAgent[]): string => `## Agents

Available agents:
${agents.map(shown).join('\n')}

To hand work to one of them, call the tool \`${delegateName}\`; do not describe or simulate a delegation in your text. An agent begins with a blank context and cannot see this conversation: put all that it must know into \`instruction\`, and data into \`input\`. Say in \`expected_output\` which form the answer should have. Calls of \`${delegateName}\` in one answer run side by side.

The result is JSON with a \`status\`:
- "completed": \`output\` is the answer of the agent.
- "failed": \`output\` says why. Try again, choose another agent, or report it.
- "paused": the agent waits, for example for a person's approval, and \`output\` says for what. It keeps its context. To go on with it, now or in a later turn, call \`${delegateName}\` again with the same \`agent\`, the \`execution_id\` of the result, and your \`instruction\`.`

/** Those that the registry had when the session started. */
export const delegationOffer: OfferRule = ({ team }) => {
  if (!team || team.levels === 0) return null
  const { task } = team
  const there = team.agents.filter(({ gone }) => !gone)
  const [named, listed] = task
    ? [there.filter(({ name }) => task.agents.includes(name)), there.filter(({ name }) => !task.agents.includes(name))]
    : [[], there]
  const tools = [
    ...(task ? [taskTool(task, namesOf(named))] : []),
    ...(listed.length > 0 ? [delegateTool(namesOf(listed))] : []),
  ]
  if (tools.length === 0) return null
  const sections = [...(task ? [taskSection(named, shown)] : []), ...(listed.length > 0 ? [section(listed)] : [])]
  return { tools, section: sections.join('\n\n') }
}

const namesOf = (agents: readonly DeclaredAgent[]): readonly string[] => agents.map(({ name }) => name)
