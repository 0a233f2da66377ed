// The alerts, each with a runbook: docs/runbooks/<runbook>.md.

export interface AlertDefinition {
  readonly alert: string
  /** The name of its runbook. */
  readonly runbook: string
  /** PromQL. */
  readonly expr: string
  readonly for: string
  readonly severity: 'page' | 'ticket'
  /** For whoever is woken: what is wrong, in one sentence. */
  readonly summary: string
}

export const alerts: readonly AlertDefinition[] = [
  {
    alert: 'ReinsProcessAway',
    runbook: 'process-away',
    expr: 'up{job="reins"} == 0',
    for: '2m',
    severity: 'page',
    summary: '{{ $labels.instance }} does not answer Prometheus.',
  },
  {
    alert: 'ReinsAppendsImpossible',
    runbook: 'appends-impossible',
    expr: 'min(reins_appends_possible) == 0',
    for: '1m',
    severity: 'page',
    summary: 'The broker takes no appends: sessions stand still.',
  },
  {
    alert: 'ReinsDiskFills',
    runbook: 'disk-fills',
    expr: 'max(reins_disk_used_percent) > 85',
    for: '10m',
    severity: 'page',
    summary: 'The disk of the data folder is full to {{ $value }} %.',
  },
  {
    alert: 'ReinsPoolUnserved',
    runbook: 'pool-unserved',
    expr: 'max by (kind, labels) (reins_pool_backlog) > 0 and max by (kind, labels) (reins_pool_instances) == 0',
    for: '2m',
    severity: 'page',
    summary: 'Work waits for a {{ $labels.kind }} with the labels "{{ $labels.labels }}", and there is none.',
  },
  {
    alert: 'ReinsWorkWaits',
    runbook: 'work-waits',
    expr: 'max by (kind, labels) (reins_pool_oldest_seconds) > 30',
    for: '5m',
    severity: 'ticket',
    summary: 'Work of the pool "{{ $labels.labels }}" has waited for {{ $value }} s for a {{ $labels.kind }}.',
  },
  {
    alert: 'ReinsSessionUncovered',
    runbook: 'session-uncovered',
    expr: 'sum(increase(reins_sessions_uncovered_total[15m])) > 0',
    for: '0m',
    severity: 'ticket',
    summary: 'A session has come into a state that nothing will wake.',
  },
  {
    alert: 'ReinsAppendsSlow',
    runbook: 'appends-slow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(reins_append_seconds_bucket[5m]))) > 0.25',
    for: '10m',
    severity: 'ticket',
    summary: 'One append of a hundred takes longer than {{ $value }} s.',
  },
  {
    alert: 'ReinsTurnsFail',
    runbook: 'turns-fail',
    expr: 'sum(rate(reins_turn_seconds_count{outcome="failed"}[10m])) / sum(rate(reins_turn_seconds_count[10m])) > 0.2',
    for: '10m',
    severity: 'ticket',
    summary: 'More than a fifth of all turns fails.',
  },
  {
    alert: 'ReinsModelFails',
    runbook: 'model-fails',
    expr: 'sum by (model) (rate(reins_model_call_seconds_count{outcome="failed"}[10m])) / sum by (model) (rate(reins_model_call_seconds_count[10m])) > 0.3',
    for: '10m',
    severity: 'ticket',
    summary: 'Calls of {{ $labels.model }} fail.',
  },
  {
    alert: 'ReinsModelThrottled',
    runbook: 'model-throttled',
    expr: 'sum by (model) (increase(reins_model_calls_throttled_total[10m])) > 30',
    for: '10m',
    severity: 'ticket',
    summary: 'The provider of {{ $labels.model }} makes sessions wait.',
  },
  {
    alert: 'ReinsExecutorsDie',
    runbook: 'executors-die',
    expr: 'sum(increase(reins_takeovers_total[10m])) > 10',
    for: '0m',
    severity: 'ticket',
    summary: 'Executors die, or stand still, in the middle of model calls.',
  },
  {
    alert: 'ReinsMcpServerAway',
    runbook: 'mcp-server-away',
    expr: 'sum by (server) (increase(reins_mcp_discoveries_total{status="unavailable"}[10m])) > 3',
    for: '5m',
    severity: 'ticket',
    summary: 'The MCP server {{ $labels.server }} does not answer.',
  },
  {
    alert: 'ReinsApprovalsWait',
    runbook: 'approvals-wait',
    expr: 'max(reins_approvals_oldest_seconds) > 3600',
    for: '5m',
    severity: 'ticket',
    summary: 'A tool call has waited for longer than an hour for a person.',
  },
  {
    alert: 'ReinsIndexBehind',
    runbook: 'index-behind',
    expr: 'max(reins_session_index_lag) > 1000',
    for: '10m',
    severity: 'ticket',
    summary: 'The list of sessions is {{ $value }} frames behind.',
  },
  {
    alert: 'ReinsArchiveDamaged',
    runbook: 'archive-damaged',
    expr: 'max(reins_archive_unreadable_sessions) > 0',
    for: '1m',
    severity: 'ticket',
    summary: '{{ $value }} sessions in the archive cannot be read.',
  },
  {
    alert: 'ReinsSpansBehind',
    runbook: 'spans-behind',
    expr: 'max(reins_span_export_behind_seconds) > 120',
    for: '5m',
    severity: 'ticket',
    summary: 'The collector takes no spans: they wait in the stream.',
  },
  {
    alert: 'ReinsEventLoopBlocked',
    runbook: 'event-loop-blocked',
    expr: 'max by (instance) (nodejs_eventloop_lag_p99_seconds) > 0.25',
    for: '10m',
    severity: 'ticket',
    summary: '{{ $labels.instance }} answers late: its event loop is blocked for {{ $value }} s.',
  },
]

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** As Prometheus reads it. */
export const alertRules = (): string =>
  [
    '# Written from deploy/grafana/src/alerts.ts by: npx vitest run deploy/grafana -u',
    'groups:',
    '  - name: reins',
    '    rules:',
    ...alerts.flatMap(({ alert, runbook, expr, severity, summary, ...rest }) => [
      `      - alert: ${alert}`,
      `        expr: ${quoted(expr)}`,
      `        for: ${rest.for}`,
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${quoted(summary)}`,
      `          runbook: docs/runbooks/${runbook}.md`,
    ]),
    '',
  ].join('\n')
