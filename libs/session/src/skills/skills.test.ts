import type { AgentDefinition, PinnedTool, SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, message, result, started, t, turn } from '../../test/given.ts'
import { offered } from '../deciding/offered.ts'
import { plan } from '../deciding/plan.ts'
import { skillsDeclared, skillsInUse, skillsPin } from './skills.ts'

const declared: SessionEvent = {
  type: 'skills.declared',
  data: {
    digest: 'sha256-0',
    skills: [
      { name: 'pdf', description: 'Fills\n forms.', allowedTools: ['grep'] },
      { name: 'git', description: 'Commits.', allowedTools: ['shell', 'mcp__git__*'] },
      { name: 'release', description: 'Publishes.', allowedTools: ['shell(git:*)', 'shell(npm test)'] },
      { name: 'free', description: 'Does anything.' },
      { name: 'quiet', description: 'Calls nothing.', allowedTools: [] },
    ],
  },
}
const tools = { shell: 'never', grep: 'safe', use_skill: 'safe', mcp__git__log: 'safe' } as const
const toolset: PinnedTool[] = [
  {
    ...{ name: 'shell', source: 'builtin', replay: 'never', risk: 'exec', digest: 'd' },
    target: { argument: 'command', kind: 'command' },
  },
  { name: 'grep', source: 'builtin', replay: 'safe', risk: 'read', digest: 'd' },
]
const thinking = () =>
  given(g(started({ tools, agents: {}, toolset }), declared, message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))

/** After an answer that activated these skills, in a further model call of the same turn. */
function using(...names: readonly string[]) {
  const calls = names.map((name, index) => asks(`k${index}`, 'use_skill', { name }))
  const done = names.map((_, index) => result(`k${index}`))
  const asked = {
    type: 'tool-calls.requested',
    data: {
      turn: 't2',
      digest: 'd1',
      calls: names.map((name, index) => ({
        call: `k${index}`,
        name: 'use_skill',
        arguments: { name },
        replay: 'safe',
      })),
    },
  } as const satisfies SessionEvent
  return thinking().and(
    e(answered('c2', ...calls)),
    e({ ...asked, data: { ...asked.data, calls: [...asked.data.calls] } }),
    t(...done),
    e(calling('c3', 't2')),
  )
}

/** What is said of a call to this tool in the next answer: its refusal, or undefined where it goes on to a runner. */
function refusal(
  at: ReturnType<typeof thinking>,
  name: string,
  call = 'c3',
  args: Record<string, unknown> = {},
): string | undefined {
  const next = plan(at.session, [answered(call, asks('x', name, args))], { n: 9, at: 1000, by: 'e1' }, true)
  return (next?.events ?? []).flatMap((event) => (event.type === 'tool-call.completed' ? [event.data.output] : []))[0]
}

describe('the skills of a session', () => {
  it('are told to the model as one line each, in the order of the event', () => {
    const { sections, tools: own } = offered(thinking().session)
    expect(own).toEqual([])
    expect(sections).toHaveLength(1)
    expect(sections[0]).toContain('call use_skill')
    expect(sections[0]?.split('Available skills:\n')[1]).toBe(
      '- pdf: Fills forms.\n- git: Commits.\n- release: Publishes.\n- free: Does anything.\n- quiet: Calls nothing.',
    )
  })

  it('are the same text after a skill was used', () => {
    expect(offered(using('pdf').session)).toEqual(offered(thinking().session))
  })

  it('are none where the definition has none, or has no tools', () => {
    const definition: AgentDefinition = { name: 'a', model: 'x/y', system_prompt: 'z' }
    const skills_dir = {
      dir: './s',
      digest: 'd',
      size: 1,
      skills: [{ name: 'pdf', description: 'd', allowed_tools: ['grep'] }],
    }
    expect(skillsDeclared(definition)).toEqual([])
    expect(skillsDeclared({ ...definition, skills_dir: './s' })).toEqual([])
    expect(skillsDeclared({ ...definition, skills_dir, approval_mode: 'never' })).toEqual([])
    expect(skillsDeclared({ ...definition, skills_dir })).toEqual([
      {
        type: 'skills.declared',
        data: { digest: 'd', skills: [{ name: 'pdf', description: 'd', allowedTools: ['grep'] }] },
      },
    ])
  })

  it('do not change when they are declared again', () => {
    const again = given(
      g(started({ tools, agents: {} }), declared),
      g({ type: 'skills.declared', data: { digest: 'x', skills: [] } }),
    )
    expect(again.session.skills?.digest).toBe('sha256-0')
  })
})

