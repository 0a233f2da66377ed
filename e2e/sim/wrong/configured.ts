// Known-wrong rules of agents that are configured anew, each with a scenario in which it bites.
import type { Session } from '@reins/session'
import { configured, upgraded } from '../scenarios/configured.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

const atOnce = (session: Session): Session =>
  session.coming && session.born ? { ...session, born: { ...session.born, ...session.coming.pinned } } : session

function forgotten(session: Session): Session {
  const { coming: _, ...rest } = session
  return rest
}

export const wrongConfigured: readonly WrongRule[] = [
  {
    name: 'configured-at-once',
    says: 'what an agent is configured with for a message counts at once, also in the turn that is open',
    rules: { ...sound, remembers: atOnce },
    scenario: { ...configured, name: 'an agent that is configured anew for a message' },
  },
  {
    name: 'configuration-forgotten',
    says: 'an executor begins a turn with the definition of the turn before, and not with the one that was recorded for its message',
    rules: { ...sound, remembers: forgotten },
    scenario: { ...configured, name: 'an agent that is configured anew for a message' },
  },
  {
    name: 'upgraded-at-once',
    says: 'a session is upgraded in the middle of a turn',
    rules: { ...sound, remembers: atOnce },
    scenario: { ...upgraded, name: 'a session that is upgraded' },
  },
]
