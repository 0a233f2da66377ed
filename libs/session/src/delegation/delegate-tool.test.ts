import type { DeclaredAgent } from '@reins/contracts'
import { expect, it } from 'vitest'
import { g, given, started } from '../../test/given.ts'
import { offered } from '../deciding/offered.ts'

const agents: DeclaredAgent[] = [
  {
    name: 'researcher',
    description: 'Deep research using web sources.',
    onPause: 'wait',
    digest: 'd1',
    pool: 'default',
  },
  {
    name: 'deployer',
    description: 'Deploys.\n  May pause.',
    onPause: 'return',
    digest: 'd2',
    pool: 'p',
    workflow: 'ship',
  },
  { name: 'gone', description: 'Was deleted.', onPause: 'wait', gone: true },
]
const declared = (levels: number) =>
  ({ type: 'agents.declared', data: { agents, levels, fanOut: 4, perTurn: 9, sessions: 9 } }) as const
const sessionWith = (levels: number) => given(g(started({ agents: {} }), declared(levels))).session

it('tells a model which agents there are, how it delegates and how it goes on with a paused one', () => {
  expect(offered(sessionWith(2)).sections).toEqual([
    `## Agents

Available agents:
- researcher: Deep research using web sources.
- deployer: Deploys. May pause.

To hand work to one of them, call the tool \`delegate\`; do not describe or simulate a delegation in your text. An agent begins with a blank context and cannot see this conversation: put all that it must know into \`instruction\`, and data into \`input\`. Say in \`expected_output\` which form the answer should have. Calls of \`delegate\` in one answer run side by side.

The result is JSON with a \`status\`:
- "completed": \`output\` is the answer of the agent.
- "failed": \`output\` says why. Try again, choose another agent, or report it.
- "paused": the agent waits, for example for a person's approval, and \`output\` says for what. It keeps its context. To go on with it, now or in a later turn, call \`delegate\` again with the same \`agent\`, the \`execution_id\` of the result, and your \`instruction\`.`,
  ])
})

it('gives it the tool, whose form names those agents and no others', () => {
  const [tool, ...others] = offered(sessionWith(2)).tools
  expect(others).toEqual([])
  expect(tool?.name).toBe('delegate')
  expect(tool?.parameters).toMatchObject({
    properties: { agent: { enum: ['researcher', 'deployer'] }, execution_id: { type: 'string' } },
    required: ['agent', 'instruction'],
  })
})

it('gives nothing where no session may lie below, or where there is no agent', () => {
  expect(offered(sessionWith(0))).toEqual({ tools: [], sections: [], notices: [] })
  expect(offered(given(g(started({ agents: {} }))).session)).toEqual({ tools: [], sections: [], notices: [] })
})
