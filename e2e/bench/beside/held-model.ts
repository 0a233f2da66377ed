// A model that is silent to every request until it is told to answer: it says when it was asked, which is how one sees a turn go on, in
// the same way for every peer.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

export class HeldModel {
  readonly #server: http.Server
  #asked: (() => void) | undefined
  #answers = false

  constructor() {
    this.#server = http.createServer((request, response) => {
      request.resume()
      request.on('end', () => {
        this.#asked?.()
        if (!this.#answers) return
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const chunk = (choice: object): string =>
          `data: ${JSON.stringify({ id: 'h', model: 'assistant', choices: [{ index: 0, ...choice }] })}\n\n`
        response.end(
          `${chunk({ delta: { content: 'done' } })}${chunk({ delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n`,
        )
      })
    })
  }

  /** The base URL. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** performance.now() of the next request. With `answers` it gets an answer, as all after it do. `by`: who is to ask, for the error. */
  asked(by: string, answers: boolean, withinMs: number): Promise<number> {
    this.#answers = answers
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${by} did not ask the model within ${withinMs} ms`)), withinMs)
      this.#asked = () => {
        clearTimeout(late)
        this.#asked = undefined
        resolve(performance.now())
      }
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
