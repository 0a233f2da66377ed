// What the last look at the archive found, as a row of `reins doctor`.
import { ArchiveLook, problemsOf } from '@reins/contracts'
import type { DoctorRow } from './doctor.ts'

const shown = 3

const isLook = (said: unknown): said is ArchiveLook => problemsOf(ArchiveLook, said).length === 0

/** `said`: the part of a Reins that runs. undefined: nothing is archived there, or no look has ended yet. */
export function archiveRow(said: unknown): DoctorRow | undefined {
  if (!isLook(said)) return undefined
  const { at, sessions, unreadable, named } = said
  const when = `at the look that ended ${new Date(at).toISOString()}`
  const of = `${sessions} ${sessions === 1 ? 'session' : 'sessions'} in the archive`
  if (unreadable === 0)
    return { what: 'archive', status: 'ok', found: `each of ${of} could be read, ${when}`, hint: '' }
  const names = named.slice(0, shown).join(', ') + (unreadable > shown ? ' and others' : '')
  return {
    ...{ what: 'archive', status: 'warning', found: `${unreadable} of ${of} cannot be read, ${when}: ${names}` },
    hint: 'reins session verify --all names each, and why. Bring them back from a backup, or erase them: docs/operate.md. Look at the disk (dmesg).',
  }
}
