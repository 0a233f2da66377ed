// Every metric of the product: its name, its form, what it says, and its labels. What counts takes its metrics from here, so the table in
// docs/operate.md, the dashboards and the alerts are about metrics that there are.
//   MT1. Labels are bounded: closed words, routes, or names that operators give (pools, models, tools, servers), of which `bounded` keeps
//        the first so many. No id of a session, a call or a person is a label.
//   MT2. Names end in what they are: `_total` counts, `_seconds`, `_bytes`, `_usd_total`.

type Kind = 'counter' | 'gauge' | 'histogram'

export interface MetricEntry {
  readonly kind: Kind
  /** Which service says it; `all`: each process. */
  readonly of: 'all' | 'session-gateway' | 'executor' | 'tool-runner' | 'memory' | 'registry' | 'reins up'
  readonly help: string
  readonly labels: readonly string[]
}

const counter = <L extends string = never>(of: MetricEntry['of'], help: string, labels: readonly L[] = []) =>
  ({ kind: 'counter', of, help, labels }) as const
const gauge = <L extends string = never>(of: MetricEntry['of'], help: string, labels: readonly L[] = []) =>
  ({ kind: 'gauge', of, help, labels }) as const
const histogram = <L extends string = never>(of: MetricEntry['of'], help: string, labels: readonly L[] = []) =>
  ({ kind: 'histogram', of, help, labels }) as const

