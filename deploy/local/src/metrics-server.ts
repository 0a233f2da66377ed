// /metrics and /health of a process that serves no API: a service that runs alone. It answers whoever reaches it, so it listens on
// loopback unless its operator says otherwise.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from '@reins/contracts'
import type { Closing } from '@reins/service'
import type { Log, Metrics } from '@reins/telemetry'

export interface MetricsServerOptions {
  readonly port: number
  readonly host: string
  readonly metrics: Metrics
  readonly log: Log
  health(): Health
  /** Brings up to date what is only asked for when somebody reads it. */
  measure(): Promise<void>
}

/** Resolves with its address when it listens; ends with `closing`. */
export async function serveMetrics(options: MetricsServerOptions, closing: Closing): Promise<string> {
  const { port, host, metrics, log } = options
  const server = createServer((request, response) => {
    const answer = (status: number, contentType: string, body: string): void => {
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body)
    }
    const path = (request.url ?? '').split('?')[0]
    if (request.method !== 'GET') return answer(405, 'text/plain; charset=utf-8', 'Only GET is answered here.\n')
    if (path === '/health') return answer(200, 'application/json', JSON.stringify(options.health()))
    if (path !== '/metrics')
      return answer(404, 'text/plain; charset=utf-8', 'This process answers GET /metrics and GET /health.\n')
    const read = options.measure().then(() => metrics.text())
    read.then(
      ({ contentType, body }) => answer(200, contentType, body),
      (error: unknown) => {
        log.error({ err: error instanceof Error ? error.message : String(error) }, 'metrics cannot be read')
        answer(500, 'text/plain; charset=utf-8', 'The metrics cannot be read: the log of this process says why.\n')
      },
    )
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  server.on('error', (error) => log.error({ err: error.message }, 'the server of metrics failed'))
  closing.add('metrics server', () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const { address, port: taken, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
}
