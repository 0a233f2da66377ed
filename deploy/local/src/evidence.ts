// What lies in the streams and buckets and is none: left out by whoever reads it, and named here, so that somebody looks at it.
import type { RegistryFault } from '@reins/journal'

const named = 3

/** Parts of `/health`; none where everything can be read. */
export function evidence(found: {
  readonly records: readonly RegistryFault[]
  readonly pools: readonly string[]
}): Readonly<Record<string, string>> {
  return {
    ...(found.records.length === 0
      ? {}
      : {
          records: `${counted(found.records.length, 'record')} of the stream REG cannot be read, and what each is about counts as not there: ${list(found.records.map(({ subject, seq }) => `${subject} (sequence ${seq})`))}`,
        }),
    ...(found.pools.length === 0
      ? {}
      : {
          pools: `${counted(found.pools.length, 'entry', 'entries')} of the bucket reins-pools cannot be read, and left out: ${list(found.pools)}`,
        }),
  }
}

const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`
const list = (names: readonly string[]): string =>
  names.slice(0, named).map(shown).join(', ') + (names.length > named ? ' and others' : '')
/** Names of subjects are anybody's. */
const shown = (name: string): string => name.replaceAll(/[^\x21-\x7e ]/g, '?').slice(0, 200)
