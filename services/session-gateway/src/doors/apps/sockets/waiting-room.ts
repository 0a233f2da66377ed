// What prompts hold that wait behind others, on all WebSockets of this gateway.
import { ReinsError } from '@reins/contracts'

export class WaitingRoom {
  readonly #most: number
  #taken = 0

  /** `most`: characters. */
  constructor(most: number) {
    this.#most = most
  }

  /** Gives back what leaves it again. Throws too_many_requests. */
  enter(size: number): () => void {
    if (this.#taken + size > this.#most)
      throw new ReinsError('too_many_requests', 'Too much waits on the connections of this gateway already.')
    this.#taken += size
    return () => {
      this.#taken -= size
    }
  }
}
