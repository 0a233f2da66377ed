// "Did you mean …": the known name that a person most likely meant.

/** The nearest of `known`, where it is near enough to be a slip of the pen. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const asked = plain(name)
  if (asked.length > 64) return undefined
  let best: { name: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = edits(asked, plain(candidate))
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name: candidate, distance }
  }
  return best && best.distance <= Math.max(1, Math.floor(asked.length / 3)) ? best.name : undefined
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_\s]/g, '')

/** Letters to add, remove, replace or swap with their neighbour. */
function edits(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}
