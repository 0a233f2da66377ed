// The whole of what an agent is told that has everything: its order, and that nothing in it depends on who approves.
import type { AgentDefinition, DeclaredAgent, SessionEvent } from '@reins/contracts'
import { emptySession, evolve, type Session, sessionBeginning } from '@reins/session'
import { expect, test } from 'vitest'
import type { CallSettings } from './definitions.ts'
import { promptOf } from './prompt.ts'

const definition: AgentDefinition = {
  ...{ name: 'agent', model: 'lab/m', system_prompt: 'You do what you are told.', planning: true },
  ...{ long_term_memory: { scope: 'user:$principal' }, agents: ['helper'] },
}
const tool = (name: string) => ({ name, description: name, parameters: { type: 'object' } })
const settings: CallSettings = {
  ...{ system: definition.system_prompt, tools: [tool('shell'), tool('use_skill')], maxTokens: 100, stream: true },
}
const agents: readonly DeclaredAgent[] = [
  { name: 'helper', description: 'Delegate when something must be found.', onPause: 'wait', digest: 'd', pool: 'p' },
]
const skills: SessionEvent = {
  type: 'skills.declared',
  data: { digest: 'd', skills: [{ name: 'pdf', description: 'Fills forms.', allowedTools: ['shell'] }] },
}

function begun(mode: AgentDefinition['approval_mode'], approval?: 'always', final = false): Session {
  const pinned = { name: 'shell', source: 's', replay: 'never', risk: 'exec', digest: 'd' } as const
  const toolset = [{ ...pinned, ...(approval === undefined ? {} : { rule: { approval } }) }]
  const { started, declared } = sessionBeginning({
    ...{ agent: 'agent', digest: 'd', toolset, principal: 'ann', agents },
    definition: mode === undefined ? definition : { ...definition, approval_mode: mode },
  })
  const events: readonly SessionEvent[] = [
    { type: 'session.started', data: started },
    skills,
    ...declared,
    { type: 'message.received', data: { message: 'm1', content: [{ type: 'text', text: 'Go.' }], onBusy: 'queue' } },
    { type: 'turn.started', data: { turn: 't1', messages: ['m1'] } },
    {
      type: 'model-call.started',
      data: { call: 'c1', attempt: 1, turn: 't1', model: 'lab/m', ...(final ? { final } : {}) },
    },
  ]
  return events.reduce(
    (session, event, n) => evolve(session, event, { role: n < 5 ? 'g' : 'e', n, at: 0, by: 'e1' }),
    emptySession('s'),
  )
}

test('the parts of the system prompt stand in their order: what the definition says, skills, memory, plan, agents', () => {
  const { system } = promptOf(begun('default'), settings, 100_000)
  const heads = system.split('\n').filter((line) => line.startsWith('## '))
  expect(system.startsWith('You do what you are told.\n\n## Skills')).toBe(true)
  expect(heads).toEqual(['## Skills', '## Long-term memory', '## Planning', '## Agents'])
})

test('who is asked about a call stands nowhere in what a model is sent: it is the same for every mode and rule', () => {
  const plain = promptOf(begun('default'), settings, 100_000)
  for (const session of [begun('always'), begun('autonomous'), begun('default', 'always')]) {
    const { system, tools, messages, notices } = promptOf(session, settings, 100_000)
    expect({ system, tools, messages, notices }).toEqual({
      ...{ system: plain.system, tools: plain.tools, messages: plain.messages, notices: plain.notices },
    })
  }
})

test('in the last call of a turn the system prompt and the tools are the same bytes, and a notice says that it is the last', () => {
  const before = promptOf(begun('default'), settings, 100_000)
  const last = promptOf(begun('default', undefined, true), settings, 100_000)
  expect(last.final).toBe(true)
  expect({ system: last.system, tools: last.tools, messages: last.messages }).toEqual({
    ...{ system: before.system, tools: before.tools, messages: before.messages },
  })
  expect(last.notices.at(-1)).toContain('call no more tools')
})
