// The requests of a connection whose answers have not come yet, and what an answer is to them.
//   OR1. An answer that comes twice, or for what was given up, is let pass.
//   OR2. An answer under an id that was never asked under was for one of the requests that were open then. When the others of them are
//        answered, it is known for which one, and that one ends: its caller would wait for nothing until its time is over. A request that
//        is given up meanwhile may have been the one, so nothing is known then.
import { ErrorCode, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

type Id = string | number

/** Messages of errors that stand for an answer that is not to come: no server sends them. */
export const lostStream = 'the connection was lost before the answer came'
export const strangeId = 'it answered under an id that nobody had asked under'

/** Under this id we ourselves say that a stream is over. */
export const overId = 'over'
const mostOver = 1_000
const mostStrange = 100

export class OpenRequests<T> {
  readonly #open = new Map<Id, T>()
  readonly #over = new Set<Id>()
  /** OR2. Of each answer under a strange id: the requests that it may have been for. */
  #strange: Set<Id>[] = []

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

  /** It is given up. false: it was not open. */
  end(id: Id): boolean {
    this.#strange = this.#strange.filter((candidates) => !candidates.has(id)) // OR2
    return this.#settle(id)
  }

  #settle(id: Id): boolean {
    this.#over.add(id)
    if (this.#over.size > mostOver) this.#over.delete([...this.#over][0] ?? id)
    return this.#open.delete(id)
  }

  /** What is to be told when a message came: itself, what stands for it, what follows from it, or nothing. */
  heard(message: JSONRPCMessage): readonly JSONRPCMessage[] {
    if (!('id' in message) || message.id === undefined || 'method' in message) return [message]
    // Some servers give a number back as a text, and the SDK reads it so.
    const { id } = message
    const asked = this.has(id) || !Number.isInteger(Number(id)) ? id : Number(id)
    if (this.#open.has(asked)) {
      this.#settle(asked)
      return [message, ...this.#lost()]
    }
    if (this.#over.has(asked) || asked === overId || this.#open.size === 0) return [] // OR1
    if (this.#strange.length < mostStrange) this.#strange.push(new Set(this.#open.keys()))
    return this.#lost()
  }

  /** OR2. */
  #lost(): readonly JSONRPCMessage[] {
    const lost: JSONRPCMessage[] = []
    for (let at = 0; at < this.#strange.length; at += 1) {
      const [only, ...others] = [...(this.#strange[at] ?? [])].filter((id) => this.#open.has(id))
      if (others.length > 0) continue
      this.#strange.splice(at, 1)
      if (only === undefined) at -= 1
      else {
        this.#settle(only)
        lost.push(answerLost(only, strangeId))
        // What is known now may say more of the others.
        at = -1
      }
    }
    return lost
  }
}

export const answerLost = (id: Id, why: string): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id,
  error: { code: ErrorCode.ConnectionClosed, message: why },
})
