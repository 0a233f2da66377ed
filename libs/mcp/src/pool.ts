// The connections of one process: one for each principal and server, shared by all their sessions.
//   L1. At most one connection is being made for a key; all who want it wait for the same one.
//   L2. A server that could not be reached is not tried again at once: until its time has come, the answer is what was found.
//   L3. What nobody has used for a while is closed, and the least used one where there are too many.
import { createHash } from 'node:crypto'
import { canonicalJson } from '@reins/contracts'
import { connect, type Ends, type Wanted } from './connect.ts'
import type { Asked, Connection } from './connection.ts'
import type { Failure } from './failures.ts'

export interface PoolOptions extends Ends {
  /** epoch ms */
  readonly now: () => number
}

interface Entry {
  opening: Promise<Asked<Connection>> | null
  connection: Connection | null
  failure: Failure | null
  failures: number
  /** Not tried again before. */
  retryAt: number
  usedAt: number
}

const idleMs = 10 * 60_000
const most = 200
const backoffMs = (failures: number): number => Math.min(500 * 2 ** Math.min(failures - 1, 10), 30_000)

export class Pool {
  readonly #options: PoolOptions
  readonly #entries = new Map<string, Entry>()
  readonly #sweeper: NodeJS.Timeout
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#sweeper = setInterval(() => this.#sweep(), 30_000)
    this.#sweeper.unref()
  }

  async connection(principal: string, wanted: Wanted): Promise<Asked<Connection>> {
    if (this.#closed) return { kind: 'failed', failure: { kind: 'unreachable', why: 'the tool-runner shuts down' } }
    const key = keyOf(principal, wanted)
    const entry = this.#entries.get(key) ?? fresh()
    this.#entries.set(key, entry)
    const now = this.#options.now()
    entry.usedAt = now
    if (entry.connection && !entry.connection.closed) return { kind: 'answered', value: entry.connection }
    if (entry.opening) return entry.opening
    if (entry.failure && now < entry.retryAt) return { kind: 'failed', failure: entry.failure } // L2
    entry.opening = this.#open(entry, wanted)
    return entry.opening
  }

  async #open(entry: Entry, wanted: Wanted): Promise<Asked<Connection>> {
    const opened = await connect(this.#options, wanted)
    entry.opening = null
    if (opened.kind === 'failed') {
      entry.failures++
      entry.failure = opened.failure
      entry.retryAt = this.#options.now() + backoffMs(entry.failures)
      return opened
    }
    if (this.#closed) void opened.value.close()
    entry.connection = opened.value
    entry.failure = null
    entry.failures = 0
    this.#sweep()
    return opened
  }

  /** A connection that is good for nothing any more: the next one who asks gets another. */
  drop(connection: Connection): void {
    for (const entry of this.#entries.values()) if (entry.connection === connection) entry.connection = null
    void connection.close()
  }

  /** L3. */
  #sweep(): void {
    const now = this.#options.now()
    const idle = [...this.#entries].filter(([, { opening, connection }]) => !opening && !connection?.busy)
    idle.sort(([, a], [, b]) => a.usedAt - b.usedAt)
    let tooMany = this.#entries.size - most
    for (const [key, entry] of idle) {
      if (tooMany <= 0 && now - entry.usedAt < idleMs) continue
      tooMany--
      this.#entries.delete(key)
      void entry.connection?.close()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    const open = [...this.#entries.values()].flatMap(({ connection }) => connection ?? [])
    this.#entries.clear()
    await Promise.all(open.map((connection) => connection.close()))
  }
}

const fresh = (): Entry => ({ opening: null, connection: null, failure: null, failures: 0, retryAt: 0, usedAt: 0 })

/** The folder of a command is its agent's. */
const keyOf = (principal: string, { server, agent }: Wanted): string =>
  createHash('sha256')
    .update(canonicalJson({ principal, server, agent: server.at.kind === 'stdio' ? agent : '' }))
    .digest('base64url')
