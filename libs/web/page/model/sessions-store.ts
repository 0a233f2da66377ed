// The sessions of the agent, the latest first, as the index has them: it may be some moments behind.
import type { SessionInfo } from '@reins/contracts'
import { reins, told } from './reins.ts'
import { type Trouble, troubleOf } from './session-store.ts'

export interface Sessions {
  readonly sessions: readonly SessionInfo[]
  readonly next: string | undefined
  readonly loaded: boolean
  /** What is searched for. */
  readonly wanted: string
  readonly trouble: Trouble | undefined
}

const page = 60

export class SessionsStore {
  #value: Sessions = { sessions: [], next: undefined, loaded: false, wanted: '', trouble: undefined }
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setTimeout> | undefined

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly value = (): Sessions => this.#value

  search(wanted: string): void {
    this.#value = { ...this.#value, wanted }
    for (const listener of this.#listeners) listener()
  }

  /** Soon, and once more when the index has caught up. */
  news(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      void this.refresh()
      this.#timer = setTimeout(() => void this.refresh(), 1500)
    }, 150)
  }

  async refresh(): Promise<void> {
    try {
      const { sessions, next } = await reins.sessions.list({ agent: told.agent, limit: page })
      // Those that were loaded beyond the first page stay.
      const fresh = new Set(sessions.map(({ id }) => id))
      const further = next === undefined ? [] : this.#value.sessions.slice(page).filter(({ id }) => !fresh.has(id))
      this.#set({ sessions: [...sessions, ...further], next: further.length > 0 ? this.#value.next : next })
    } catch (error) {
      this.#set({ trouble: troubleOf(error) })
    }
  }

  async more(): Promise<void> {
    const { next: after, sessions: before } = this.#value
    if (after === undefined) return
    try {
      const { sessions, next } = await reins.sessions.list({ agent: told.agent, limit: page, after })
      const known = new Set(before.map(({ id }) => id))
      this.#set({ sessions: [...before, ...sessions.filter(({ id }) => !known.has(id))], next })
    } catch (error) {
      this.#set({ trouble: troubleOf(error) })
    }
  }

  #set(change: Partial<Sessions>): void {
    this.#value = { ...this.#value, trouble: undefined, ...change, loaded: true }
    for (const listener of this.#listeners) listener()
  }
}

/** Every word of it, in any order, in the title or the id. */
export function matching(sessions: readonly SessionInfo[], wanted: string): readonly SessionInfo[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return sessions
  return sessions.filter(({ id, title = '' }) => {
    const text = `${title} ${id}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
