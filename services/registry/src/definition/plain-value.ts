// A document as plain data (text, numbers, booleans, null, lists, mappings), and where each part of it stands.
//   P1. Data that cannot be kept everywhere is refused here: NUL and half characters (Postgres has neither), `__proto__`.
//   P2. Depth and number of values are limited before anything recurses over them.
import { itemPath, memberPath, type Problem } from '@reins/contracts'

export interface Place {
  readonly line: number
  readonly column: number
}

export interface Document {
  readonly value: unknown
  /** By path: `tools[0].shell.timeout`. A mapping's entry has the place of its key under `<path>#key`. */
  readonly places: ReadonlyMap<string, Place>
}

export type Read = ({ readonly kind: 'read' } & Document) | { readonly kind: 'problems'; readonly problems: Problem[] }

export const maxDepth = 20
export const maxValues = 20_000

export function problemAt(places: ReadonlyMap<string, Place>, path: string, message: string, atKey = false): Problem {
  const place = (atKey ? places.get(`${path}#key`) : undefined) ?? places.get(path)
  return { path, message, ...(place ?? {}) }
}

/** What is wrong with this text wherever it stands; undefined: nothing. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character NUL, which no definition may hold: remove it'
  if (!text.isWellFormed()) return 'holds half of a character (a lone surrogate): remove it, or write it whole'
  return undefined
}

/** A value that came as JSON: a checked copy. */
export function readJson(value: unknown): Read {
  const problems: Problem[] = []
  let values = 0
  const tooMany = () => ++values > maxValues
  const copy = (part: unknown, path: string, depth: number): unknown => {
    if (tooMany() || depth > maxDepth) {
      problems.push({ path, message: `is nested deeper than ${maxDepth} levels, or has more than ${maxValues} values` })
      return undefined
    }
    if (typeof part === 'string') {
      const fault = textFault(part)
      if (fault) problems.push({ path, message: fault })
      return part
    }
    if (Array.isArray(part)) {
      const items: unknown[] = []
      for (const [index, item] of part.entries()) {
        if (problems.length > 0) break
        items.push(copy(item, itemPath(path, index), depth + 1))
      }
      return items
    }
    if (typeof part !== 'object' || part === null) return part
    const members: Record<string, unknown> = {}
    for (const [key, member] of Object.entries(part)) {
      const fault = keyFault(key)
      if (fault) problems.push({ path, message: fault })
      if (problems.length > 0) break
      members[key] = copy(member, memberPath(path, key), depth + 1)
    }
    return members
  }
  const copied = copy(value, '', 0)
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'read', value: copied, places: new Map() }
}

export function keyFault(key: string): string | undefined {
  if (key === '__proto__') return 'has a key "__proto__", which no mapping may have: remove it'
  const fault = textFault(key)
  return fault === undefined ? undefined : `has a key that ${fault}`
}
