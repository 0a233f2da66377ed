// How long turns take, and the trace of each.
import type { DashboardDefinition } from '../panels.ts'
import { quantile, rate } from './queries.ts'

export const sessions: DashboardDefinition = {
  name: 'sessions',
  title: 'Sessions and delegation trees',
  about:
    'How long turns take, and the trace of each: from the id of a session to its tree, from a slow turn to its span.',
  asks: [{ name: 'session', label: 'session', value: '' }],
  rows: [
    {
      title: 'One session',
      panels: [
        {
          kind: 'traces',
          title: 'Traces of the tree of this session',
          about:
            'Give the id of the session at the top of a tree in the box above. Open a trace: it is the whole tree.',
          width: 24,
          queries: [{ text: '{ span.reins.root.id = "$session" }' }],
        },
        {
          kind: 'logs',
          title: 'Its logs',
          about: 'What processes have logged about this session.',
          width: 24,
          queries: [{ text: '{service_name="reins"} | json | session = "$session"' }],
        },
      ],
    },
    {
      title: 'Which turns to look at',
      panels: [
        {
          kind: 'traces',
          title: 'Slow turns',
          about: 'Turns above 10 s. A turn that waited for people shows that in its trace.',
          width: 12,
          queries: [{ text: '{ span.gen_ai.operation.name = "invoke_agent" && duration > 10s }' }],
        },
        {
          kind: 'traces',
          title: 'Turns that failed',
          about: 'error.type of the span says why.',
          width: 12,
          queries: [{ text: '{ span.gen_ai.operation.name = "invoke_agent" && status = error }' }],
        },
        {
          kind: 'traces',
          title: 'Delegation trees',
          about: 'Traces in which an agent asked another one.',
          width: 12,
          queries: [
            { text: '{ span.reins.delegation.agent != nil } >> { span.gen_ai.operation.name = "invoke_agent" }' },
          ],
        },
        {
          kind: 'traces',
          title: 'Attempts that were lost with their process',
          about: 'What another process has taken over.',
          width: 12,
          queries: [{ text: '{ span.error.type = "lost" }' }],
        },
      ],
    },
    {
      title: 'Turns',
      panels: [
        {
          kind: 'series',
          title: 'Turns by outcome',
          about: 'Turns a second.',
          unit: 'ops',
          queries: [{ text: rate('reins_turn_seconds_count', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          kind: 'series',
          title: 'How long turns take',
          about: 'With the time of models, tools and people.',
          unit: 's',
          queries: [
            { text: quantile(0.5, 'reins_turn_seconds'), legend: 'p50' },
            { text: quantile(0.99, 'reins_turn_seconds'), legend: 'p99' },
          ],
        },
        {
          kind: 'series',
          title: 'What Reins adds',
          about: 'From a trigger that is stored to the append that answers it, without models and tools.',
          unit: 's',
          queries: [
            { text: quantile(0.5, 'reins_step_seconds'), legend: 'step p50' },
            { text: quantile(0.99, 'reins_step_seconds'), legend: 'step p99' },
            { text: quantile(0.99, 'reins_queue_seconds'), legend: 'queue p99' },
          ],
        },
      ],
    },
  ],
}
