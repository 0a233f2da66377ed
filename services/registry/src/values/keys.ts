// The keys of secrets as the parts of the registry use them.
//   KE1. Writing under a key and changing the key take turns in this process, so that nothing is written under a key on its way out.
import { ReinsError } from '@reins/contracts'
import type { Keyring, KeyStore, RandomBytes } from '@reins/secrets'

export class Keys {
  readonly #store: KeyStore | undefined
  readonly random: RandomBytes
  #turn: Promise<unknown> = Promise.resolve()

  /** `store`: undefined where this registry has no key. */
  constructor(store: KeyStore | undefined, random: RandomBytes) {
    this.#store = store
    this.random = random
  }

  /** undefined: this registry has none. */
  get known(): KeyStore | undefined {
    return this.#store
  }

  /** Throws unavailable. */
  get store(): KeyStore {
    if (this.#store) return this.#store
    throw new ReinsError('unavailable', 'The registry has no key for secrets.', {
      next: 'Give the registry a data folder, or set REINS_SECRETS_KEY or REINS_SECRETS_KEY_FILE for it, and start it again. See docs/secrets.md.',
    })
  }

  /** Throws unavailable. */
  read(): Keyring {
    return this.store.read()
  }

  /** KE1. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
