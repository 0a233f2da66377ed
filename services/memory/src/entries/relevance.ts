// How near an entry is to a query: by whole words, by their beginnings, and by trigrams, so that a misspelt word is found. Pure. For the
// providers that have no search of their own.
import type { MemoryEntry, MemorySearch } from '@reins/contracts'

/** Characters of an entry that are looked at. */
const lookedAt = 8_000
const least = 0.3

const folded = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()

const wordsOf = (text: string): readonly string[] => text.match(/[\p{L}\p{N}]+/gu) ?? []

/** What is searched of an entry. */
export const searchText = (key: string, value: unknown): string =>
  `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`.slice(0, lookedAt)

function trigramsOf(word: string): ReadonlySet<string> {
  const padded = `  ${word} `
  const all = new Set<string>()
  for (let at = 0; at + 3 <= padded.length; at += 1) all.add(padded.slice(at, at + 3))
  return all
}

function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let both = 0
  for (const trigram of one) if (other.has(trigram)) both += 1
  return both / (one.size + other.size - both)
}

interface Asked {
  readonly word: string
  readonly trigrams: ReadonlySet<string>
  /** Long words say more than short ones. */
  readonly weight: number
}

function nearness({ word, trigrams }: Asked, text: string, words: ReadonlySet<string>): number {
  if (words.has(word)) return 1
  let best = word.length >= 3 && text.includes(word) ? 0.7 : 0
  for (const other of words) {
    const shorter = Math.min(word.length, other.length)
    if (shorter >= 3 && (other.startsWith(word) || word.startsWith(other))) best = Math.max(best, 0.8)
    else if (shorter >= 4) {
      const like = likeness(trigrams, trigramsOf(other))
      if (like >= 0.4) best = Math.max(best, like * 0.8)
    }
  }
  return best
}

/** The best first. */
export function searchAmong(entries: Iterable<MemoryEntry>, query: string, limit: number): MemorySearch {
  const asked = [...new Set(wordsOf(folded(query)))].map(
    (word): Asked => ({ word, trigrams: trigramsOf(word), weight: Math.min(word.length, 8) }),
  )
  const all = asked.reduce((sum, { weight }) => sum + weight, 0)
  const found: { readonly entry: MemoryEntry; readonly score: number }[] = []
  for (const entry of entries) {
    const text = folded(searchText(entry.key, entry.value))
    const words = new Set(wordsOf(text))
    const score = asked.reduce((sum, one) => sum + nearness(one, text, words) * one.weight, 0) / (all || 1)
    if (score >= least) found.push({ entry, score: Math.round(score * 1000) / 1000 })
  }
  found.sort(
    (a, b) => b.score - a.score || b.entry.updatedAt - a.entry.updatedAt || (a.entry.key < b.entry.key ? -1 : 1),
  )
  return { found: found.slice(0, limit), how: 'words and trigrams' }
}
