// Configured anew: a session goes on with another definition of its agent.
//   CG1. It counts from the next turn on. A turn keeps what it has begun with: no tool vanishes under a call that is open.
//   CG2. What is recorded is all there is: its digest, what deciding needs of it, and what it declares. Nobody asks code to decide.
//   CG3. What the former definition declared and this one does not is gone. What the session has made stays: its conversation, its plan,
//        its children, what people granted, and its budget, which was set aside when it began.
import type { EventOf, EventType } from '@reins/contracts'
import type { Team } from '../delegation/team.ts'
import type { Born, Session } from '../session.ts'
import type { Meaning, Meanings, Origin } from '../slice.ts'
import { type Declared, isRedeclared, type Redeclared, redeclared } from './coming.ts'

export type { Coming } from './coming.ts'

export const configuredEvents: Meanings<'agent.configured' | 'session.upgraded'> = {
  'agent.configured': {
    effective: true,
    evolve: (session, { data: { code, pinned } }, { n, at, by }) => {
      if (!session.born || session.run) return session
      return { ...session, code, ...(pinned === undefined ? {} : { coming: { n, at, by, pinned, declared: [] } }) }
    },
  },
  'session.upgraded': {
    effective: true,
    evolve: (session, { data: { code, pinned } }, { n, at, by }) => {
      if (!session.born || session.run) return session
      const { code: _, ...rest } = session
      return { ...rest, ...(code === undefined ? {} : { code }), coming: { n, at, by, pinned, declared: [] } }
    },
  },
}

/** Around the meanings of all slices: what a definition declares waits with it for the turn that it counts from. */
export function configured(meanings: Meanings<EventType>): Meanings<EventType> {
  const waiting = Object.fromEntries(redeclared.map((type) => [type, keptBack(meanings[type] as Meaning<Declared>)]))
  const begin = meanings['turn.started']
  return {
    ...meanings,
    ...(waiting as unknown as Pick<Meanings<EventType>, Redeclared>),
    'turn.started': {
      ...begin,
      evolve: (session, event, origin) => {
        const anew = begunAnew(session, meanings)
        const after = begin.evolve(anew, event, origin)
        return after === anew ? session : after
      },
    },
  }
}

const keptBack = (meaning: Meaning<Declared>): Meaning<Declared> => ({
  ...meaning,
  evolve: (session, event, origin) => {
    const { coming } = session
    if (coming?.n !== origin.n || !isRedeclared(event)) return meaning.evolve(session, event, origin)
    return { ...session, coming: { ...coming, declared: [...coming.declared, event] } }
  },
})

/** CG1, CG3. */
function begunAnew(session: Session, meanings: Meanings<EventType>): Session {
  const { coming, born } = session
  if (!coming || !born || session.turn) return session
  const { declared, pinned, n, at, by } = coming
  const origin: Origin = { role: 'g', n, at, by }
  let after = cleared(session, { ...born, ...pinned })
  for (const event of declared) {
    const meaning = meanings[event.type] as Meaning<EventOf<Redeclared>>
    after = meaning.evolve(after, event, origin)
  }
  return kept(session, after)
}

/** Without what the former definition declared. */
function cleared(session: Session, born: Born): Session {
  const {
    coming: _,
    approvals: _a,
    servers: _s,
    workspace: _w,
    skills: _k,
    memory: _m,
    planning: _p,
    ...some
  } = session
  const { output: _o, team: _t, context, ...rest } = some
  if (!context) return { ...rest, born }
  const { settings: _c, ...conversation } = context
  return { ...rest, born, context: conversation }
}

const withNobody = ({ task: _, ...team }: Team): Team => ({ ...team, agents: [] })

/** What the session has made under the former definition. */
function kept({ planning, team }: Session, after: Session): Session {
  const children = team && Object.keys(team.children).length > 0 ? team.children : undefined
  return {
    ...after,
    ...(planning && after.planning ? { planning: { ...after.planning, steps: planning.steps } } : {}),
    ...(children && team ? { team: { ...(after.team ?? withNobody(team)), children } } : {}),
  }
}
