// Which work waits, and which labels need more processes.
import type { DashboardDefinition } from '../panels.ts'

export const fleet: DashboardDefinition = {
  name: 'fleet',
  title: 'Fleet',
  about: 'Which work waits, for how long, and which labels need more executors or tool-runners.',
  rows: [
    {
      title: 'What to start',
      panels: [
        {
          kind: 'table',
          title: 'Pools',
          about:
            'A pool with a backlog and no instances needs a process with its labels: reins service executor --label …',
          width: 24,
          queries: [
            { text: 'max by (kind, labels, pool) (reins_pool_backlog)' },
            { text: 'max by (kind, labels, pool) (reins_pool_oldest_seconds)' },
            { text: 'max by (kind, labels, pool) (reins_pool_instances)' },
            { text: 'max by (kind, labels, pool) (reins_pool_slots)' },
            { text: 'max by (kind, labels, pool) (reins_pool_slots_busy)' },
          ],
        },
        {
          kind: 'series',
          title: 'Age of the oldest work',
          about: 'How long somebody has waited for a process that takes the work. It should stay below a second.',
          unit: 's',
          width: 12,
          queries: [{ text: 'max by (kind, labels) (reins_pool_oldest_seconds)', legend: '{{kind}} {{labels}}' }],
        },
        {
          kind: 'series',
          title: 'Backlog',
          about: 'Triggers that nobody has been given.',
          width: 12,
          queries: [{ text: 'max by (kind, labels) (reins_pool_backlog)', legend: '{{kind}} {{labels}}' }],
        },
      ],
    },
    {
      title: 'Slots',
      panels: [
        {
          kind: 'series',
          title: 'Slots in use',
          about: 'Near 1 the pool takes no more: start another process.',
          unit: 'percentunit',
          queries: [
            {
              text: 'sum by (kind, labels) (reins_pool_slots_busy) / clamp_min(sum by (kind, labels) (reins_pool_slots), 1)',
              legend: '{{kind}} {{labels}}',
            },
          ],
        },
        {
          kind: 'series',
          title: 'Sessions that wait for a slot for their model call',
          about: 'They wait at an executor that has them. More executors, or a larger --waiting-calls, help.',
          queries: [
            { text: 'sum(reins_sessions_queued)', legend: 'waiting' },
            { text: 'sum(reins_model_calls_in_flight)', legend: 'in flight' },
            { text: 'sum(reins_model_call_slots)', legend: 'slots' },
          ],
        },
        {
          kind: 'series',
          title: 'How long the first of them waits',
          about: 'Of sessions that wait for a slot.',
          unit: 's',
          queries: [{ text: 'max(reins_sessions_queued_oldest_seconds)', legend: 'oldest' }],
        },
        {
          kind: 'series',
          title: 'Executors: work',
          about: 'Sessions that executors work on, and the most that they take.',
          queries: [
            { text: 'sum(reins_executor_busy)', legend: 'busy' },
            { text: 'sum(reins_executor_slots)', legend: 'slots' },
          ],
        },
        {
          kind: 'series',
          title: 'Tool-runners: work',
          about: 'Tool calls that run, those of them that have taken long, and the most that are begun at once.',
          queries: [
            { text: 'sum(reins_tool_runner_busy)', legend: 'busy' },
            { text: 'sum(reins_tool_runner_waiting)', legend: 'of these, long ones' },
            { text: 'sum(reins_tool_runner_slots)', legend: 'slots' },
          ],
        },
        {
          kind: 'series',
          title: 'Processes: event loop, p99',
          about: 'Above 0.1 s a process answers late: give it less to do, or start another one.',
          unit: 's',
          queries: [{ text: 'max by (instance) (nodejs_eventloop_lag_p99_seconds)', legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'What dies',
      panels: [
        {
          kind: 'series',
          title: 'Takeovers',
          about: 'Model calls of executors that are gone. Each one is an executor that died or stood still.',
          queries: [{ text: 'sum(increase(reins_takeovers_total[$__rate_interval]))', legend: 'takeovers' }],
        },
        {
          kind: 'series',
          title: 'Steps that failed inside a process',
          about: 'They are tried again. The log of the process says why.',
          queries: [
            { text: 'sum(increase(reins_executor_failures_total[$__rate_interval]))', legend: 'executor' },
            { text: 'sum(increase(reins_tool_runner_failures_total[$__rate_interval]))', legend: 'tool-runner' },
          ],
        },
        {
          kind: 'number',
          title: 'Sessions that nothing will wake',
          about: 'Always 0. Anything else is a bug of Reins.',
          queries: [{ text: 'sum(reins_sessions_uncovered_total)' }],
        },
        {
          kind: 'logs',
          title: 'Errors',
          about: 'Lines of logs with a level of error.',
          width: 24,
          queries: [{ text: '{service_name="reins"} | json | level >= 50' }],
        },
      ],
    },
  ],
}
