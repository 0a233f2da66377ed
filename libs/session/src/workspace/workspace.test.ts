import type { SessionEvent, WorkspaceFound } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, message, result, started, t, turn, types } from '../../test/given.ts'
import { sessionBeginning } from '../lifecycle/beginning.ts'
import { offered } from '../deciding/offered.ts'
import { plan } from '../deciding/plan.ts'
import { skillsInUse } from '../skills/skills.ts'

const found: WorkspaceFound = {
  instructions: 'Use tabs.\n',
  skills: [
    {
      name: 'pdf',
      description: 'Fills forms.',
      instructions: 'Fill it.',
      folder: '.agents/skills/pdf',
      allowedTools: ['grep'],
    },
    { name: 'csv', description: 'Reads tables.', instructions: 'Read it.', folder: '.agents/skills/csv' },
  ],
}
const declared: readonly SessionEvent[] = [
  { type: 'workspace.declared', data: {} },
  {
    type: 'toolset.declared',
    data: { servers: [{ server: '.workspace', optional: true }], principal: 'ann', wait: 1000 },
  },
]
const resolved = (workspace?: WorkspaceFound, request = 's2'): SessionEvent => ({
  type: 'toolset.resolved',
  data: {
    request,
    servers: [{ server: '.workspace', status: 'ready', digest: 'd', tools: [], ...(workspace ? { workspace } : {}) }],
  },
})
const begun = (...more: readonly SessionEvent[]) =>
  given(g(started({ agents: {} }), ...more, ...declared, message('m1')), e(turn('t2', 'm1')))
const next = (state: ReturnType<typeof given>, ...events: readonly SessionEvent[]) =>
  plan(state.session, events, { n: state.head.n + 1, at: 1000, by: 'e1' }, true)
const looked = (state = begun(), workspace = found) => {
  const frame = next(state)
  return state.and(e(...(frame?.events ?? [])), t(resolved(workspace, 's3')), e(calling('c5', 't2')))
}

describe('a session whose workspace is looked at', () => {
  it('asks before its first model call, as it asks for the tools of servers', () => {
    expect(types(next(begun())?.events ?? [])).toEqual(['toolset.requested', 'timer.armed'])
  })

  it('tells its model what was found, and goes on with that', () => {
    const { session } = looked()
    const { sections, tools } = offered(session)
    expect(sections[0]).toBe(
      '## AGENTS.md\nThe workspace has these instructions for agents that work in it:\nUse tabs.',
    )
    expect(sections[1]).toContain('- pdf: Fills forms.\n- csv: Reads tables.')
    expect(tools.map(({ name }) => name)).toEqual(['use_skill'])
    const again = looked().and(t(resolved({ skills: [] }, 's3')))
    expect(offered(again.session).sections).toEqual(sections)
  })

  it('goes on without it where nobody could look', () => {
    const state = begun()
    const frame = next(state)
    const answer: SessionEvent = {
      type: 'toolset.resolved',
      data: { request: 's3', servers: [{ server: '.workspace', status: 'unavailable', reason: 'It is gone.' }] },
    }
    const after = state.and(e(...(frame?.events ?? [])), t(answer))
    expect(offered(after.session)).toMatchObject({ sections: [], tools: [] })
    expect(types(next(after)?.events ?? [])).toEqual(['model-call.started'])
  })

  it('gives the instructions of a skill from its log, and has the skill in use then', () => {
    const state = looked()
    const frame = next(state, answered('c5', asks('k', 'use_skill', { name: 'pdf' })))
    expect(types(frame?.events ?? [])).toEqual(['model-call.completed', 'tool-call.completed', 'model-call.started'])
    expect(JSON.stringify(frame?.events[1])).toContain('Fill it.')
    expect(skillsInUse(frame!.after).map(({ name }) => name)).toEqual(['pdf'])
    const refused = plan(frame!.after, [answered('c6', asks('k2', 'shell'))], { n: 9, at: 1, by: 'e1' }, true)
    expect(JSON.stringify(refused?.events)).toContain('allows only grep')
  })

  it('names the skills that there are where one is not', () => {
    const frame = next(looked(), answered('c5', asks('k', 'use_skill', { name: 'pdff' })))
    expect(JSON.stringify(frame?.events[1])).toContain('Available: pdf, csv.')
  })

  it('has the skill of its definition before one of the same name', () => {
    const own: SessionEvent = {
      type: 'skills.declared',
      data: { digest: 'x', skills: [{ name: 'pdf', description: 'Ours.' }] },
    }
    const state = given(
      g(started({ agents: {}, tools: { use_skill: 'safe' } }), own, ...declared, message('m1')),
      e(turn('t2', 'm1')),
    )
    const { session } = looked(state)
    const told = offered(session)
    expect(told.tools).toEqual([])
    expect(told.sections[1]?.split('Available skills:\n')[1]).toBe('- pdf: Ours.\n- csv: Reads tables.')
    const ours = next(looked(state), answered('c5', asks('k', 'use_skill', { name: 'pdf' })))
    expect(types(ours?.events ?? [])).toEqual(['model-call.completed', 'tool-calls.requested'])
    const theirs = next(looked(state), answered('c5', asks('k', 'use_skill', { name: 'csv' })))
    expect(JSON.stringify(theirs?.events)).toContain('Read it.')
  })

  it('is one whose definition says so or names its folder, and has tools', () => {
    const base = { name: 'a', model: 'm/m', system_prompt: 'x' }
    const typesOf = (definition: object) =>
      sessionBeginning({
        ...{ agent: 'a', digest: 'd', toolset: [], principal: 'ann' },
        definition: { ...base, ...definition },
      }).declared.map(({ type }) => type)
    expect(typesOf({})).toEqual([])
    expect(typesOf({ workspace_context: true })).toEqual(['toolset.declared', 'workspace.declared'])
    expect(typesOf({ workspace_context: true, approval_mode: 'never' })).toEqual(['approvals.pinned'])
    const tools = ['read_file', { shell: { workspace: 'project' } }]
    expect(typesOf({ tools })).toEqual(['toolset.declared', 'workspace.declared'])
    expect(typesOf({ tools, workspace_context: false })).toEqual([])
    expect(typesOf({ tools: ['shell', { files: { timeout: 5 } }] })).toEqual([])
  })
})

it('a call of use_skill that nobody offered goes where unknown calls go', () => {
  const plain = given(g(started({ agents: {} }), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
  const frame = next(plain, answered('c2', asks('k', 'use_skill', { name: 'x' })))
  expect(JSON.stringify(frame?.events[1])).toContain('There is no tool')
  expect(result('k').type).toBe('tool-call.completed')
})
