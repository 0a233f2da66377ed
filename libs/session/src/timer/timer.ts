// Timers: the only thing that lets time into a session (S4). What waits for one says in its own slice what its firing changes.
import type { Session } from '../session.ts'
import type { Meanings, TimerRule } from '../slice.ts'

export const timerEvents = (rules: readonly TimerRule[]): Meanings<'timer.armed' | 'timer.fired'> => ({
  'timer.armed': {
    evolve: (session, { data: { timer, at } }) => ({
      ...session,
      timers: [...session.timers.filter((open) => open.timer !== timer), { timer, at }],
    }),
  },
  'timer.fired': { evolve: (session, { data }) => fired(session, data.timer, rules) },
})

/** One that is not open fires for nothing. */
function fired(session: Session, timer: string, rules: readonly TimerRule[]): Session {
  if (!session.timers.some((open) => open.timer === timer)) return session
  const closed = { ...session, timers: session.timers.filter((open) => open.timer !== timer) }
  return rules.reduce<Session>((state, rule) => rule(state, timer), closed)
}
