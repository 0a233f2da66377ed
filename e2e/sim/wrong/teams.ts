// Known-wrong rules of teams, each with a scenario in which it bites.
import { toLog } from '@reins/contracts'
import { type Rules, sound } from '../world/rules.ts'
import { message, only, type Scenario } from '../scenarios/scenario.ts'
import {
  boundedTasks,
  boundedTree,
  pausedByPerson,
  pausedForGood,
  pausedOften,
  pausedPair,
  pausing,
} from '../scenarios/teams.ts'
import type { WrongRule } from './rules.ts'

const without = (
  name: string,
  change: Partial<Scenario> & Pick<Scenario, 'born' | 'executors' | 'runners' | 'turns' | 'gateway'>,
): Scenario => ({
  ...change,
  name,
  faults: {},
  total: 0,
})

const closed = ({ mode, turn, inbox }: Parameters<Rules['standingErrands']>[0]): boolean =>
  mode.kind === 'ended' || (!turn && inbox.length === 0)

export const wrongTeams: readonly WrongRule[] = [
  {
    name: 'pause-is-not-told',
    says: 'a child that waits for people tells its parent nothing until it ends',
    rules: {
      ...sound,
      standingErrands: (session) =>
        sound.standingErrands(session).filter(({ kind }) => kind !== 'settle-parent' || closed(session)),
    },
    scenario: without('a child that pauses', { ...pausing, gateway: pausing.gateway.slice(0, 1) }),
  },
  {
    name: 'resume-wakes-nobody',
    says: 'a child that is to go on is told so, and nobody is woken for it',
    rules: {
      ...sound,
      resumeChild: (...asked) => {
        const decision = sound.resumeChild(...asked)
        return decision && { ...decision, to: toLog }
      },
    },
    scenario: without('a child that goes on', pausedByPerson),
  },
  {
    name: 'paused-hides-loss',
    says: 'nobody asks after a call of a paused session whose process is gone',
    rules: {
      ...sound,
      takeover: (session, ...asked) => (session.mode.kind === 'open' ? sound.takeover(session, ...asked) : null),
      verdict: (session, ...asked) => {
        const found = sound.verdict(session, ...asked)
        return session.mode.kind === 'paused' && found.do === 'ask' ? { do: 'ack' } : found
      },
    },
    scenario: { ...pausedForGood, name: 'a crash in a tree that is paused', faults: only('crash'), total: 1 },
  },
  {
    name: 'end-leaves-paused',
    says: 'a session that ends leaves the children that it had paused',
    rules: {
      ...sound,
      verdict: (session, ...asked) => {
        const { team: _, ...alone } = session
        return sound.verdict(session.cancel?.kind === 'end' && !session.turn ? alone : session, ...asked)
      },
    },
    scenario: without('an end with a paused child', {
      ...pausing,
      turns: [[{ delegate: ['helper'] }, {}]],
      gateway: [...pausing.gateway.slice(0, 1), { op: 'cancel', end: true }],
    }),
  },
  {
    name: 'end-of-pause-is-forgotten',
    says: 'the end of a pause is told only to a child that is paused already',
    rules: {
      ...sound,
      unpauseChild: (there, asked) => (there.session.mode.kind === 'paused' ? sound.unpauseChild(there, asked) : null),
    },
    scenario: without('a parent and its child, paused and gone on with again and again', pausedOften),
    walks: 60,
  },
  {
    name: 'unmade-tells-nobody',
    says: 'a child that was cancelled before anybody made it gives no receipt',
    rules: { ...sound, standingErrands: (session) => (session.born ? sound.standingErrands(session) : []) },
    scenario: without('a delegation that is cancelled', {
      ...pausedPair,
      gateway: [message('m1'), { op: 'cancel' }],
    }),
  },
  {
    name: 'sessions-unbounded',
    says: 'a child gives away what its own definition says, whatever its parent has left',
    rules: { ...sound, sessionsUnbounded: true },
    scenario: without('a bounded tree', boundedTree),
  },
  {
    name: 'tasks-unbounded',
    says: 'a task that is done by the configuration of its session may begin as many sessions as that one, again and again',
    rules: { ...sound, sessionsUnbounded: true },
    scenario: without('tasks in a bounded tree', boundedTasks),
  },
]
