// Requests of JSON with answers of JSON, as cheap as node:http gets: the client shares the machine with what it measures.
//   - Connections are kept; a body leaves in one write with its head.
//   - An answer that was not asked for (a status of 400 and above) is an error: a benchmark of failures is none.
import http from 'node:http'

export class JsonClient {
  readonly #url: URL
  readonly #headers: http.OutgoingHttpHeaders
  readonly #agent: http.Agent

  constructor(
    url: string,
    headers: http.OutgoingHttpHeaders = { 'content-type': 'application/json' },
    connections = 64,
  ) {
    this.#url = new URL(url)
    this.#headers = headers
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: connections, scheduling: 'lifo' })
  }

  json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const request = http.request(
        {
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path,
          agent: this.#agent,
          headers: text === undefined ? this.#headers : { ...this.#headers, 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          let answer = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            answer += chunk
          })
          response.on('end', () => {
            if ((response.statusCode ?? 500) < 400) resolve(JSON.parse(answer) as T)
            else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer.slice(0, 500)}`))
          })
        },
      )
      request.setNoDelay(true)
      request.on('error', reject)
      request.end(text)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
