// The last frames of a session that is followed here, without a gap: what a viewer that joins reads from memory, not from the log. Pure.
//   R1. They begin at the last frame that says that nothing is in flight, as far as that is within bounds: so they also say which
//       answers are open.
import type { Frame } from '@reins/contracts'

/** An executor's word that nothing is in flight, or a session that has only just begun. Others only copy the status. */
export const atRest = (frame: Frame): boolean =>
  frame.n <= 1 || frame.status === 'ended' || (frame.status === 'idle' && frame.role === 'e')

const maxFrames = 256
const maxCharacters = 256_000

interface Kept {
  readonly frame: Frame
  readonly characters: number
}

export class RecentFrames {
  #kept: Kept[] = []
  #characters = 0

  get first(): Frame | undefined {
    return this.#kept[0]?.frame
  }

  get frames(): readonly Frame[] {
    return this.#kept.map(({ frame }) => frame)
  }

  /** The next one of the session. */
  add(frame: Frame): void {
    if (atRest(frame)) this.#clear() // R1
    this.#push('end', frame)
    while (this.#kept.length > maxFrames || (this.#characters > maxCharacters && this.#kept.length > 1)) {
      const gone = this.#kept.shift()
      this.#characters -= gone?.characters ?? 0
    }
  }

  /** Older ones, in order, just before the first. What does not join it, or does not fit, is left out. */
  precede(older: readonly Frame[]): void {
    for (const frame of older.toReversed()) {
      const { first } = this
      if (first === undefined || atRest(first) || frame.n !== first.n - 1) return
      if (
        this.#kept.length >= maxFrames ||
        this.#characters + charactersIn(frame.written ?? frame.events) > maxCharacters
      )
        return
      this.#push('start', frame)
    }
  }

  /** Those behind the `n`th of the session, up to `limit`; undefined where the first of them is not kept. */
  behind(n: number, limit: number): readonly Frame[] | undefined {
    const { first } = this
    if (first === undefined || n < first.n - 1) return undefined
    const from = n + 1 - first.n
    return this.#kept.slice(from, from + limit).map(({ frame }) => frame)
  }

  #push(where: 'start' | 'end', frame: Frame): void {
    const kept = { frame, characters: charactersIn(frame.written ?? frame.events) }
    if (where === 'end') this.#kept.push(kept)
    else this.#kept.unshift(kept)
    this.#characters += kept.characters
  }

  #clear(): void {
    this.#kept = []
    this.#characters = 0
  }
}

/** Of all texts in it: near enough to what it takes in memory, and far cheaper than writing it out. */
function charactersIn(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  let characters = 0
  for (const one of Object.values(value)) characters += charactersIn(one)
  return characters
}
