// A model that is silent to a turn until it is told to answer: it says when it was asked, which is how one sees a turn go on, in the same
// way for every product.
//   HM1. A request counts for the turn whose word stands in its newest message of a person, and for no other one. What asks late, for a
//        turn that is over, is answered and counts for nobody.
//   HM2. A request is noted when it comes, and not when somebody begins to wait for it.
//   HM3. What a process had sent before it was killed counts no more once `forgetConnections` was called.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the model calls before it is asked a second time. */
export interface HeldTool {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

export interface HeldTurn {
  /** For the person who begins it: the model knows the turn by it. */
  readonly message: string
  /** performance.now() of the first request behind the time `after` (of the first that brings the result of the tool, where there is one). */
  asked(by: string, after: number, withinMs: number): Promise<number>
  /** Every request of the turn gets its answer from now on. */
  answer(): void
  /** It counts no more. */
  over(): void
}

interface Known {
  readonly tool: HeldTool | undefined
  readonly requests: number[]
  answers: boolean
  /** Called after each request. */
  changed: () => void
}

interface ChatMessage {
  readonly role: string
  readonly content?: unknown
}

export class HeldModel {
  readonly #server: http.Server
  readonly #turns = new Map<string, Known>()
  #made = 0

  constructor() {
    this.#server = http.createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8')
      request.on('data', (piece: string) => {
        body += piece
      })
      request.on('end', () => this.#asked((JSON.parse(body) as { messages: ChatMessage[] }).messages, response))
    })
  }

  /** The base URL. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  turn(tool?: HeldTool): HeldTurn {
    const word = `held-${++this.#made}`
    const known: Known = { tool, requests: [], answers: false, changed: () => {} }
    this.#turns.set(word, known)
    return {
      message: `go on, ${word}`,
      asked: (by, after, withinMs) => askedOf(known, by, after, withinMs),
      answer: () => {
        known.answers = true
      },
      over: () => void this.#turns.delete(word),
    }
  }

  /** HM3. Once a process is gone, what it sent is either here or will never be. */
  async forgetConnections(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#server.closeAllConnections()
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #asked(messages: readonly ChatMessage[], response: http.ServerResponse): void {
    const at = messages.findLastIndex(({ role }) => role === 'user')
    const [word = ''] = /\bheld-\d+\b/.exec(JSON.stringify(messages[at]?.content ?? '')) ?? []
    const turn = this.#turns.get(word)
    if (turn?.tool && !messages.slice(at).some(({ role }) => role === 'tool')) {
      says(response, callOf(turn.tool))
      return
    }
    if (turn) {
      turn.requests.push(performance.now())
      turn.changed()
      if (!turn.answers) return
    }
    says(response, { content: 'done' })
  }
}

function askedOf(turn: Known, by: string, after: number, withinMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const found = (): boolean => {
      const at = turn.requests.find((one) => one > after)
      if (at === undefined) return false
      clearTimeout(late)
      turn.changed = () => {}
      resolve(at)
      return true
    }
    const late = setTimeout(() => {
      turn.changed = () => {}
      const before = turn.requests.length === 0 ? 'never before either' : `${turn.requests.length} times before`
      reject(new Error(`${by} did not ask the model within ${withinMs} ms (${before})`))
    }, withinMs)
    if (!found()) turn.changed = found
  })
}

const callOf = ({ name, args }: HeldTool): object => ({
  tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name, arguments: JSON.stringify(args) } }],
})

function says(response: http.ServerResponse, delta: object): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const chunk = (choice: object): string =>
    `data: ${JSON.stringify({ id: 'h', model: 'assistant', choices: [{ index: 0, ...choice }] })}\n\n`
  const finish = 'tool_calls' in delta ? 'tool_calls' : 'stop'
  response.end(`${chunk({ delta })}${chunk({ delta: {}, finish_reason: finish })}data: [DONE]\n\n`)
}
