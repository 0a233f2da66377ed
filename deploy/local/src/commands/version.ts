// Versions as servers print them: the first `a.b` or `a.b.c` in a text. Pure.

export function parseVersion(text: string): string | undefined {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0]
}

/** Compares number by number; a missing one is 0. */
export function atLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number)
  const need = minimum.split('.').map(Number)
  for (const [index, wanted] of need.entries()) {
    const got = have[index] ?? 0
    if (got !== wanted) return got > wanted
  }
  return true
}
