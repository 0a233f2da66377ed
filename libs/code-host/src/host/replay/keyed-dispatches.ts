// What a piece of code dispatches gets a key of its own, where the code gave none: the same for each attempt of that code.
//   KD1. The key follows from whose attempt it is, what is dispatched, and how often that very thing was dispatched before: so the order in
//        which code dispatches several things at once does not matter.
import { createHash } from 'node:crypto'

export type Ask = (what: string, value: unknown) => Promise<unknown>

/** `of`: the same for each attempt. Everything else is asked as it is. */
export function keyedDispatches(of: string, ask: Ask): Ask {
  const before = new Map<string, number>()
  return (what, value) => {
    if (what !== 'dispatch') return ask(what, value)
    const said = JSON.stringify(value)
    const times = before.get(said) ?? 0
    before.set(said, times + 1)
    return ask(what, withKey(value, [of, said, String(times)]))
  }
}

/** Leaves a key that the code gave. */
export function withKey(value: unknown, of: readonly string[]): unknown {
  const { idempotencyKey, ...rest } = value as { readonly idempotencyKey?: unknown }
  const own = createHash('sha256').update(JSON.stringify(of)).digest('hex')
  return { ...rest, idempotencyKey: idempotencyKey ?? `dispatch-${own}` }
}
