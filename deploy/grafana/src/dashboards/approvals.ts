// What waits for people, and for how long.
import type { DashboardDefinition } from '../panels.ts'

export const approvals: DashboardDefinition = {
  name: 'approvals',
  title: 'Approvals',
  about: 'What waits for people, and for how long.',
  rows: [
    {
      title: 'Approvals and questions',
      panels: [
        {
          kind: 'number',
          title: 'Approvals that wait',
          about: 'reins approvals list shows them.',
          width: 6,
          queries: [{ text: 'max(reins_approvals_waiting)' }],
        },
        {
          kind: 'number',
          title: 'The oldest approval',
          about: 'How long it has waited.',
          unit: 's',
          width: 6,
          queries: [{ text: 'max(reins_approvals_oldest_seconds)' }],
        },
        {
          kind: 'number',
          title: 'Questions that wait',
          about: 'reins elicitations list shows them.',
          width: 6,
          queries: [{ text: 'max(reins_elicitations_waiting)' }],
        },
        {
          kind: 'number',
          title: 'The oldest question',
          about: 'How long it has waited.',
          unit: 's',
          width: 6,
          queries: [{ text: 'max(reins_elicitations_oldest_seconds)' }],
        },
        {
          kind: 'series',
          title: 'Waiting',
          about: 'Over time.',
          width: 24,
          queries: [
            { text: 'max(reins_approvals_waiting)', legend: 'approvals' },
            { text: 'max(reins_elicitations_waiting)', legend: 'questions' },
          ],
        },
        {
          kind: 'traces',
          title: 'What waited for longer than 10 minutes',
          about: 'Approvals that were decided, with the verdict as reins.outcome.',
          width: 24,
          queries: [{ text: '{ name =~ "approval .*" && duration > 10m } | select(span.reins.outcome)' }],
        },
      ],
    },
  ],
}
