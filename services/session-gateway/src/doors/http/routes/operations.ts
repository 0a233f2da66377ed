// What operators and their tools ask: pools, health, readiness, metrics, the API's own description.
import { Health, PoolList } from '@reins/contracts'
import type { Metrics } from '@reins/telemetry'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { PoolGauges } from '../../../api/operating/pool-gauges.ts'
import { operations } from '../../../api/operations.ts'
import { openApi } from '../documents/openapi.ts'
import { welcome } from '../documents/welcome.ts'
import { json, type Route, route } from '../route.ts'

const Ready = Type.Object(
  { ready: Type.Boolean(), waitingFor: Type.Array(Type.String()) },
  { additionalProperties: false },
)

export interface OperationParts {
  readonly api: Api
  /** Known already, as is what follows: these routes answer whatever else hangs. */
  readonly health: () => Health
  /** What keeps this process from serving requests now. */
  readonly notReady?: () => readonly string[]
  readonly metrics: Metrics
  /** Whether metrics need no token. */
  readonly publicMetrics: boolean
  /** All routes, these included. */
  routes(): readonly Route[]
}

const { needs: _, ...publicMetrics } = operations.readMetrics

export function operationRoutes(parts: OperationParts): readonly Route[] {
  const gauges = new PoolGauges(parts.metrics)
  return [
    route({
      ...operations.welcome,
      method: 'GET',
      path: '/',
      answers: { 200: 'text/html' },
      handle: async () => ({ status: 200, ...welcome }),
    }),
    route({
      ...operations.listPools,
      method: 'GET',
      path: '/v1/pools',
      answers: { 200: PoolList },
      handle: async ({ caller }) => json(200, await parts.api.pools.list(caller)),
    }),
    route({
      ...operations.readHealth,
      method: 'GET',
      path: '/health',
      answers: { 200: Health },
      handle: async () => json(200, parts.health()),
    }),
    route({
      ...operations.readReadiness,
      method: 'GET',
      path: '/ready',
      answers: { 200: Ready, 503: Ready },
      handle: async () => {
        const waitingFor = parts.notReady?.() ?? []
        return json(waitingFor.length === 0 ? 200 : 503, { ready: waitingFor.length === 0, waitingFor })
      },
    }),
    route({
      ...(parts.publicMetrics ? publicMetrics : operations.readMetrics),
      method: 'GET',
      path: '/metrics',
      answers: { 200: 'text/plain' },
      handle: async () => {
        await parts.api.pools.measure(gauges)
        const { contentType, body } = await parts.metrics.text()
        return { status: 200, text: body, contentType }
      },
    }),
    route({
      ...operations.describe,
      method: 'GET',
      path: '/openapi.json',
      answers: { 200: Type.Unknown() },
      handle: async () => json(200, openApi(parts.routes(), parts.health().version)),
    }),
  ]
}
