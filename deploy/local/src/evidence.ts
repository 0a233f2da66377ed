// What lies in the streams and buckets and is none: left out by whoever reads it, and named here, so that somebody looks at it.
import type { RegistryFault } from '@reins/journal'

const named = 3

/** Parts of `/health`; none where everything can be read. */
export function evidence(found: {
  readonly records: readonly RegistryFault[]
  readonly pools: readonly string[]
  readonly sessions: readonly string[]
}): Readonly<Record<string, string>> {
  const unreadable = found.records.filter(({ why }) => why === 'unreadable')
  const unsealed = found.records.filter(({ why }) => why === 'unsealed')
  return {
    ...(unreadable.length === 0
      ? {}
      : {
          records: `${counted(unreadable.length, 'record')} of the stream REG cannot be read, and what each is about counts as not there: ${places(unreadable)}`,
        }),
    ...(unsealed.length === 0
      ? {}
      : {
          seals: `${counted(unsealed.length, 'record')} of the stream REG ${unsealed.length === 1 ? 'has' : 'have'} no sound seal of the registry, and nobody believes what ${unsealed.length === 1 ? 'it says' : 'they say'}: ${places(unsealed)}. Somebody has written there who is not the registry: change the passwords of the broker`,
        }),
    ...(found.sessions.length === 0
      ? {}
      : {
          sessions: `${counted(found.sessions.length, 'session')} cannot be read, because what the archive holds of ${found.sessions.length === 1 ? 'it' : 'them'} is gone or is not what was put there: ${list(found.sessions)}`,
        }),
    ...(found.pools.length === 0
      ? {}
      : {
          pools: `${counted(found.pools.length, 'entry', 'entries')} of the bucket reins-pools cannot be read, and left out: ${list(found.pools)}`,
        }),
  }
}

const places = (records: readonly RegistryFault[]): string =>
  list(records.map(({ subject, seq }) => `${subject} (sequence ${seq})`))
const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`
const list = (names: readonly string[]): string =>
  names.slice(0, named).map(shown).join(', ') + (names.length > named ? ' and others' : '')
/** Names of subjects are anybody's. */
const shown = (name: string): string => name.replaceAll(/[^\x21-\x7e ]/g, '?').slice(0, 200)