describe('a skill in use', () => {
  it('refuses a call outside of its tools, and says which those are', () => {
    expect(refusal(using('pdf'), 'grep')).toBeUndefined()
    expect(refusal(using('pdf'), 'shell')).toContain('the skill pdf, which is in use, allows only grep')
    expect(refusal(using('quiet'), 'grep')).toContain('the skill quiet, which is in use, allows no tool')
  })

  it.each([
    ['git', true],
    ['git status', true],
    ['git log --oneline -5', true],
    ['npm test', true],
    ['npm test --silent', false],
    ['gitk', false],
    ['git status && rm -rf .', false],
    ['git log $(rm x)', false],
    ['rm -rf .', false],
  ])('allows commands as it says, and only simple ones: %s', (command, allowed) => {
    const told = refusal(using('release'), 'shell', 'c3', { command })
    if (allowed) expect(told).toBeUndefined()
    else expect(told).toContain('allows only shell(git:*), shell(npm test)')
  })

  it('allows a command that a person has changed', () => {
    const next = using('release').and(e(answered('c3', asks('x', 'shell', { command: 'git log' }))))
    const changed = next.session.turn?.calls.map((call) => ({
      ...call,
      ...{ arguments: { command: 'rm x' }, edited: { by: 'ann' } },
    }))
    const session = { ...next.session, turn: { ...next.session.turn!, calls: changed! } }
    const types = plan(session, [], { n: 9, at: 1000, by: 'e1' }, true)?.events.map(({ type }) => type)
    expect(types).toEqual(['tool-calls.requested'])
  })

  it('lets another skill be activated', () => {
    expect(refusal(using('quiet'), 'use_skill')).toBeUndefined()
  })

  it('allows with others what one of them allows, also by the beginning of a name', () => {
    for (const tool of ['grep', 'shell', 'mcp__git__log']) expect(refusal(using('pdf', 'git'), tool)).toBeUndefined()
  })

  it('that narrows nothing does not lift what another one narrows', () => {
    expect(refusal(using('free'), 'shell')).toBeUndefined()
    expect(refusal(using('pdf', 'free'), 'shell')).toContain('allows only grep')
  })

  it('does not narrow the answer that activated it', () => {
    const at = thinking()
    const answer = answered('c2', asks('k0', 'use_skill', { name: 'pdf' }), asks('k1', 'shell'))
    const after = at.and(e(answer), t(result('k0')))
    expect(skillsInUse(after.session)).toEqual([])
  })

  it('is in use until the turn ends', () => {
    const ended = using('pdf').and(
      e(answered('c3')),
      e({
        type: 'turn.completed',
        data: {
          turn: 't2',
          call: 'c3',
          usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
          reason: 'answered',
        },
      }),
      g(message('m2')),
      e(turn('t9', 'm2'), calling('c9', 't9')),
    )
    expect(skillsInUse(ended.session)).toEqual([])
    expect(refusal(ended, 'shell', 'c9')).toBeUndefined()
  })

  it('is named where a compaction may cover its instructions', () => {
    expect(skillsPin(using('pdf').session)).toMatch(/the skill pdf\. .* call use_skill/)
    expect(skillsPin(thinking().session)).toBeNull()
  })

  it('is none that is unknown, or whose call failed', () => {
    expect(using('nobody').session.skills?.used).toBeUndefined()
    const failed = thinking().and(
      e(answered('c2', asks('k0', 'use_skill', { name: 'pdf' }))),
      e({ type: 'tool-call.completed', data: { call: 'k0', attempt: 1, status: 'error', output: 'no' } }),
    )
    expect(failed.session.skills?.used).toBeUndefined()
  })
})
