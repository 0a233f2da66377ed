// The proxy here counts what comes to it; a test of this kind shall never find a token in it.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getGlobalDispatcher, ProxyAgent, setGlobalDispatcher } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient } from '../client.ts'

const before = getGlobalDispatcher()
const servers: Server[] = []

async function serving(answer: string, seen: string[]): Promise<number> {
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? '')
    response.setHeader('content-type', 'application/json').end(answer)
  })
  server.on('connect', (request, socket) => {
    seen.push(request.headers.authorization ?? `CONNECT ${request.url}`)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

let atProxy: string[] = []
let atServer: string[] = []
let port = 0
beforeEach(async () => {
  atProxy = []
  atServer = []
  port = await serving('{"status":"ok","version":"1","parts":{}}', atServer)
  const proxy = await serving('{"status":"proxy"}', atProxy)
  setGlobalDispatcher(new ProxyAgent(`http://127.0.0.1:${proxy}`))
})
afterEach(() => {
  setGlobalDispatcher(before)
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

test('a request to this machine goes past the proxy that the process uses', async () => {
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: 'secret' })
  expect(await client.health()).toEqual({ status: 'ok', version: '1', parts: {} })
  expect([atServer, atProxy]).toEqual([['Bearer secret'], []])
})

test('a request to another machine takes the proxy', async () => {
  const client = createClient({ baseUrl: 'http://reins.invalid:7420', token: 'secret' })
  await client.health().catch(() => undefined)
  expect(atProxy.length).toBeGreaterThan(0)
})
