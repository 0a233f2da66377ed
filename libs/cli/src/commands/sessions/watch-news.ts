// A list that is looked at again and again: what is new in it is printed, the oldest first, until the person stops it.
import type { Invocation } from '../../invocation.ts'

export interface News<T> {
  /** The newest first. */
  readonly look: () => Promise<readonly T[]>
  readonly idOf: (one: T) => string
  readonly print: (one: T) => void
}

/** ms between two looks at the index. */
const lookEveryMs = 1_000

export async function watchNews<T>(run: Invocation, { look, idOf, print }: News<T>): Promise<void> {
  let told = new Set<string>()
  for (;;) {
    const found = await look()
    for (const one of found.toReversed()) if (!told.has(idOf(one))) print(one)
    told = new Set(found.map(idOf))
    await run.context.sleep(lookEveryMs, run.signal)
    if (run.signal.aborted) return
  }
}
