// Latency, tokens, cost and refusals of each model.
import type { DashboardDefinition } from '../panels.ts'
import { quantile, rate } from './queries.ts'

export const models: DashboardDefinition = {
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
