// Known-wrong rules of erasing.
import { eraseSession } from '@reins/session'
import { smallErasure } from '../scenarios/erasure.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

export const wrongErasure: readonly WrongRule[] = [
  {
    name: 'erases-what-is-due',
    says: 'a session is erased though it has not ended, and what it was to answer is gone',
    rules: {
      ...sound,
      eraseSession: ({ session, head }, about) =>
        eraseSession(
          { session: { ...session, mode: { kind: 'ended', reason: 'x' } }, head: { ...head, status: 'ended' } },
          about,
        ),
    },
    scenario: smallErasure[0]!,
  },
  {
    name: 'erases-what-was-forked-from',
    says: 'a session is erased though others were forked from it',
    rules: { ...sound, eraseSession: (fold) => eraseSession(fold, { forks: [], busy: [] }) },
    scenario: smallErasure[1]!,
  },
]
