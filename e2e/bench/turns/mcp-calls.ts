// Calls of MCP tools over stdio and HTTP: whole turns of the product, beside the same call made directly by a client on a connection
// that is open.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type Spread, spread } from '../report/numbers.ts'
import type { Product } from '../product/product.ts'

export interface McpCalls {
  /** One tools/call on an open connection. */
  readonly stdioMs: Spread
  readonly httpMs: Spread
  /** Turns with one call, in a session that goes on. */
  readonly stdioTurnMs: Spread
  readonly httpTurnMs: Spread
}

const server = path.join(import.meta.dirname, '../../../libs/mcp/test/doubles/small-server.mjs')
const answer = 'say one two three four five six seven eight nine ten one two three four five six seven eight nine ten'
const input = { text: 'to be or not to be' }
const tool = { name: 'echo', inputSchema: { type: 'object', properties: {} }, annotations: { readOnlyHint: true } }

export async function measureMcpCalls({ api, workspace }: Product, quick: boolean): Promise<McpCalls> {
  const times = quick ? 300 : 2000
  copyFileSync(server, path.join(workspace, 'small-server.mjs'))
  const http = await overHttp()
  try {
    const common = { model: 'bench/assistant', system_prompt: 'You are measured.', max_tool_calls: 100 }
    const turns = async (name: string, entry: object): Promise<Spread> => {
      const agent = `bench-mcp-${name}`
      await api.putAgent({ name: agent, ...common, mcp_servers: [{ name, ...entry }] })
      const message = `call mcp__${name}__echo ${JSON.stringify(input)} && then ${answer}`
      const ms: number[] = []
      for (let round = 0; round <= (quick ? 4 : 20); round++) {
        const session = await api.begin(agent, message)
        const of = await timed(20, () => api.turn(session, message))
        if (round > 0) ms.push(...of)
      }
      return spread(ms)
    }
    return {
      stdioMs: await directStdio(times),
      httpMs: spread(await timed(times, () => post(http.url))),
      stdioTurnMs: await turns('stdio', { command: 'node', args: ['small-server.mjs'], workspace }),
      httpTurnMs: await turns('http', { url: http.url }),
    }
  } finally {
    http.close()
  }
}

async function directStdio(times: number): Promise<Spread> {
  const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })
  let id = 0
  const call = async (): Promise<void> => {
    const answered = once(lines, 'line')
    child.stdin.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params: { name: 'echo', arguments: input } })}\n`,
    )
    await answered
  }
  try {
    return spread(await timed(times, call))
  } finally {
    child.kill('SIGKILL')
  }
}

const post = async (url: string): Promise<unknown> => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: input },
  })
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return (await fetch(url, { method: 'POST', headers, body })).json()
}

/** The smallest server that there can be: the cost is the client's and the product's. */
async function overHttp(): Promise<{ readonly url: string; close(): void }> {
  const listener = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method, params } = JSON.parse(body) as {
      id?: number
      method: string
      params?: { arguments?: { text?: string } }
    }
    if (id === undefined) return void response.writeHead(202).end()
    const result =
      method === 'initialize'
        ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } }
        : method === 'tools/list'
          ? { tools: [tool] }
          : { content: [{ type: 'text', text: params?.arguments?.text ?? '' }] }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    close: () => {
      listener.closeAllConnections()
      listener.close()
    },
  }
}

async function timed(times: number, work: () => Promise<unknown>): Promise<readonly number[]> {
  const ms: number[] = []
  for (let i = 0; i < times; i++) {
    const from = performance.now()
    await work()
    ms.push(performance.now() - from)
  }
  return ms
}
