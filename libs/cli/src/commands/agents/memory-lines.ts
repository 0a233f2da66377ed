// An export of a memory: one JSON object a line. Pure.
import type { MemoryEntry } from '@reins/contracts'

export const memoryLine = ({ key, value, version, updatedAt, expiresAt, by }: MemoryEntry): string =>
  JSON.stringify({ key, value, version, updatedAt, ...(expiresAt === undefined ? {} : { expiresAt }), by })

export interface ImportedLine {
  readonly key: string
  readonly value: unknown
  /** How long it is still to be kept. */
  readonly expires?: string
}

export type ParsedLines =
  | { readonly kind: 'parsed'; readonly entries: readonly ImportedLine[]; readonly expired: number }
  /** The first line that is wrong. */
  | { readonly kind: 'problem'; readonly message: string }

/** What has had its time at `now` (epoch ms) is counted and left out. */
export function parseMemoryLines(text: string, now: number): ParsedLines {
  const entries: ImportedLine[] = []
  let expired = 0
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const one = objectOf(line)
    if (typeof one?.key !== 'string' || one.key === '' || !Object.hasOwn(one, 'value'))
      return { kind: 'problem', message: `line ${index + 1} is no JSON object with a "key" and a "value".` }
    const { key, value, expiresAt } = one
    if (typeof expiresAt !== 'number') entries.push({ key, value })
    else if (expiresAt <= now) expired += 1
    else entries.push({ key, value, expires: lifeOf(expiresAt - now) })
  }
  return { kind: 'parsed', entries, expired }
}

/** Never shorter than it was. */
const lifeOf = (ms: number): string => {
  const minutes = Math.ceil(ms / 60_000)
  return minutes <= 9999 ? `${minutes}m` : `${Math.min(Math.ceil(minutes / 1440), 9999)}d`
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
