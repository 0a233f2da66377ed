// The dashboards: which questions of an operator each of them answers.
import type { DashboardDefinition } from './panels.ts'

const quantile = (q: number, metric: string, by = '') =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${metric}_bucket[$__rate_interval])))`
const rate = (metric: string, by: string) => `sum by (${by}) (rate(${metric}[$__rate_interval]))`

const fleet: DashboardDefinition = {
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

const sessions: DashboardDefinition = {
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

const models: DashboardDefinition = {
  name: 'models',
  title: 'Models',
  about: 'Latency, tokens, cost and refusals of each model.',
  rows: [
    {
      title: 'Models',
      panels: [
        {
          kind: 'series',
          title: 'How long a call takes, p95',
          about: 'One attempt, to the end of the answer.',
          unit: 's',
          width: 12,
          queries: [{ text: quantile(0.95, 'reins_model_call_seconds', 'model'), legend: '{{model}}' }],
        },
        {
          kind: 'series',
          title: 'Calls',
          about: 'Attempts a second, by outcome.',
          unit: 'ops',
          width: 12,
          queries: [
            { text: rate('reins_model_call_seconds_count', 'model, outcome'), legend: '{{model}} {{outcome}}' },
          ],
        },
        {
          kind: 'series',
          title: 'Tokens a second',
          about: 'cache_read is what the provider took from its cache.',
          width: 12,
          queries: [{ text: rate('reins_tokens_total', 'model, kind'), legend: '{{model}} {{kind}}' }],
        },
        {
          kind: 'series',
          title: 'Cost an hour',
          about: 'Where the price of the model is known.',
          unit: 'currencyUSD',
          width: 12,
          queries: [
            { text: '3600 * sum by (model) (rate(reins_model_cost_usd_total[$__rate_interval]))', legend: '{{model}}' },
          ],
        },
        {
          kind: 'series',
          title: 'Refusals by code',
          about: 'rate-limited is HTTP 429. auth needs another key.',
          width: 12,
          queries: [{ text: rate('reins_model_call_failures_total', 'model, code'), legend: '{{model}} {{code}}' }],
        },
        {
          kind: 'series',
          title: 'Sessions that wait for their provider',
          about: 'After a 429, or an overload: the session goes on by itself.',
          width: 12,
          queries: [
            {
              text: 'sum by (model) (increase(reins_model_calls_throttled_total[$__rate_interval]))',
              legend: '{{model}}',
            },
          ],
        },
        {
          kind: 'series',
          title: 'Sessions that wait for a quota',
          about:
            'At all executors, until their provider may be asked. REINS_MODEL_QUOTAS, or a 429 that asks for a while.',
          width: 12,
          queries: [{ text: 'sum by (quota) (reins_model_quota_waiting)', legend: '{{quota}}' }],
        },
        {
          kind: 'series',
          title: 'Providers that ask to be left alone',
          about: 'For how many seconds more.',
          width: 12,
          queries: [{ text: 'max by (quota) (reins_model_quota_closed_seconds)', legend: '{{quota}}' }],
        },
        {
          kind: 'traces',
          title: 'Model calls that failed',
          about: 'Open one to see the turn that it belongs to.',
          width: 24,
          queries: [{ text: '{ span.gen_ai.operation.name = "chat" && status = error }' }],
        },
      ],
    },
  ],
}

const tools: DashboardDefinition = {
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

const approvals: DashboardDefinition = {
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

const store: DashboardDefinition = {
  name: 'store',
  title: 'Store',
  about: 'Appends, streams and disk of NATS, and the projections in Postgres.',
  rows: [
    {
      title: 'NATS',
      panels: [
        {
          kind: 'series',
          title: 'Appends',
          about: 'From the request to the word of the broker, the sync of the disk included.',
          unit: 's',
          queries: [
            { text: quantile(0.5, 'reins_append_seconds'), legend: 'p50' },
            { text: quantile(0.99, 'reins_append_seconds'), legend: 'p99' },
          ],
        },
        {
          kind: 'series',
          title: 'Appends a second',
          about: 'And those that were decided again, because another writer was first.',
          unit: 'ops',
          queries: [
            { text: 'sum(rate(reins_append_seconds_count[$__rate_interval]))', legend: 'appends' },
            { text: 'sum(rate(reins_append_conflicts_total[$__rate_interval]))', legend: 'executors, again' },
            { text: 'sum(rate(reins_gateway_appends_refused_total[$__rate_interval]))', legend: 'gateways, again' },
          ],
        },
        {
          kind: 'number',
          title: 'Appends are possible',
          about: '1 while an append was taken within the last 10 s.',
          queries: [{ text: 'min(reins_appends_possible)' }],
        },
        {
          kind: 'series',
          title: 'Size of streams',
          about: 'Those that begin with SES hold the sessions, and grow for ever.',
          unit: 'bytes',
          queries: [{ text: 'max by (stream) (reins_stream_bytes)', legend: '{{stream}}' }],
        },
        {
          kind: 'series',
          title: 'Messages in streams',
          about: 'A frame of a session is one message.',
          queries: [{ text: 'max by (stream) (reins_stream_messages)', legend: '{{stream}}' }],
        },
        {
          kind: 'series',
          title: 'Disk of the data folder',
          about: 'From 90 % on no session starts, from 97 % on nobody appends.',
          unit: 'percent',
          queries: [{ text: 'max(reins_disk_used_percent)', legend: 'used' }],
        },
      ],
    },
    {
      title: 'Projections',
      panels: [
        {
          kind: 'series',
          title: 'Frames that the list of sessions does not show yet',
          about: 'While Postgres is away it grows; then it catches up by itself.',
          queries: [{ text: 'max(reins_session_index_lag)', legend: 'lag' }],
        },
        {
          kind: 'series',
          title: 'Spans that are not exported yet',
          about: 'Age of the oldest one. While the collector is away they wait in the stream.',
          unit: 's',
          queries: [{ text: 'max(reins_span_export_behind_seconds)', legend: 'behind' }],
        },
        {
          kind: 'series',
          title: 'Spans',
          about: 'Exported, and attempts that failed.',
          unit: 'ops',
          queries: [
            { text: 'sum(rate(reins_spans_exported_total[$__rate_interval]))', legend: 'exported' },
            { text: 'sum(rate(reins_span_export_failures_total[$__rate_interval]))', legend: 'failed attempts' },
          ],
        },
      ],
    },
    {
      title: 'Doors',
      panels: [
        {
          kind: 'series',
          title: 'HTTP requests, p95',
          about: 'Streams and requests that wait for a turn count with all their time.',
          unit: 's',
          queries: [{ text: quantile(0.95, 'reins_http_request_seconds', 'route'), legend: '{{route}}' }],
        },
        {
          kind: 'series',
          title: 'Open event streams',
          about: 'And those that were closed because their reader was slow.',
          queries: [
            { text: 'sum(reins_gateway_streams)', legend: 'open' },
            { text: 'sum(increase(reins_gateway_slow_consumers_total[$__rate_interval]))', legend: 'closed' },
          ],
        },
        {
          kind: 'series',
          title: 'Webhooks by outcome',
          about: 'Attempts a second.',
          unit: 'ops',
          queries: [{ text: rate('reins_webhook_attempts_total', 'outcome'), legend: '{{outcome}}' }],
        },
      ],
    },
  ],
}

export const dashboards: readonly DashboardDefinition[] = [fleet, sessions, models, tools, approvals, store]
