// Text and names as any provider takes them, whatever came in. Pure.

/** JSON without halves of characters: as an escape, a half is refused with each later request. */
export function json(value: unknown): string {
  const text = JSON.stringify(value)
  if (!text.includes('\\ud')) return text
  // Escapes are read from the left: `\\ud800` with a backslash of its own is a text.
  return text.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (written) => (written.startsWith('\\ud') ? '\ufffd' : written))
}

/** A tool's name as all take it; a model may have made up any. */
export function wireName(name: string): string {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name) ? name : name.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 64) || 'unknown'
}

/** Every provider takes letters, digits, `_` and `-`, up to 64 of them. */
export function wireId(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]/g, '_').slice(-64) || 'call'
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Nine letters and digits, the same for the same id. */
export function nineLetters(id: string): string {
  if (/^[A-Za-z0-9]{9}$/.test(id)) return id
  let hash = 0xcbf29ce484222325n
  for (const unit of id) hash = BigInt.asUintN(64, (hash ^ BigInt(unit.codePointAt(0) ?? 0)) * 0x100000001b3n)
  let text = ''
  for (let at = 0; at < 9; at++) {
    text += letters[Number(hash % 36n)]
    hash /= 36n
  }
  return text
}

/** This is no answer of a tool or a model, and no text of a person: there was none. */
export const noText = { user: '(empty message)', output: '(no output)', answer: '(no answer yet)' } as const
