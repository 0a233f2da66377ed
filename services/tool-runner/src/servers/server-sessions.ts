// Which sessions have tools of a server that this process asked: they are told when the server says that its tools changed. Bounded, and
// lost with the process: a session that is told nothing keeps the tools that its log has.
//   S1. A session is told once, until it asks again: a server that changes all the time costs one event a turn.
import type { ServerAnswer } from '@reins/contracts'

const most = 10_000

export class ServerSessions {
  /** By principal and server; the sessions that are to be told. */
  readonly #sessions = new Map<string, Set<string>>()
  #count = 0

  answered(session: string, principal: string, answers: readonly ServerAnswer[]): void {
    if (this.#count >= most) {
      this.#sessions.clear()
      this.#count = 0
    }
    for (const { server, status } of answers) {
      if (status !== 'ready') continue
      const key = keyOf(principal, server)
      const sessions = this.#sessions.get(key) ?? new Set()
      this.#sessions.set(key, sessions)
      if (!sessions.has(session)) this.#count++
      sessions.add(session)
    }
  }

  /** S1. */
  toTell(principal: string, server: string): readonly string[] {
    const key = keyOf(principal, server)
    const sessions = [...(this.#sessions.get(key) ?? [])]
    this.#sessions.delete(key)
    this.#count -= sessions.length
    return sessions
  }
}

const keyOf = (principal: string, server: string): string => `${principal}\0${server}`
