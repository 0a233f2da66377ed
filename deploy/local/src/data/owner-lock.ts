// One owner at a time for a folder, among processes of one machine that may be killed at any moment.
//   L1. The lock is a chain of files `<name>.1`, `<name>.2`, …; the highest one says who owns, or that nobody does.
//   L2. A next number is taken by link(2): it exists whole or not at all, and only one process can make it.
//   L3. A number is deleted only by an owner of a higher one, so who finds a higher one after its own link was late: it
//       gives way. Numbers never go back; a release writes `released` into the file and leaves it.
//   L4. An owner that is dead (process-identity, P1) owns nothing, so no lock outlives a kill -9.
// Processes of different containers do not see each other: one folder shared by two containers is not covered.
import { randomUUID } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { identify, isAlive } from './process-identity.ts'

export interface Owner {
  readonly pid: number
  /** When the process began, ISO 8601. */
  readonly since: string
  /** What the owner said about itself: its URL, for example. */
  readonly note?: string
}

export interface OwnerLock {
  /** Tells whoever is refused from now on. */
  announce(note: string): void
  /** Gives the folder back; once is enough, more is harmless. */
  release(): void
}

export type LockOutcome =
  | { readonly kind: 'held'; readonly lock: OwnerLock }
  | { readonly kind: 'taken'; readonly by: Owner }

interface LockRecord extends Owner {
  readonly started: string
  readonly status: 'held' | 'released'
}

/** Takes the lock, or says who has it. Never waits. The folder must exist; throws what the file system throws. */
export function takeOwnership(folder: string, name: string): LockOutcome {
  const self = identify(process.pid)
  if (self === undefined)
    throw new Error('Reins cannot read the start time of its process. Mount /proc, or install ps.')
  const mine: LockRecord = {
    pid: self.pid,
    started: self.started,
    since: new Date(performance.timeOrigin).toISOString(),
    status: 'held',
  }
  for (;;) {
    const top = generations(folder, name).at(-1) ?? 0
    const owner = top === 0 ? undefined : readRecord(lockPath(folder, name, top))
    if (owner === 'gone') continue // released and passed on while we looked: look again
    if (owner !== undefined && owner.status === 'held' && isAlive(owner))
      return { kind: 'taken', by: publicPart(owner) }
    const generation = top + 1
    if (!claim(folder, name, generation, mine)) continue
    const all = generations(folder, name)
    if (all.some((other) => other > generation)) {
      rmSync(lockPath(folder, name, generation), { force: true }) // L3
      continue
    }
    for (const old of all) if (old < generation) rmSync(lockPath(folder, name, old), { force: true })
    return { kind: 'held', lock: heldLock(lockPath(folder, name, generation), mine) }
  }
}

/** Who owns the folder now, without taking it. */
export function currentOwner(folder: string, name: string): Owner | undefined {
  const top = generations(folder, name).at(-1)
  const record = top === undefined ? undefined : readRecord(lockPath(folder, name, top))
  return record !== undefined && record !== 'gone' && record.status === 'held' && isAlive(record)
    ? publicPart(record)
    : undefined
}

/** Whether a name in a folder belongs to its lock (or to a half-written file of it). */
export function isLockFile(entry: string, name: string): boolean {
  return generationOf(entry, name) !== undefined || entry.startsWith(`.${name}.`)
}

function heldLock(file: string, first: LockRecord): OwnerLock {
  let record = first
  return {
    announce: (note) => {
      if (record.status === 'released') return
      record = { ...record, note }
      replace(file, record)
    },
    release: () => {
      if (record.status === 'released') return
      record = { ...record, status: 'released' }
      replace(file, record)
    },
  }
}

function claim(folder: string, name: string, generation: number, record: LockRecord): boolean {
  const draft = path.join(folder, `.${name}.${randomUUID()}`)
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  try {
    linkSync(draft, lockPath(folder, name, generation))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function replace(file: string, record: LockRecord): void {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`)
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  renameSync(draft, file)
}

/** Undefined when the file says nothing (cut off by a power failure, so its owner is gone too). */
function readRecord(file: string): LockRecord | undefined | 'gone' {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return 'gone'
  }
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is LockRecord {
  if (typeof value !== 'object' || value === null) return false
  return (
    'pid' in value &&
    typeof value.pid === 'number' &&
    'started' in value &&
    typeof value.started === 'string' &&
    'since' in value &&
    typeof value.since === 'string' &&
    'status' in value &&
    (value.status === 'held' || value.status === 'released')
  )
}

function publicPart({ pid, since, note }: LockRecord): Owner {
  return note === undefined ? { pid, since } : { pid, since, note }
}

function lockPath(folder: string, name: string, generation: number): string {
  return path.join(folder, `${name}.${generation}`)
}

function generations(folder: string, name: string): number[] {
  return readdirSync(folder)
    .map((entry) => generationOf(entry, name))
    .filter((generation) => generation !== undefined)
    .sort((a, b) => a - b)
}

function generationOf(entry: string, name: string): number | undefined {
  const suffix = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : ''
  return /^[1-9]\d{0,14}$/.test(suffix) ? Number(suffix) : undefined
}