export const metricCatalogue = {
  // What to start: work that waits, and who serves it.
  reins_pool_backlog: gauge('session-gateway', 'Triggers of a pool that nobody has been given yet', [
    'pool',
    'kind',
    'labels',
  ]),
  reins_pool_oldest_seconds: gauge('session-gateway', 'Age of the oldest of them; 0 without one', [
    'pool',
    'kind',
    'labels',
  ]),
  reins_pool_in_progress: gauge('session-gateway', 'Triggers of a pool that are being worked on', [
    'pool',
    'kind',
    'labels',
  ]),
  reins_pool_instances: gauge('session-gateway', 'Instances that serve a pool and are not leaving', [
    'pool',
    'kind',
    'labels',
  ]),
  reins_pool_slots: gauge('session-gateway', 'Calls that the instances of a pool run at once, at most', [
    'pool',
    'kind',
    'labels',
  ]),
  reins_pool_slots_busy: gauge('session-gateway', 'Of these, those that are taken', ['pool', 'kind', 'labels']),
  reins_executor_slots: gauge('executor', 'Sessions that this executor works on at once, at most'),
  reins_executor_busy: gauge('executor', 'Sessions that this executor holds or works on'),
  reins_model_call_slots: gauge('executor', 'Model calls that this executor runs at once, at most'),
  reins_model_calls_in_flight: gauge('executor', 'Model calls that this executor runs'),
  reins_sessions_queued: gauge('executor', 'Sessions that wait here for a slot for their model call'),
  reins_sessions_queued_oldest_seconds: gauge('executor', 'How long the first of them has waited'),
  reins_tool_runner_slots: gauge('tool-runner', 'Tool calls that this tool-runner begins at once, at most'),
  reins_tool_runner_busy: gauge('tool-runner', 'Tool calls that this tool-runner runs'),
  reins_tool_runner_waiting: gauge('tool-runner', 'Of these, calls that have taken long and hold no work slot'),
  reins_code_hosts: gauge('tool-runner', 'Processes that run code of users'),

  // Sessions.
  reins_turn_seconds: histogram('executor', 'Turns that began and ended at this executor, by outcome', ['outcome']),
  reins_step_seconds: histogram(
    'executor',
    'From the moment in which a trigger was stored to the append that answers it: what Reins adds to models and tools',
  ),
  reins_queue_seconds: histogram('executor', 'Age of a trigger when this executor is given it'),
  reins_model_calls_dropped_total: counter(
    'executor',
    'Model calls that went out with their announcement, and were dropped because that was refused',
  ),
  reins_takeovers_total: counter('executor', 'Model calls taken over from a process that is gone'),
  reins_triggers_forgotten_total: counter('executor', 'Triggers forgotten because another executor took the step over'),
  reins_triggers_given_total: counter(
    'executor',
    'Triggers given to another executor, which knows their session already',
  ),
  reins_executor_failures_total: counter(
    'executor',
    'Operations on a session that failed inside the executor; they are tried again',
  ),
  reins_sessions_uncovered_total: counter('executor', 'States that are neither at rest nor covered: always 0'),
  reins_append_conflicts_total: counter('executor', 'Appends that were refused because another writer was first'),

  // Models.
  reins_model_call_seconds: histogram('executor', 'Attempts of model calls, by model and outcome', [
    'model',
    'outcome',
  ]),
  reins_model_call_failures_total: counter('executor', 'Attempts that failed, by the code of the failure', [
    'model',
    'code',
  ]),
  reins_model_calls_throttled_total: counter('executor', 'Attempts after which a session waits for its provider', [
    'model',
  ]),
  reins_model_quota_waiting: gauge('executor', 'Sessions that wait here until their provider may be asked, by quota', [
    'quota',
  ]),
  reins_model_quota_closed_seconds: gauge('executor', 'For how long the provider asks to be left alone, by quota', [
    'quota',
  ]),
  reins_model_quota_wait_seconds: histogram('executor', 'How long calls have waited until their provider was asked', [
    'quota',
  ]),
  reins_model_quota_own_share_total: counter(
    'executor',
    'Calls that began by the share of this executor, because no other one answered',
    ['quota'],
  ),
  reins_tokens_total: counter('executor', 'Tokens by model and kind', ['model', 'kind']),
  reins_model_cost_usd_total: counter('executor', 'What model calls have cost, where the price is known', ['model']),

  // Tools and MCP servers.
  reins_tool_call_seconds: histogram('tool-runner', 'Tool calls by tool and outcome', ['tool', 'status']),
  reins_tool_runner_failures_total: counter(
    'tool-runner',
    'Steps of tool calls that failed inside the tool-runner; they are tried again',
  ),
  reins_mcp_discoveries_total: counter(
    'tool-runner',
    'MCP servers that were asked for their tools, by what came of it',
    ['server', 'status'],
  ),

  // People.
  reins_approvals_waiting: gauge('memory', 'Tool calls that wait for approval'),
  reins_approvals_oldest_seconds: gauge('memory', 'How long the first of them has waited; 0 without one'),
  reins_elicitations_waiting: gauge('memory', 'Questions of servers that wait for a person'),
  reins_elicitations_oldest_seconds: gauge('memory', 'How long the first of them has waited; 0 without one'),

  // What is stored.
  reins_append_seconds: histogram('all', 'Appends to sessions, from the request to the word of the broker'),
  reins_appends_possible: gauge('session-gateway', '1 while an append was taken within the last 10 s'),
  reins_gateway_appends_refused_total: counter(
    'session-gateway',
    'Appends that met a newer frame and were decided again',
  ),
  reins_stream_bytes: gauge('session-gateway', 'Size of a stream of the broker', ['stream']),
  reins_stream_messages: gauge('session-gateway', 'Messages in a stream of the broker', ['stream']),
  reins_disk_used_percent: gauge('reins up', 'How full the disk of the data folder is'),
  reins_session_index_seq: gauge(
    'memory',
    'The last sequence of a stream of sessions that the session index accounts for',
    ['stream'],
  ),
  reins_session_index_lag: gauge('memory', 'Frames of sessions that the session index does not account for yet'),
  reins_registry_projection_following: gauge('registry', '1 while the lists follow the registry'),

  // What leaves and comes in.
  reins_http_request_seconds: histogram('session-gateway', 'Duration of HTTP requests', ['method', 'route', 'status']),
  reins_gateway_streams: gauge('session-gateway', 'Open event streams'),
  reins_gateway_slow_consumers_total: counter(
    'session-gateway',
    'Streams that were closed because their reader was slow',
  ),
  reins_gateway_stream_buffer_bytes: gauge('session-gateway', 'Bytes that wait for the readers of streams'),
  reins_timers_fired_total: counter('memory', 'Timers that fired and became events of their sessions'),
  reins_sessions_archived_total: counter('memory', 'Sessions at rest whose frames were put into the archive'),
  reins_archived_frames_total: counter('memory', 'Frames that were put into the archive'),
  reins_archived_bytes_total: counter('memory', 'Bytes of the objects that were put into the archive'),
  reins_archive_taken_out_total: counter('memory', 'Archived sessions whose frames were taken out of the stream'),
  reins_archive_failures_total: counter('memory', 'Rounds of archiving that ended early'),
  reins_archive_looked_total: counter(
    'memory',
    'Sessions of which all that lies in the archive was read, to see whether it can be',
  ),
  reins_archive_unreadable_sessions: gauge('memory', 'Sessions that the last whole look at the archive could not read'),
  reins_archive_swept_total: counter('memory', 'Objects of the archive that nothing named, and that are gone'),
  reins_sessions_erased_total: counter('memory', 'Sessions that were erased, with all below them'),
  reins_webhook_attempts_total: counter('memory', 'Attempts to deliver a webhook, by outcome', ['outcome']),
  reins_spans_exported_total: counter('memory', 'Spans that the collector has taken'),
  reins_span_export_failures_total: counter('memory', 'Attempts to export spans that failed'),
  reins_span_export_behind_seconds: gauge(
    'memory',
    'Age of the oldest frame whose spans are not exported yet; 0 without one',
  ),
  reins_log_lines_lost: gauge('all', 'Lines of the log that were dropped because it could not be written'),
} as const satisfies Readonly<Record<string, MetricEntry>>

export type MetricName = keyof typeof metricCatalogue
export type NameOf<K extends Kind> = {
  [N in MetricName]: (typeof metricCatalogue)[N]['kind'] extends K ? N : never
}[MetricName]
export type LabelOf<N extends MetricName> = (typeof metricCatalogue)[N]['labels'][number]
