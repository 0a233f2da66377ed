// What a Reins that runs on the data folder says of itself, and how full the folder's disk is: rows of `reins doctor`.
//   RR1. Sick, away and hung have words of their own: a part that says it cannot work, a part that is not there, and a process that
//        holds the folder and answers nobody.
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fieldsOf } from '@reins/contracts'
import { type DiskLimits, diskState } from '../data/disk-budget.ts'
import type { Owner } from '../data/owner-lock.ts'
import { archiveRow } from './archive-row.ts'
import type { DoctorRow } from './doctor.ts'
import { modelsRow } from './models-row.ts'
import { quarantinedRow } from './quarantined-row.ts'

/** ms in which a process that is well answers by far. */
const answerWithinMs = 3000

/** No rows where nothing runs on the folder. */
export async function runningRows(owner: Owner | undefined, dataDir: string): Promise<DoctorRow[]> {
  if (owner?.note === undefined || !URL.canParse(owner.note)) return []
  const url = owner.note
  let parts: Readonly<Record<string, unknown>>
  let archive: DoctorRow | undefined
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(answerWithinMs) })
    const health: unknown = await response.json()
    parts = partsOf(health)
    archive = archiveRow(fieldsOf(health).archive)
  } catch (error) {
    const why = error instanceof Error && error.name === 'TimeoutError' ? 'it does not answer' : 'nobody listens there'
    return [
      {
        ...{ what: 'running', status: 'missing', found: `process ${owner.pid} at ${url}: ${why}` },
        hint: `It hangs, or still starts or stops. Look at logs/reins.log in the data folder, or end it (kill ${owner.pid}) and start again.`,
      },
    ]
  }
  const bad = Object.entries(parts).flatMap(([part, state]) => (state === 'ok' ? [] : [[part, String(state)] as const]))
  const [quarantined, models] = await Promise.all([quarantinedRow(dataDir, url), modelsRow(dataDir, url)])
  const rows: readonly DoctorRow[] =
    bad.length === 0
      ? [{ what: 'running', status: 'ok', found: `at ${url}, every part is well`, hint: '' }]
      : bad.map(([part, state]) => ({ what: part, status: 'warning', found: state, hint: hintFor(part, state) }))
  return [...rows, ...[archive, quarantined, models].filter((one) => one !== undefined)]
}

/** Of what another version may have said. */
function partsOf(health: unknown): Readonly<Record<string, unknown>> {
  const parts = typeof health === 'object' && health !== null && 'parts' in health ? health.parts : undefined
  return typeof parts === 'object' && parts !== null ? { ...parts } : { health: 'it says nothing of its parts' }
}

/** What is wrong with a disk has an answer of its own each, whatever part meets it first. */
const diskHints: readonly (readonly [says: RegExp, hint: string])[] = [
  [
    /read-only|EROFS/i,
    'The file system of the data folder may only be read: the kernel does so to a disk that fails (dmesg). Mount it for writing; Reins goes on by itself.',
  ],
  [
    /i\/o error|input\/output|EIO\b/i,
    'The disk fails (dmesg). Stop Reins, copy the data folder to another disk, and start it there with --data-dir.',
  ],
  [/quota|EDQUOT/i, 'The disk quota of the user who runs Reins is used up: raise it, or make room.'],
  [
    /EACCES|EPERM|permission denied|not permitted/i,
    'Give the user who runs Reins the right to write to the data folder and all that is in it.',
  ],
  [/disk|full|no space|ENOSPC/i, 'Make room on the disk; Reins goes on by itself. See docs/operations.md.'],
]

export function hintFor(part: string, state: string): string {
  if (part === 'sessions' && state.includes('cannot be read'))
    return 'reins session verify --all names each, and why. Bring them back from a backup, or erase them. See docs/operate.md.'
  if (state.includes('cannot be read'))
    return 'Somebody who has the password of a service wrote there, or the disk lost something. Reins goes on without it. See docs/operations.md.'
  const disk = diskHints.find(([says]) => says.test(state))
  if (disk) return disk[1]
  if (/^away|ECONNREFUSED|not connected/.test(state)) return 'It is away. Reins goes on when it is back.'
  if (state.startsWith('sick'))
    return part === 'postgres'
      ? 'It runs, and does not do its work: lists are out of date until it is well, and sessions go on. Look at postgres/postgres.log in the data folder.'
      : 'It runs, and cannot write. Look at its log in the data folder, and at the disk (dmesg).'
  return `Look for "${part}" in logs/reins.log in the data folder.`
}

/** Of the disk below the data folder, or below where it would be made. `streams`: where the embedded nats-server keeps them; or elsewhere. */
export async function diskRow(
  dataDir: string,
  limits: DiskLimits,
  streams: 'here' | 'elsewhere',
): Promise<DoctorRow | undefined> {
  const space = await spaceOf(path.resolve(dataDir))
  if (space === undefined) return undefined
  if (space === 'silent')
    return {
      ...{ what: 'disk', status: 'missing', found: `it does not answer within ${answerWithinMs / 1000} s` },
      hint: 'The file system hangs, as one of a server that is away does. Whatever needs it waits; look at its mount (mount, dmesg).',
    }
  const state = diskState(space, limits)
  const used = `${Math.floor(state.usedPercent ?? 0)} % used`
  if (streams === 'elsewhere')
    return {
      ...{ what: 'disk', status: 'ok', hint: '' },
      found: `${used}; no budget: NATS_URL names the server that keeps the sessions, and Reins does not see the disk of that one`,
    }
  switch (state.level) {
    case 'roomy':
      return { what: 'disk', status: 'ok', found: used, hint: '' }
    case 'no-new-sessions':
      return { what: 'disk', status: 'warning', found: used, hint: state.text }
    case 'no-appends':
      return { what: 'disk', status: 'missing', found: used, hint: state.text }
    default:
      return state.level satisfies never
  }
}

async function spaceOf(folder: string): Promise<Parameters<typeof diskState>[0] | 'silent' | undefined> {
  try {
    const late = new AbortController()
    const silence = pause(answerWithinMs, 'silent' as const, { signal: late.signal })
    silence.catch(() => undefined)
    return await Promise.race([statfs(folder), silence]).finally(() => late.abort())
  } catch {
    const parent = path.dirname(folder)
    return parent === folder ? undefined : spaceOf(parent)
  }
}
