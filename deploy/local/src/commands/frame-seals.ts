// Which frames of a session were not written by the service that they name: by the signature that each has of its writer (seals.ts).
//   FS1. From the first frame of a role on that is sealed by a key that is known here, each frame of that role has to be. Before it, and
//        where no key is known, frames say nothing of who wrote them: older processes signed none.
//   FS2. Keys of a role follow each other, and all processes of a service stop when it gets a new one. So where the newest key has signed, an
//        older one signs no more: whoever still has it was not to have it.
import { frameSealText, type SealRole, type Seals } from '@reins/contracts'
import type { StoredFrame } from '@reins/session'

export class FrameSeals {
  readonly #session: string
  readonly #seals: Pick<Seals, 'check' | 'isNewest'>
  readonly #signing = new Set<SealRole>()
  readonly #newest = new Set<SealRole>()
  #sealed = 0

  constructor(session: string, seals: Pick<Seals, 'check' | 'isNewest'>) {
    this.#session = session
    this.#seals = seals
  }

  /** How many of those that were added are sealed by a key that is known here. */
  get sealed(): number {
    return this.#sealed
  }

  /** Frame by frame, from the first one on. What is wrong with it; undefined: nothing. */
  add({ frame }: Pick<StoredFrame, 'frame'>): string | undefined {
    const { role, seal = '' } = frame
    const state = this.#seals.check(role, frameSealText(frame), seal)
    if (state === 'sound') {
      this.#sealed++
      this.#signing.add(role)
      if (this.#seals.isNewest(role, seal)) this.#newest.add(role)
      else if (this.#newest.has(role))
        // FS2
        return `${this.#session}#${frame.n}: it is signed with an older key of its service, and frames before it are signed with a newer one`
      return undefined
    }
    if (state === 'unknown' || !this.#signing.has(role)) return undefined
    const what =
      state === 'none'
        ? 'it is not signed, and frames of the same service before it are'
        : 'its signature is none of the service that it names'
    return `${this.#session}#${frame.n}: ${what}`
  }
}
