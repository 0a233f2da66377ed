// Known-wrong rules of what an agent has in mind, each with a scenario in which it bites.
import type { Session } from '@reins/session'
import { filling, fillingTurn, narrowed, planning, remembering } from '../scenarios/mind.ts'
import { type FaultKind, message, type Scenario } from '../scenarios/scenario.ts'
import { type Rules, sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

const within = (
  name: string,
  change: Omit<Scenario, 'name' | 'faults' | 'total'>,
  ...kinds: readonly FaultKind[]
): Scenario => ({
  ...change,
  name,
  faults: Object.fromEntries(kinds.map((kind) => [kind, 1])),
  total: kinds.length,
})

/** It decides on a session that has forgotten something with its compaction. */
const forgetting = (forget: (session: Session) => Session): Rules => ({
  ...sound,
  remembers: (session) => (session.context?.summary ? forget(session) : session),
})

const withoutProgress = (session: Session): Session => {
  const { planning: plan } = session
  if (!plan) return session
  return {
    ...session,
    planning: { ...plan, steps: plan.steps.map((step) => ({ ...step, status: 'pending' as const })) },
  }
}

const withoutUse = (session: Session): Session => {
  if (!session.skills) return session
  const { used: _, ...skills } = session.skills
  return { ...session, skills }
}

/** Open calls are taken for done where a person has asked for a compaction. */
const asIfDone = (session: Session): Session => {
  const { turn, context } = session
  if (!turn || !context?.asked) return session
  const done = { kind: 'done', error: false, output: '', how: 'completed' } as const
  return { ...session, turn: { ...turn, calls: turn.calls.map((call) => ({ ...call, state: done })) } }
}

export const wrongMind: readonly WrongRule[] = [
  {
    name: 'summary-of-lost-attempt',
    says: 'a process records the summary that it made, though another has taken the compaction over',
    rules: { ...sound, summariesOfLost: true },
    scenario: within('a context that fills, and a stall', filling, 'stall'),
  },
  {
    name: 'summary-covered-so-ack',
    says: 'a summary in flight elsewhere covers the session, so ack',
    rules: {
      ...sound,
      verdict: (session, ...asked) => {
        const next = sound.verdict(session, ...asked)
        return next.do === 'ask' && session.context?.open ? { do: 'ack' } : next
      },
    },
    scenario: within('a context that fills, and a stall', filling, 'stall'),
  },
  {
    name: 'throttled-summary-in-log-only',
    says: 'the timer of a throttled summary stands in the log only',
    rules: { ...sound, timerInLogOnly: true },
    scenario: within('a summary that is throttled', { ...filling, summaries: ['throttled', 'made'] }),
  },
  {
    name: 'cut-in-an-exchange',
    says: 'what is sent begins one message after what the summary covers, between a call and its result',
    rules: {
      ...sound,
      projected: (session, ...asked) => {
        const [summary, ...rest] = sound.projected(session, ...asked)
        return session.context?.summary && summary ? [summary, ...rest.slice(1)] : sound.projected(session, ...asked)
      },
    },
    scenario: within('a context that fills in the middle of a turn', fillingTurn),
  },
  {
    name: 'compacts-open-calls',
    says: 'a compaction that a person asks for does not wait for calls that are open',
    rules: { ...sound, remembers: asIfDone },
    scenario: within('a call, and a compaction by hand', {
      ...fillingTurn,
      turns: [[{ tools: ['safe'] }, { tools: ['safe'] }, {}]],
      gateway: [message('m1'), { op: 'compact' }],
    }),
  },
  {
    name: 'plan-forgotten',
    says: 'what was done of a plan is forgotten with the messages that a compaction covers',
    rules: forgetting(withoutProgress),
    scenario: within('a plan, and a compaction', planning),
  },
  {
    name: 'plan-untold',
    says: 'after a compaction nobody tells the model of its plan',
    rules: {
      ...sound,
      offered: (session, ...asked) => {
        const all = sound.offered(session, ...asked)
        return session.context?.summary ? { ...all, notices: [] } : all
      },
    },
    scenario: within('a plan, and a compaction', planning),
  },
  {
    name: 'narrowing-forgotten',
    says: 'which skills are in use is forgotten with the messages that a compaction covers',
    rules: forgetting(withoutUse),
    scenario: within('a skill, and a compaction', narrowed),
  },
  {
    name: 'pins-forgotten',
    says: 'a compaction covers the instructions of a skill, and says nothing of it',
    rules: {
      ...sound,
      compactionEvents: (...asked) =>
        sound.compactionEvents(...asked).map((event) => {
          if (event.type !== 'context.compacted') return event
          const { pins: _, ...data } = event.data
          return { ...event, data }
        }),
    },
    scenario: within('a skill, and a compaction', narrowed),
  },
  {
    name: 'memory-by-attempt',
    says: 'the memory takes the next attempt of a call for another operation, as if the lost one had never run',
    rules: { ...sound, memoryByAttempt: true },
    scenario: {
      ...remembering,
      name: 'a memory that is told something, and crashes',
      runners: 1,
      faults: { crash: 2 },
      total: 2,
    },
  },
]
