// The grammar of permissions: words between colons, such as agent:coder:start. Pure.
//   PG1. In what is granted, `*` as the last word stands for one word or more, and elsewhere for exactly one. `*` alone is everything.
//   PG2. In what is needed, `*` is a word like others: workflow:agents:*:register does not cover workflow:*:*:register.
//   PG3. A name stands in a permission as one word, whatever is in it (`segmentOf`): no name holds a colon or a `*` there. Words are
//        compared byte by byte: upper case is not lower case.
//   PG4. Where it is not sure that a grant covers another, it does not: nobody gives away more than he has.

/** At most; a permission that is longer is none. */
export const maxPermissionChars = 1000
const maxWords = 12

/** Why this text is no permission that can be granted; undefined: it is one. */
export function permissionProblem(text: string): string | undefined {
  if (text === '') return 'it is empty'
  if (text.length > maxPermissionChars) return `it has more than ${maxPermissionChars} characters`
  const words = text.split(':')
  if (words.length > maxWords) return `it has more than ${maxWords} words`
  const strange = words.find((word) => word !== '*' && !/^(?:[A-Za-z0-9_.@~-]|%[0-9A-F]{2})+$/.test(word))
  if (strange === undefined) {
    const written = words.find((word) => word !== '*' && segmentOf(nameOfSegment(word)) !== word)
    return written === undefined
      ? undefined
      : `"${written.slice(0, 80)}" is written as ${segmentOf(nameOfSegment(written)).slice(0, 100)}`
  }
  if (strange === '')
    return 'it has an empty word: write words with single colons between them, such as agent:coder:start'
  if (strange.includes('*')) return `"*" stands for whole words only, not for a part of one (${strange.slice(0, 80)})`
  return `"${strange.slice(0, 80)}" is no word of a permission: letters, digits, ".", "_", "-", "@", "~", and %XX for other bytes`
}

/** PG3. A name as it stands in a permission: `user:ann` is `user%3Aann`. */
export const segmentOf = (name: string): string =>
  encodeURIComponent(name.toWellFormed())
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%40', '@')

/** The name that a word of a permission stands for. */
export function nameOfSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** PG1, PG2. */
export function covers(granted: string, needed: string): boolean {
  if (granted === '*' || granted === needed) return true
  const parts = granted.split(':')
  const words = needed.split(':')
  if (parts.length > words.length) return false
  const open = parts.at(-1) === '*'
  return (open || parts.length === words.length) && parts.every((part, at) => part === '*' || part === words[at])
}

/** Whether whoever has `granted` may give `other` away (PG4): all that `other` covers, `granted` covers. */
export function coversGrant(granted: string, other: string): boolean {
  if (granted === '*' || granted === other) return true
  const parts = granted.split(':')
  const words = other.split(':')
  if (parts.length > words.length) return false
  const last = parts.length - 1
  if (parts[last] !== '*' && (parts.length !== words.length || words.at(-1) === '*')) return false
  return parts.every((part, at) => part === '*' || part === words[at])
}

/** What two grants cover both: again a grant, or nothing. */
export function meet(one: string, other: string): string | undefined {
  const [short, long] = one.split(':').length <= other.split(':').length ? [one, other] : [other, one]
  const parts = short.split(':')
  const words = long.split(':')
  if (parts.length < words.length && parts.at(-1) !== '*') return undefined
  const both: string[] = []
  for (const [at, word] of words.entries()) {
    const part = parts[at] ?? '*'
    if (part !== '*' && word !== '*' && part !== word) return undefined
    both.push(part === '*' ? word : part)
  }
  return both.join(':')
}

/** What is covered by both lists, without what another entry covers already. */
export function meetAll(ones: readonly string[], others: readonly string[]): readonly string[] {
  if (others.includes('*')) return ones
  if (ones.includes('*')) return others
  return withoutCovered(ones.flatMap((one) => others.flatMap((other) => meet(one, other) ?? [])))
}

export const withoutCovered = (grants: readonly string[]): readonly string[] => {
  const all = [...new Set(grants)]
  return all.filter((grant) => !all.some((other) => other !== grant && coversGrant(other, grant)))
}
