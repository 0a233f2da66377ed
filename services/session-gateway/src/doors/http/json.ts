// JSON from a client, whichever door it came by.
//   J1. Every text in it is well-formed. JSON can escape half of a surrogate pair, which is no character: in a log or at a model's
//       provider it would be an error for ever. It becomes U+FFFD here.
//   J2. A byte order mark before it is not part of it: some editors and shells write one.
import { ReinsError } from '@reins/contracts'

/** Throws invalid_json. `what`: as it is called in the error. */
export function parseJson(text: string, what: string): unknown {
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
