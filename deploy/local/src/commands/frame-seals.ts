// Which frames of a session were not written by the service that they name: by the signature that each has of its writer (seals.ts).
//   FS1. From the first frame of a role on that is sealed by a key that is known here, each frame of that role has to be. Before it, and
//        where no key is known, frames say nothing of who wrote them: older processes signed none.
import { frameSealText, type SealRole, type Seals } from '@reins/contracts'
import type { StoredFrame } from '@reins/session'

export class FrameSeals {
  readonly #session: string
  readonly #check: Seals['check']
  readonly #signing = new Set<SealRole>()
  #sealed = 0

  constructor(session: string, { check }: Pick<Seals, 'check'>) {
    this.#session = session
    this.#check = check
  }

  /** How many of those that were added are sealed by a key that is known here. */
  get sealed(): number {
    return this.#sealed
  }

  /** Frame by frame, from the first one on. What is wrong with it; undefined: nothing. */
  add({ frame }: Pick<StoredFrame, 'frame'>): string | undefined {
    const { role, seal = '' } = frame
    const state = this.#check(role, frameSealText(frame), seal)
    if (state === 'sound') {
      this.#sealed++
      this.#signing.add(role)
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
