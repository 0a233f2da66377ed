// Which tools are slow or fail, and which MCP servers do not answer.
import type { DashboardDefinition } from '../panels.ts'
import { quantile, rate } from './queries.ts'

export const tools: DashboardDefinition = {
  name: 'tools',
  title: 'Tools and MCP',
  about: 'Which tools are slow or fail, and which MCP servers do not answer.',
  rows: [
    {
      title: 'Tools',
      panels: [
        {
          kind: 'series',
          title: 'How long a call takes, p95',
          about: 'At the tool-runner, without the time in which it waits for people.',
          unit: 's',
          width: 12,
          queries: [{ text: quantile(0.95, 'reins_tool_call_seconds', 'tool'), legend: '{{tool}}' }],
        },
        {
          kind: 'series',
          title: 'Calls by outcome',
          about: 'Calls a second.',
          unit: 'ops',
          width: 12,
          queries: [{ text: rate('reins_tool_call_seconds_count', 'tool, status'), legend: '{{tool}} {{status}}' }],
        },
        {
          kind: 'traces',
          title: 'Calls that failed',
          about:
            'error.type is the code of the failure; outcome-unknown is a call that was cut off and must not run twice.',
          width: 24,
          queries: [{ text: '{ span.gen_ai.operation.name = "execute_tool" && status = error }' }],
        },
        {
          kind: 'series',
          title: 'Processes that run code of users',
          about: 'Of tools and workflows that agents bring along.',
          queries: [{ text: 'sum(reins_code_hosts)', legend: 'hosts' }],
        },
      ],
    },
    {
      title: 'MCP servers',
      panels: [
        {
          kind: 'series',
          title: 'Servers that did not answer',
          about: 'Each is asked before the first model call of a turn. Without it the turn goes on without its tools.',
          width: 12,
          queries: [
            {
              text: 'sum by (server) (increase(reins_mcp_discoveries_total{status="unavailable"}[$__rate_interval]))',
              legend: '{{server}}',
            },
          ],
        },
        {
          kind: 'traces',
          title: 'Turns that had to go on without a server',
          about: 'The span says which server, and why.',
          width: 12,
          queries: [{ text: '{ span.mcp.method.name = "tools/list" && status = error }' }],
        },
      ],
    },
  ],
}
