// The requests of a connection whose answers have not come yet, and what an answer is to them.
//   OR1. An answer that comes twice, or for what was given up, is let pass.
//   OR2. An answer under an id that was never asked under ends the only request that is open: its caller would wait for nothing until its
//        time is over. Where several are open, nobody knows which one it was for.
import { ErrorCode, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

type Id = string | number

/** Messages of errors that stand for an answer that is not to come: no server sends them. */
export const lostStream = 'the connection was lost before the answer came'
export const strangeId = 'it answered under an id that nobody had asked under'

/** Under this id we ourselves say that a stream is over. */
export const overId = 'over'
const mostOver = 1_000

export class OpenRequests<T> {
  readonly #open = new Map<Id, T>()
  readonly #over = new Set<Id>()

  get(id: Id): T | undefined {
    return this.#open.get(id)
  }

  has(id: Id): boolean {
    return this.#open.has(id)
  }

  entries(): readonly (readonly [Id, T])[] {
    return [...this.#open]
  }

  /** `value`: of a request. What is cancelled is open no more. */
  sent(message: JSONRPCMessage, value: T): void {
    if (!('method' in message)) return
    if ('id' in message) this.#open.set(message.id, value)
    const cancelled = message.method === 'notifications/cancelled' ? message.params?.requestId : undefined
    if (typeof cancelled === 'string' || typeof cancelled === 'number') this.end(cancelled)
  }

  /** false: it was not open. */
  end(id: Id): boolean {
    this.#over.add(id)
    if (this.#over.size > mostOver) this.#over.delete([...this.#over][0] ?? id)
    return this.#open.delete(id)
  }

  /** What is to be told of a message that came: itself, or what stands for it; null: nothing. */
  heard(message: JSONRPCMessage): JSONRPCMessage | null {
    if (!('id' in message) || message.id === undefined || 'method' in message) return message
    // Some servers give a number back as a text, and the SDK reads it so.
    const { id } = message
    const asked = this.has(id) || !Number.isInteger(Number(id)) ? id : Number(id)
    if (this.#open.has(asked)) {
      this.end(asked)
      return message
    }
    const [only, ...others] = this.#open.keys()
    if (this.#over.has(asked) || asked === overId || only === undefined || others.length > 0) return null // OR1
    this.end(only)
    return answerLost(only, strangeId) // OR2
  }
}

export const answerLost = (id: Id, why: string): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id,
  error: { code: ErrorCode.ConnectionClosed, message: why },
})
