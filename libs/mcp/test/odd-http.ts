// A server over HTTP that does what a test tells it, message by message. Whoever starts it closes it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Message {
  readonly id?: number | string
  readonly method: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly params: any
}

export interface Exchange {
  readonly message: Message
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** As JSON, with the request's id. */
  readonly result: (result: unknown) => void
  readonly error: (code: number, message: string, data?: unknown) => void
}

export type Does = (exchange: Exchange) => void

export const initialize = (capabilities: object = { tools: {} }) => ({
  protocolVersion: '2025-06-18',
  capabilities,
  serverInfo: { name: 'odd', version: '1' },
})

export interface OddServer {
  readonly url: string
  readonly port: number
  /** Every message, in its order. */
  readonly seen: Message[]
  /** Requests that are no message: GET and DELETE. */
  readonly others: IncomingMessage[]
  close(): Promise<void>
}

/** `does`: by method; what is not there is answered as usual servers do. */
export async function oddServer(
  does: Readonly<Record<string, Does>>,
  onOther: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    void response.writeHead(405).end(),
  port = 0,
): Promise<OddServer> {
  const seen: Message[] = []
  const others: IncomingMessage[] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      others.push(request)
      onOther(request, response)
      return
    }
    let body = ''
    for await (const chunk of request) body += chunk
    const message = JSON.parse(body) as Message
    seen.push(message)
    const json = (value: object) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...value }))
    }
    const exchange: Exchange = {
      message,
      request,
      response,
      result: (result) => json({ result }),
      error: (code, text, data) => json({ error: { code, message: text, data } }),
    }
    const own = does[message.method]
    if (own) own(exchange)
    else if (message.id === undefined) response.writeHead(202).end()
    else if (message.method === 'initialize') exchange.result(initialize())
    else if (message.method === 'tools/list')
      exchange.result({ tools: [{ name: 'go', inputSchema: { type: 'object' } }] })
    else if (message.method === 'tools/call') exchange.result({ content: [{ type: 'text', text: 'gone' }] })
    else exchange.error(-32601, 'no such method')
  })
  // A busy machine may take longer between two requests: the connection would be closed under the second one.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    port: address.port,
    seen,
    others,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
