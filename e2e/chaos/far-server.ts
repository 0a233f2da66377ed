// The same server over HTTP, in this process: it outlives every tool-runner, and counts what they call. Whoever opens it closes it.
import { type Exchange, type OddServer, oddServer } from '../../libs/mcp/test/odd-http.ts'
import { called, initialized, noted, notedTools } from './noted-calls.ts'

export class FarServer {
  readonly notes: string[] = []
  readonly #server: OddServer
  readonly #marks = new Set<string>()
  readonly #questions = new Map<string, Exchange>()

  private constructor(server: OddServer) {
    this.#server = server
  }

  static async open(): Promise<FarServer> {
    const server = await oddServer({
      initialize: ({ result }) => result(initialized),
      'tools/list': ({ result }) => result({ tools: notedTools }),
      'tools/call': (exchange) => here.#call(exchange),
      // An answer to a question has no method.
      undefined: (exchange) => here.#answer(exchange),
    })
    const here = new FarServer(server)
    return here
  }

  get url(): string {
    return this.#server.url
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  #seen(mark: string): boolean {
    const was = this.#marks.has(mark)
    this.#marks.add(mark)
    return was
  }

  #call(exchange: Exchange): void {
    const { message, response } = exchange
    const { name, arguments: args } = message.params
    const reply = called(
      name,
      args,
      (mark) => this.#seen(mark),
      (line) => this.notes.push(line),
    )
    switch (reply.kind) {
      case 'result':
        setTimeout(() => exchange.result(reply.result), reply.ms)
        return
      case 'asks': {
        const id = `question-${this.#questions.size}`
        this.#questions.set(id, exchange)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        send(exchange, { id, method: 'elicitation/create', params: reply.question })
        return
      }
      case 'error':
        exchange.error(reply.code, reply.message, reply.data)
        return
      case 'breaks':
        response.destroy()
        return
      default:
        reply satisfies never
    }
  }

  #answer({ message, response }: Exchange): void {
    response.writeHead(202).end()
    const call = this.#questions.get(String(message.id))
    if (!call) return
    send(call, { id: call.message.id, result: noted })
    call.response.end()
  }
}

const send = ({ response }: Exchange, message: object): void =>
  void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
