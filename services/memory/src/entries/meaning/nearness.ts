// What two searches have found, as one list. Pure.
import type { MemoryEntry, MemorySearch } from '@reins/contracts'

/** Of vectors of length 1; undefined: they are of different models. */
export function cosine(one: Float32Array, other: Float32Array): number | undefined {
  if (one.length !== other.length) return undefined
  let sum = 0
  for (let at = 0; at < one.length; at += 1) sum += (one[at] ?? 0) * (other[at] ?? 0)
  return sum
}

export interface Near {
  readonly key: string
  readonly cosine: number
}

/** The nearest first. */
export function nearest(
  vectors: ReadonlyMap<string, Float32Array>,
  query: Float32Array,
  { least, most }: { readonly least: number; readonly most: number },
): readonly Near[] {
  const near: Near[] = []
  for (const [key, vector] of vectors) {
    const found = cosine(vector, query)
    if (found !== undefined && found >= least) near.push({ key, cosine: found })
  }
  return near.sort((a, b) => b.cosine - a.cosine || (a.key < b.key ? -1 : 1)).slice(0, most)
}

/** By its place in each list: scores of different searches cannot be compared (reciprocal rank fusion, Cormack and others 2009). */
export function fused(lists: readonly (readonly MemoryEntry[])[], limit: number): MemorySearch['found'] {
  const scores = new Map<string, { readonly entry: MemoryEntry; score: number }>()
  for (const list of lists)
    for (const [place, entry] of list.entries()) {
      const known = scores.get(entry.key) ?? { entry, score: 0 }
      known.score += 1 / (60 + place)
      scores.set(entry.key, known)
    }
  return [...scores.values()]
    .sort((a, b) => b.score - a.score || b.entry.updatedAt - a.entry.updatedAt || (a.entry.key < b.entry.key ? -1 : 1))
    .slice(0, limit)
    .map(({ entry, score }) => ({ entry, score: Math.round(score * 1e4) / 1e4 }))
}
