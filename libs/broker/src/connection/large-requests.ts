// Requests that are larger than one message of the broker: they travel in parts, to one instance of the service.
//   L1. The first message goes to any instance and names the size; its answer names where the parts go. They go there one after the other,
//       each when the one before it was taken, so they need no numbers. The answer to the last part is the answer to the request.
//   L2. What an instance holds of unfinished requests is bounded, in bytes and in time; nothing of them is stored.
//   L3. A part that finds nobody (the instance ended, or gave up waiting) is `unavailable`: the caller begins anew.
import { ReinsError } from '@reins/contracts'

/** Well below 1 MB, the broker's default for a message. */
export const partBytes = 512 * 1024

export interface LargeLimits {
  /** Of one request. */
  readonly maxBytes: number
  /** Of all that are unfinished. */
  readonly maxHeldBytes: number
  /** ms without a further part, after which a request is forgotten. */
  readonly idleMs: number
}

export const defaultLargeLimits: LargeLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxHeldBytes: 64 * 1024 * 1024,
  idleMs: 30_000,
}

export interface Announced {
  readonly verb: string
  readonly bytes: number
}

interface Unfinished extends Announced {
  readonly parts: Uint8Array[]
  got: number
  forget: () => void
}

/** Runs after `ms` unless the returned function is called before. */
export type Later = (run: () => void, ms: number) => () => void

export class LargeRequests {
  readonly #limits: LargeLimits
  readonly #later: Later
  readonly #unfinished = new Map<string, Unfinished>()
  #held = 0

  constructor(limits: LargeLimits, later: Later) {
    this.#limits = limits
    this.#later = later
  }

  /** Throws ReinsError where there is no room for it. */
  begin(id: string, { verb, bytes }: Announced): void {
    const { maxBytes, maxHeldBytes } = this.#limits
    if (bytes > maxBytes)
      throw new ReinsError('body_too_large', `The request has ${bytes} bytes; at most ${maxBytes} are allowed.`)
    if (this.#held + bytes > maxHeldBytes) throw new ReinsError('unavailable', 'Too many large requests are under way.')
    this.#held += bytes
    this.#unfinished.set(id, { verb, bytes, parts: [], got: 0, forget: this.#forgetLater(id) })
  }

  /** The whole, with its last part. Throws ReinsError where the part belongs to nothing, or is too much. */
  take(id: string, part: Uint8Array): 'more' | { readonly verb: string; readonly text: string } {
    const one = this.#unfinished.get(id)
    if (!one) throw new ReinsError('unavailable', 'The service has forgotten the request before it was whole.') // L3
    one.forget()
    one.parts.push(part)
    one.got += part.length
    if (one.got < one.bytes) {
      one.forget = this.#forgetLater(id)
      return 'more'
    }
    this.#drop(id)
    if (one.got > one.bytes)
      throw new ReinsError('invalid_request', `The request has more than the ${one.bytes} bytes that it announced.`)
    return { verb: one.verb, text: new TextDecoder().decode(Buffer.concat(one.parts)) }
  }

  close(): void {
    for (const [id, one] of this.#unfinished) {
      one.forget()
      this.#drop(id)
    }
  }

  #forgetLater(id: string): () => void {
    return this.#later(() => this.#drop(id), this.#limits.idleMs)
  }

  #drop(id: string): void {
    const one = this.#unfinished.get(id)
    if (!one) return
    this.#held -= one.bytes
    this.#unfinished.delete(id)
  }
}

/** A text in pieces that fit into one message each. */
export function partsOf(body: string): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(body)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += partBytes) parts.push(bytes.subarray(at, at + partBytes))
  return parts
}
