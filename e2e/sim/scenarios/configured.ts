// Sessions whose agent is configured anew for a message, between turns and while one is open.
import type { SessionEvent } from '@reins/contracts'
import { any, born, message, type Scenario, usualFaults } from './scenario.ts'
import { base } from './scenarios.ts'

const code = { project: 'project', build: 1, digest: 'bundle', size: 1, file: 'agents/agent.ts' }
const { limits } = born
const anew = (digest: string, tools: Scenario['born']['tools']): readonly SessionEvent[] => [
  {
    type: 'agent.configured',
    data: { code, pinned: { digest, model: `model-${digest}`, limits, tools, toolset: [] } },
  },
  { type: 'context.declared', data: { keep: 0.5 } },
]

const message2 = { ...message('m2'), anew: anew('d2', { safe: 'safe' }) }

/** The tool that the first turn calls is gone for the second. */
export const configured = {
  ...base,
  executors: 2,
  runners: 1,
  turns: [
    [{ tools: ['never'] }, {}],
    [{ tools: ['safe'] }, {}],
  ],
  gateway: [message('m1'), message2],
  faults: usualFaults,
  total: 1,
} as const satisfies Partial<Scenario>

const upgrade = (from: string, digest: string, tools: Scenario['born']['tools']) => ({
  op: 'upgrade' as const,
  events: [
    {
      type: 'session.upgraded' as const,
      data: { from, pinned: { digest, model: `model-${digest}`, limits, tools, toolset: [] } },
    },
  ],
})

/** Between a turn that calls a tool and one that has it no more. */
export const upgraded = {
  ...configured,
  gateway: [message('m1'), upgrade('d', 'd2', { safe: 'safe' }), message('m2')],
} as const satisfies Partial<Scenario>

export const mediumConfigured: readonly Scenario[] = [
  { ...upgraded, name: 'a session that is upgraded' },
  { ...configured, name: 'an agent that is configured anew for a message' },
  {
    ...configured,
    name: 'an agent that is configured anew for a message that interrupts',
    gateway: [message('m1'), { ...message2, onBusy: 'interrupt' }],
  },
]

export const largeConfigured: readonly Scenario[] = [
  {
    ...configured,
    name: 'an agent that is configured anew: joins, cancels, pauses, faults',
    turns: [
      [{ tools: ['never', 'safe'] }, { tools: ['safe'] }, {}],
      [{ tools: ['safe', 'never'] }, {}],
    ],
    gateway: [
      message('m1'),
      { ...message('m2', 'join'), anew: anew('d2', { safe: 'safe' }) },
      { op: 'pause' },
      upgrade('d2', 'u1', { never: 'never', safe: 'safe' }),
      { ...message('m3'), anew: anew('d3', { never: 'never' }) },
      { op: 'resume' },
      { op: 'cancel' },
      { ...message('m4'), anew: anew('d4', { safe: 'safe', never: 'never' }) },
    ],
    faults: any(3),
    total: 8,
  },
]
