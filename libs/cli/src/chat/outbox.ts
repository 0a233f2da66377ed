// Messages on their way to the server.
//   O1. One after another, in the order in which they were typed.
//   O2. While the server is away the same message is tried again with the same key: it arrives once.
//   O3. A message that the server refuses comes back to whoever typed it.
import { ReinsError } from '@reins/contracts'

export interface Outgoing {
  readonly text: string
}

export interface OutboxOptions<Message extends Outgoing> {
  send(message: Message, key: string): Promise<void>
  makeKey(): string
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** `away`: the server does not answer, and it is tried again. */
  onChange(state: { readonly sending: readonly string[]; readonly away: boolean }): void
  onRefused(message: Message, error: unknown): void
  readonly signal: AbortSignal
}

export class Outbox<Message extends Outgoing> {
  readonly #options: OutboxOptions<Message>
  #sending: readonly string[] = []
  #away = false
  #last: Promise<void> = Promise.resolve()

  constructor(options: OutboxOptions<Message>) {
    this.#options = options
  }

  add(message: Message): void {
    this.#sending = [...this.#sending, message.text]
    this.#changed()
    this.#last = this.#last.then(() => this.#deliver(message))
  }

  async #deliver(message: Message): Promise<void> {
    const { makeKey, send, signal, sleep, onRefused } = this.#options
    const key = makeKey()
    for (let wait = 250; !signal.aborted; wait = Math.min(2000, wait * 2)) {
      try {
        await send(message, key)
        break
      } catch (error) {
        if (!isAway(error)) {
          this.#done()
          onRefused(message, error)
          return
        }
        this.#away = true
        this.#changed()
        await sleep(wait, signal)
      }
    }
    this.#done()
  }

  #done(): void {
    this.#away = false
    this.#sending = this.#sending.slice(1)
    this.#changed()
  }

  #changed(): void {
    this.#options.onChange({ sending: this.#sending, away: this.#away })
  }
}

/** The server, or a part of it, is not there for now: the client says so for both. */
const isAway = (error: unknown): boolean => error instanceof ReinsError && error.code === 'unavailable'
