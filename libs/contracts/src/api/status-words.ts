// Words of other systems for our statuses, as lists take them.
import { type Status, statuses } from '../frame/frame.ts'

const words: Readonly<Record<string, Status>> = { completed: 'ended', cancelled: 'ended', failed: 'quarantined' }

/** In any case: `COMPLETED`, `running`. undefined: it is none. */
export function statusOfWord(text: string): Status | undefined {
  const word = text.toLowerCase()
  return Object.hasOwn(words, word) ? words[word] : statuses.find((status) => status === word)
}

/** For whoever gave a word that is none. */
export const validStatusWords = `Valid are ${statuses.join(', ')}; COMPLETED and CANCELLED stand for ended, FAILED for quarantined.`
