// A known-wrong rule of the archive.
import { archivedIn } from '@reins/session'
import { smallArchive } from '../scenarios/archive.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

export const wrongArchive: readonly WrongRule[] = [
  {
    name: 'archives-what-is-due',
    says: 'a session goes to the archive although something is due in it, and its trigger leaves the stream with it',
    rules: { ...sound, mayArchive: (_, last) => !archivedIn(last) },
    scenario: smallArchive[0]!,
  },
]
