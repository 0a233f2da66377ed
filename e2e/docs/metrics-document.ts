// docs/metrics.md, from the metrics that the code knows.
import { metricCatalogue, type MetricEntry } from '@reins/telemetry'

const services = {
  all: 'each process',
  'session-gateway': 'session-gateway',
  executor: 'executor',
  'tool-runner': 'tool-runner',
  memory: 'memory',
  registry: 'registry',
  'reins up': '`reins up`',
} as const satisfies Record<MetricEntry['of'], string>

const head = `# Metrics

Each process counts and measures in the form that Prometheus reads. The gateway, and so \`reins up\`, answers
\`GET /metrics\` on its port: the reader needs the permission \`metrics:read\`, or the operator sets
\`REINS_PUBLIC_METRICS=true\`. A service that runs alone answers \`/metrics\` and \`/health\` where
\`REINS_METRICS_PORT\` (and \`REINS_METRICS_HOST\`, which is 127.0.0.1 by default) says. Every process also has the
metrics of Node and of itself (\`process_*\`, \`nodejs_*\`, among them \`nodejs_eventloop_lag_p99_seconds\`).

Labels are bounded. They are closed words, routes, or names that operators give: pools, models, tools and servers, of
which a process keeps the first 100 or 200 and calls every other one \`other\`. No id of a session, of a call or of a
person is a label. To get from a number to sessions, use traces ([operate.md](operate.md)).

| metric | kind | labels | said by | what it says |
|---|---|---|---|---|
`

export function metricsDocument(): string {
  const rows = Object.entries<MetricEntry>(metricCatalogue).map(
    ([name, { kind, of, help, labels }]) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${services[of]} | ${help} |`,
  )
  return `${head}${rows.join('\n')}\n`
}
