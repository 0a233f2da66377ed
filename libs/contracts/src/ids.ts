// Ids. Time and randomness are arguments. A session's id tells its root, and the root tells the partition:
//   a root:  26 characters: a ULID, or `i` and 25 base-32 characters derived from agent, instance and session name
//   a child: `<root>-<16 base-32 characters>`, derived from its parent and the call that made it, at any depth.
// Creating the same thing twice therefore meets itself.
import { hash } from 'node:crypto'

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const lower = '0123456789abcdefghjkmnpqrstvwxyz'
export const partitions = 256

/** `random` gives numbers in [0, 1). */
export function makeUlid(now: number, random: () => number): string {
  let time = ''
  for (let i = 0, rest = now; i < 10; i++, rest = Math.floor(rest / 32)) time = crockford[rest % 32] + time
  let tail = ''
  for (let i = 0; i < 16; i++) tail += crockford[Math.floor(random() * 32)]
  return time + tail
}

/** A short id for frames and instances: `length` base-32 characters. */
export function makeShortId(random: () => number, length = 14): string {
  let id = ''
  for (let i = 0; i < length; i++) id += lower[Math.floor(random() * 32)]
  return id
}

function hash32(length: number, ...parts: readonly string[]): string {
  const bytes = hash('sha256', JSON.stringify(parts), 'buffer')
  let out = ''
  for (let i = 0; i < length; i++) out += lower[bytes[i]! & 31]
  return out
}

export const childId = (parent: string, call: string): string => `${rootOf(parent)}-${hash32(16, parent, call)}`
export const instanceSessionId = (agent: string, instance: string, session: string): string =>
  `i${hash32(25, agent, instance, session)}`

const sessionIdPattern = /^(?:[0-7][0-9A-HJKMNP-TV-Z]{25}|i[0-9a-hjkmnp-tv-z]{25})(?:-[0-9a-hjkmnp-tv-z]{16})?$/
export const isSessionId = (id: string): boolean => sessionIdPattern.test(id)
export const rootOf = (session: string): string => session.slice(0, 26)
export const isChild = (session: string): boolean => session.length > 26

const partitionCache = new Map<string, number>()
/** 0 to 255, by hash of the root id; fixed for ever. */
export function partitionOf(root: string): number {
  const known = partitionCache.get(root)
  if (known !== undefined) return known
  const partition = hash('sha256', root, 'buffer')[0]!
  if (partitionCache.size > 20_000) partitionCache.clear()
  partitionCache.set(root, partition)
  return partition
}

/** Agent names: lower-case letters, digits, single hyphens inside, at most 64 characters. */
export const agentNamePattern = '^[a-z0-9]+(?:-[a-z0-9]+)*$'
export const isAgentName = (name: string): boolean => name.length <= 64 && new RegExp(agentNamePattern).test(name)
