// An embedding model without a server, for trying things out and for tests. It knows a few words that mean the same; of others it knows
// whether they are the same word.
import type { Embedder } from './embedder.ts'
import { unit } from './unit.ts'

export const scriptedEmbeddings = 'words'

const dimensions = 512
/** Words of one line mean the same. */
const meanings: readonly (readonly string[])[] = [
  ['car', 'cars', 'automobile', 'vehicle', 'auto'],
  ['dog', 'dogs', 'puppy', 'hound'],
  ['house', 'home', 'building', 'flat', 'apartment'],
  ['money', 'salary', 'pay', 'wage', 'income'],
  ['doctor', 'physician', 'surgeon'],
  ['begin', 'start', 'launch', 'commence'],
  ['quick', 'fast', 'rapid', 'swift'],
  ['bug', 'error', 'defect', 'fault'],
]
const meaningOf = new Map(meanings.flatMap((words) => words.map((word) => [word, words[0] ?? word])))
const saysNothing = new Set([
  'a',
  'an',
  'the',
  'of',
  'is',
  'are',
  'in',
  'on',
  'to',
  'and',
  'or',
  'what',
  'which',
  'who',
])

export function scriptedEmbedder(least: number): Embedder {
  return {
    model: `scripted/${scriptedEmbeddings}`,
    least,
    embed: async (texts) => texts.map(vectorOf),
    close: () => undefined,
  }
}

function vectorOf(text: string): Float32Array {
  const values = new Float32Array(dimensions)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    if (saysNothing.has(word)) continue
    const at = hash(meaningOf.get(word) ?? word) % dimensions
    values[at] = (values[at] ?? 0) + 1
  }
  return unit(values) ?? unit([1, ...Array<number>(dimensions - 1).fill(0)]) ?? values
}

/** FNV-1a. */
function hash(word: string): number {
  let value = 0x811c9dc5
  for (const letter of word) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  return value >>> 0
}
