// What operators and their tools ask: pools, health, readiness, metrics, the API's own description.
import { Health, PoolList } from '@reins/contracts'
import { Type } from 'typebox'
import { openApi } from './openapi.ts'
import type { PoolBoard } from '../../api/pools.ts'
import type { GatewayConfig } from '../../ports.ts'
import { json, type Route, route } from './route.ts'

const Ready = Type.Object(
  { ready: Type.Boolean(), waitingFor: Type.Array(Type.String()) },
  { additionalProperties: false },
)

type OperationParts = Pick<GatewayConfig, 'health' | 'notReady' | 'metrics' | 'publicMetrics'> & {
  readonly board: PoolBoard
  /** All routes, these included. */
  routes(): readonly Route[]
}

export function operationRoutes(parts: OperationParts): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/pools',
      summary: 'Pools: what waits in them, and who serves them',
      tag: 'pools',
      permission: 'pools:read',
      answers: { 200: PoolList },
      errors: ['unavailable'],
      handle: async () => json(200, await parts.board.list()),
    }),
    route({
      method: 'GET',
      path: '/health',
      summary: 'What runs here, part by part; always 200',
      tag: 'operations',
      answers: { 200: Health },
      errors: [],
      handle: async () => json(200, await parts.health()),
    }),
    route({
      method: 'GET',
      path: '/ready',
      summary: 'Whether this process can serve requests now',
      tag: 'operations',
      answers: { 200: Ready, 503: Ready },
      errors: [],
      handle: async () => {
        const waitingFor = parts.notReady?.() ?? []
        return json(waitingFor.length === 0 ? 200 : 503, { ready: waitingFor.length === 0, waitingFor })
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      summary: 'Metrics in the text form of Prometheus',
      tag: 'operations',
      ...(parts.publicMetrics ? {} : { permission: 'metrics:read' }),
      answers: { 200: 'text/plain' },
      errors: [],
      handle: async () => {
        const { contentType, body } = await parts.metrics.text()
        return { status: 200, text: body, contentType }
      },
    }),
    route({
      method: 'GET',
      path: '/openapi.json',
      summary: 'This description',
      tag: 'operations',
      answers: { 200: Type.Unknown() },
      errors: [],
      handle: async () => json(200, openApi(parts.routes(), (await parts.health()).version)),
    }),
  ]
}
