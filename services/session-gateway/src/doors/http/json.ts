// JSON from a client, whichever door it came by.
//   J1. Every text in it is well-formed. JSON can escape half of a surrogate pair, which is no character: in a log or at a model's
//       provider it would be an error for ever. It becomes U+FFFD here.
//   J2. A byte order mark before it is not part of it: some editors and shells write one.
//   J3. It is nested so deep at most: what walks a value by calling itself, here or in whoever reads the log, would run out of stack.
import { ReinsError } from '@reins/contracts'

/** J3. */
const mostLevels = 500

/** Throws invalid_json. `what`: as it is called in the error. */
export function parseJson(text: string, what: string): unknown {
  if (levelsOf(text) > mostLevels)
    throw new ReinsError('invalid_json', `The ${what} is nested deeper than ${mostLevels} levels.`)
  let value: unknown
  try {
    value = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) // J2
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ReinsError('invalid_json', `The ${what} is not JSON: ${why}.`)
  }
  // Only an escape can bring half a pair, for the bytes were UTF-8.
  return /\\u[dD][89a-fA-F]/.test(text) ? wellFormed(value) : value
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(wellFormed)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name.toWellFormed(), wellFormed(one)]))
}

/** Of a text that may be JSON: how deep it is nested, as far as that is more than it may be. */
function levelsOf(text: string): number {
  // Each level has a character at either end.
  if (text.length <= 2 * mostLevels) return 0
  let levels = 0
  let quoted = false
  for (let at = 0; at < text.length && levels <= mostLevels; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) quoted = !quoted
    else if (code === backslash) at++
    else if (!quoted && (code === list || code === mapping)) levels++
    else if (!quoted && (code === list + 2 || code === mapping + 2)) levels--
  }
  return levels
}

const [quote, backslash, list, mapping] = [34, 92, 91, 123] as const
