// Requests for the tools of servers that one session holds here (PROTOCOL 5a): each is held from its delivery until its answer is in the
// stream, or nobody waits for it any more. It reads no log and appends nothing: the session does.
//   D1. Servers are asked once for each delivery of a request that is not held here yet; who is given it again goes on.
//   D2. What servers say is masked before the session gets it.
import type { ServerAnswer } from '@reins/contracts'
import type { Trigger } from '@reins/journal'
import type { ToolsetRequest } from '@reins/session'

export interface Discovery {
  readonly seq: number
  readonly request: ToolsetRequest
  readonly trace: string | undefined
  trigger: Trigger
}

export interface DiscoveryParts {
  /** Never rejects. */
  ask(request: ToolsetRequest): Promise<readonly ServerAnswer[]>
  /** Servers have answered, and the request is still held. */
  answered(discovery: Discovery, answers: readonly ServerAnswer[]): void
}

export class Discoveries {
  readonly #parts: DiscoveryParts
  readonly #held = new Map<number, Discovery>()

  constructor(parts: DiscoveryParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#held.size
  }

  /** D1. null: it is held already. */
  hold(trigger: Trigger, request: ToolsetRequest): Discovery | null {
    const { seq, trace } = trigger.frame
    const known = this.#held.get(seq)
    if (known) {
      known.trigger = trigger
      trigger.working()
      return null
    }
    const discovery: Discovery = { seq, request, trace, trigger }
    this.#held.set(seq, discovery)
    return discovery
  }

  begin(discovery: Discovery): void {
    void this.#parts.ask(discovery.request).then((answers) => {
      if (this.holds(discovery)) this.#parts.answered(discovery, answers)
    })
  }

  holds(discovery: Discovery): boolean {
    return this.#held.get(discovery.seq) === discovery
  }

  working(): void {
    for (const { trigger } of this.#held.values()) trigger.working()
  }

  /** Its answer is in, or nobody waits for it. */
  done(discovery: Discovery): void {
    if (!this.holds(discovery)) return
    this.#held.delete(discovery.seq)
    discovery.trigger.ack()
  }

  giveBack(delayMs: number): void {
    for (const { trigger } of this.#held.values()) trigger.nak(delayMs)
    this.#held.clear()
  }
}
