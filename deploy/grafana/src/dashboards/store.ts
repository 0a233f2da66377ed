// Appends, streams and disk, and the projections.
import type { DashboardDefinition } from '../panels.ts'
import { quantile, rate } from './queries.ts'

export const store: DashboardDefinition = {
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
