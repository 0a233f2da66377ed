// What was refused, for the audit: counted here, and recorded by the registry.
//   DE1. A flood of refusals is a few records: one for each kind a minute, at most `mostKinds` kinds at a time, the others together.
//   DE2. Nothing of a bearer is in it. A record that cannot be written now is written later, counted on.
import type { DenialEntry } from '@reins/contracts'

export interface Denial {
  readonly principal: string
  readonly operation: string
  readonly permission?: string | undefined
  readonly from: string
}

export interface DenialsOptions {
  readonly now: () => number
  /** Rejects, or says false, where nothing was written. */
  readonly record: (denials: readonly DenialEntry[]) => Promise<boolean>
  readonly everyMs?: number
}

const mostKinds = 50
const minute = 60_000

export class Denials {
  readonly #options: DenialsOptions
  #open = new Map<string, DenialEntry>()
  readonly #written = new Map<string, number>()
  readonly #timer: NodeJS.Timeout

  constructor(options: DenialsOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.flush().catch(() => undefined), options.everyMs ?? 2000)
    this.#timer.unref()
  }

  note({ principal, operation, permission, from }: Denial): void {
    const known = JSON.stringify([principal, operation])
    const key = this.#open.has(known) || this.#open.size < mostKinds ? known : 'others' // DE1
    const at = this.#options.now()
    const before = this.#open.get(key)
    const others = key === 'others'
    this.#open.set(key, {
      ...{ principal: others ? '*' : principal.slice(0, 300), operation: others ? 'others' : operation.slice(0, 300) },
      ...(permission === undefined ? {} : { permission: permission.slice(0, 1200) }),
      ...{ from: from.slice(0, 100), count: (before?.count ?? 0) + 1, firstAt: before?.firstAt ?? at, at },
    })
  }

  /** `all`: also what was recorded less than a minute ago. */
  async flush(all = false): Promise<void> {
    const now = this.#options.now()
    for (const [key, at] of this.#written) if (at + minute <= now) this.#written.delete(key)
    const due = [...this.#open].filter(([key]) => all || !this.#written.has(key))
    if (due.length === 0) return
    for (const [key] of due) {
      this.#open.delete(key)
      this.#written.set(key, now)
    }
    const ok = await this.#options.record(due.map(([, entry]) => entry)).catch(() => false)
    if (ok) return
    for (const [key, entry] of due) {
      const since = this.#open.get(key)
      this.#written.delete(key)
      this.#open.set(key, since ? { ...since, count: since.count + entry.count, firstAt: entry.firstAt } : entry) // DE2
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush(true)
  }
}
