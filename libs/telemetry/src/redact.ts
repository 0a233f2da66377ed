// Masking secret values in text, whole or as it streams (invariant I8: no secret is appended).
//   R1. A stream holds back only what could be the beginning of a secret; everything else passes at once.
//   R2. Values shorter than 6 characters are not masked: they would mask ordinary text.
export interface Redactor {
  /** All occurrences in a whole text. */
  text(text: string): string
  /** All strings in a JSON value; the same value where nothing had to be masked. */
  json<T>(value: T): T
  /** For text that comes in pieces: each piece gives what may be shown; `end` gives what was held back. */
  stream(): { push(piece: string): string; end(): string }
}

export const mask = '[redacted]'
const leastLength = 6

export function createRedactor(secrets: readonly string[]): Redactor {
  const values = [...new Set(secrets.filter((secret) => secret.length >= leastLength))].sort(
    (a, b) => b.length - a.length,
  )
  if (values.length === 0) return nothingToRedact
  const text = (whole: string): string =>
    values.reduce((rest, value) => (rest.includes(value) ? rest.replaceAll(value, mask) : rest), whole)
  return {
    text,
    json(value) {
      const plain = JSON.stringify(value)
      const escaped = values.map((secret) => JSON.stringify(secret).slice(1, -1))
      if (!escaped.some((secret) => plain.includes(secret))) return value
      return JSON.parse(escaped.reduce((rest, secret) => rest.replaceAll(secret, mask), plain))
    },
    stream() {
      let held = ''
      return {
        push(piece) {
          const all = text(held + piece)
          const keep = unsafeTail(all, values)
          held = all.slice(all.length - keep)
          return all.slice(0, all.length - keep)
        },
        end() {
          const rest = held
          held = ''
          return rest
        },
      }
    },
  }
}

/** The length of the longest end of the text that begins a secret. */
function unsafeTail(text: string, values: readonly string[]): number {
  let longest = 0
  for (const value of values) {
    for (let length = Math.min(value.length - 1, text.length); length > longest; length--)
      if (text.endsWith(value.slice(0, length))) {
        longest = length
        break
      }
  }
  return longest
}

export const nothingToRedact: Redactor = {
  text: (text) => text,
  json: (value) => value,
  stream: () => ({ push: (piece) => piece, end: () => '' }),
}
