// Waiting for what must come: the only place in these tests that looks again and again.
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves with the first value that is neither undefined nor false; rejects after `withinMs`, with what `describe` says. */
export async function eventually<T>(
  read: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly withinMs?: number; readonly describe?: () => string } = {},
): Promise<T> {
  const withinMs = options.withinMs ?? 60_000
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await read()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline)
      throw new Error(`not seen within ${withinMs} ms: ${options.describe?.() ?? read.toString()}`)
    await pause(20)
  }
}

export { pause }
