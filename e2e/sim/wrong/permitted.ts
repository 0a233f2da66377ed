// Known-wrong rules of who may have which tools called.
import type { Decision, Session } from '@reins/session'
import { belowReader, goneOnWithByReader, joinedByReader, readOnly } from '../scenarios/permitted.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

const alone = (
  name: string,
  change: Omit<Scenario, 'name' | 'executors' | 'faults' | 'total'> & Partial<Scenario>,
): Scenario => ({ ...change, name, executors: 1, faults: {}, total: 0 })

const forgetting = (session: Session, forgets: (turn: NonNullable<Session['turn']>) => boolean): Session => {
  if (!session.turn || !forgets(session.turn)) return session
  const { permitted: _, ...turn } = session.turn
  return { ...session, turn }
}

const withoutMark = (decision: Decision | null): Decision | null =>
  decision && { ...decision, events: decision.events.filter(({ type }) => type !== 'tools.permitted') }

export const wrongPermitted: readonly WrongRule[] = [
  {
    name: 'permissions-forgotten',
    says: 'a call is asked for though whoever began the turn may not call the tool',
    rules: { ...sound, remembers: (session) => forgetting(session, () => true) },
    scenario: alone('a person who may call one tool of two', readOnly),
  },
  {
    name: 'joining-is-not-looked-at',
    says: 'a turn calls what the person may who began it, whoever joins it',
    rules: { ...sound, remembers: (session) => forgetting(session, ({ messages }) => messages.length > 1) },
    scenario: alone('a person who may less joins a turn', joinedByReader),
  },
  {
    name: 'permissions-not-handed-on',
    says: 'a child calls every tool, whatever the turn above it may call',
    rules: { ...sound, createChild: (...asked) => withoutMark(sound.createChild(...asked)) },
    scenario: alone('a leaf below a person who may less', belowReader),
  },
  {
    name: 'resumed-with-all',
    says: 'a child that is gone on with calls what it might call before, whoever goes on with it',
    rules: { ...sound, resumeChild: (...asked) => withoutMark(sound.resumeChild(...asked)) },
    scenario: alone('a child that is gone on with by a person who may less', goneOnWithByReader),
  },
]
