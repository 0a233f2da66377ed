// The life of a session: its start, its name, pausing, quarantine, its end.
import type { EventOf } from '@reins/contracts'
import { undeclaredTeam } from '../delegation/team.ts'
import type { Session } from '../session.ts'
import type { CoverRule, DueRule, Meanings, Origin } from '../slice.ts'

export const lifecycleEvents: Meanings<
  | 'session.started'
  | 'session.renamed'
  | 'session.paused'
  | 'session.resumed'
  | 'session.quarantined'
  | 'session.released'
  | 'session.settled'
  | 'session.ended'
> = {
  'session.started': { effective: true, evolve: started },
  'session.renamed': { evolve: (session, { data }) => ({ ...session, title: data.title }) },
  'session.paused': {
    evolve: (session) => (session.mode.kind === 'open' ? { ...session, mode: { kind: 'paused' } } : session),
  },
  'session.resumed': {
    evolve: (session) => (session.mode.kind === 'paused' ? { ...session, mode: { kind: 'open' } } : session),
  },
  'session.quarantined': {
    evolve: (session, { data: { reason, frame } }) => ({ ...session, mode: { kind: 'quarantined', reason, frame } }),
  },
  'session.released': { evolve: (session) => (session.mode.kind === 'quarantined' ? released(session) : session) },
  // It corrects the status that the head shows, and says nothing else.
  'session.settled': { evolve: (session) => session },
  'session.ended': {
    evolve: (session, { data: { reason } }) => ({
      ...session,
      mode: { kind: 'ended', reason },
      cancel: null,
      inbox: [],
      turn: null,
      timers: [],
    }),
  },
}

function started(session: Session, { data }: EventOf<'session.started'>, { at }: Origin): Session {
  if (session.born) return session
  const { agent, digest, model, pools, limits, tools, toolset, agents, parent, instance, title, principal } = data
  return {
    ...session,
    title: title ?? null,
    ...undeclaredTeam(agents ?? {}),
    born: {
      agent,
      digest,
      model,
      pools,
      limits,
      tools,
      ...(toolset === undefined ? {} : { toolset }),
      agents: agents ?? {},
      parent: parent ?? null,
      instance: instance?.instance ?? null,
      ...(principal === undefined ? {} : { principal }),
      at,
    },
  }
}

/** A person says to go on: what has been lost so often counts from zero again. */
function released(session: Session): Session {
  const model = session.turn?.model
  const turn = session.turn && model ? { ...session.turn, model: { ...model, lost: 0 } } : session.turn
  return { ...session, mode: { kind: 'open' }, turn }
}

export const endedRests: DueRule = ({ born, mode }) => (!born || mode.kind === 'ended' ? 'rest' : null)
export const endedCover: CoverRule = ({ born, mode }) => (!born || mode.kind === 'ended' ? [{ kind: 'rest' }] : null)

/** Asked after the cancel, which is answered also while a session is paused or quarantined (D2). */
export const notOpenRests: DueRule = ({ mode }) => (mode.kind === 'open' ? null : 'rest')
export const notOpenCover: CoverRule = ({ mode }) =>
  mode.kind === 'open' ? null : [{ kind: 'person', why: mode.kind }]
