// Requests that make the product work much for little: each principal has a number of them a minute.
import { Attempts, tooMany } from './attempts.ts'

const costly: ReadonlySet<string> = new Set([
  'POST /v1/agents/:name/mcp-test',
  'POST /v1/secrets-key/rotate',
  'POST /v1/webhooks/:id/test',
])

export class CostlyRequests {
  readonly #attempts: Attempts

  constructor(options: { readonly perMinute: number; now(): number }) {
    this.#attempts = new Attempts(options)
  }

  /** Throws too_many_requests. */
  count(principal: string, method: string, path: string): void {
    if (!costly.has(`${method} ${path}`)) return
    const wait = this.#attempts.waitOf(principal)
    if (wait > 0) throw tooMany(wait, `${principal} has sent too many requests of this kind, each of which costs much.`)
    this.#attempts.count(principal)
  }
}
