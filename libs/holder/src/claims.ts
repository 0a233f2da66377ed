// The attempts of one session's calls that this process answers for, and those that it has ever started.
//   C1. An owner says yes from before its intent or claim goes out until it knows the outcome's frame in (PROTOCOL 6). A claim that is
//       held for ever is taken over by nobody, so it is disposable: `using`, or a DisposableStack, lets it go on every way out.
//   C2. Claims of one attempt are counted: the attempt is let go with the last of them.
//   C3. What was started is remembered after it was let go: an attempt that ran here is never started here again.
import type { Presence } from '@reins/broker'
import type { Holding } from '@reins/contracts'

const keyOf = (call: string, attempt: number): string => `${call}/${attempt}`

export interface ClaimsContext {
  presence(): Pick<Presence, 'begin' | 'end'>
}

export class Claims {
  readonly #session: string
  readonly #of: ClaimsContext
  readonly #held = new Map<string, number>()
  readonly #started = new Set<string>()

  constructor(session: string, of: ClaimsContext) {
    this.#session = session
    this.#of = of
  }

  get size(): number {
    return this.#held.size
  }

  holds(call: string, attempt: number): boolean {
    return this.#held.has(keyOf(call, attempt))
  }

  started(call: string, attempt: number): boolean {
    return this.#started.has(keyOf(call, attempt))
  }

  start(call: string, attempt: number): void {
    this.#started.add(keyOf(call, attempt))
  }

  forgetStarted(): void {
    this.#started.clear()
  }

  /** `frame`: the sequence of the frame that asked for it, where it has one. */
  claim(call: string, attempt: number, frame?: number): Disposable {
    const key = keyOf(call, attempt)
    const holding = { session: this.#session, call, attempt, ...(frame === undefined ? {} : { frame }) }
    const others = this.#held.get(key) ?? 0
    this.#held.set(key, others + 1)
    if (others === 0) this.#of.presence().begin(holding)
    return new Claim(this, holding)
  }

  /** Of one claim. */
  letGo(holding: Holding): void {
    const key = keyOf(holding.call, holding.attempt)
    const left = (this.#held.get(key) ?? 0) - 1
    if (left > 0) this.#held.set(key, left)
    else if (this.#held.delete(key))
      this.#of.presence().end({ session: this.#session, call: holding.call, attempt: holding.attempt })
  }
}

class Claim implements Disposable {
  readonly #claims: Claims
  #holding: Holding | undefined

  constructor(claims: Claims, holding: Holding) {
    this.#claims = claims
    this.#holding = holding
  }

  [Symbol.dispose](): void {
    if (this.#holding) this.#claims.letGo(this.#holding)
    this.#holding = undefined
  }
}
