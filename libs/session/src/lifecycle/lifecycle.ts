// The life of a session: its start, its name, pausing, quarantine, its end.
import type { EventData, EventOf } from '@reins/contracts'
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
  | 'session.archived'
> = {
  'session.started': { effective: true, evolve: started },
  'session.renamed': { evolve: (session, { data }) => ({ ...session, title: data.title }) },
  'session.paused': {
    evolve: (session, { data }, { n }) => paused(session, data, n),
  },
  'session.resumed': {
    evolve: (session, { data: { pause } }) => resumed(session, pause),
  },
  'session.quarantined': {
    evolve: (session, { data: { reason, frame } }) => ({ ...session, mode: { kind: 'quarantined', reason, frame } }),
  },
  'session.released': { evolve: (session) => (session.mode.kind === 'quarantined' ? released(session) : session) },
  // It corrects the status that the head shows, and says nothing else.
  'session.settled': { evolve: (session) => session },
  // It says where the frames before it lie. What they said stays what it is.
  'session.archived': { evolve: (session) => session },
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

/** A person pauses a session, or it and everything below; or it is paused with the session above, which then lets it go on. */
function paused(session: Session, { tree, pause }: EventData<'session.paused'>, n: number): Session {
  const { mode } = session
  if (mode.kind === 'ended' || mode.kind === 'quarantined')
    return pause === undefined || pause === session.stillFor ? session : { ...session, stillFor: pause }
  if (pause !== undefined) {
    // That pause is over (PA2 of tree-pause.ts).
    if (pause <= (session.unpaused ?? -1)) return session
    if (mode.kind === 'open') return { ...session, mode: { kind: 'paused', above: pause, tree: n } }
    if (mode.above !== undefined) return { ...session, mode: { ...mode, above: Math.max(pause, mode.above) } }
    const own = mode.tree === undefined ? ('session' as const) : ('tree' as const)
    return { ...session, mode: { kind: 'paused', own, above: pause, tree: mode.tree ?? n } }
  }
  if (mode.kind === 'open') return { ...session, mode: { kind: 'paused', ...(tree ? { tree: n } : {}) } }
  if (mode.above !== undefined)
    return mode.own ? session : { ...session, mode: { ...mode, own: tree ? 'tree' : 'session' } }
  return tree && mode.tree === undefined ? { ...session, mode: { ...mode, tree: n } } : session
}

function resumed(session: Session, pause: number | undefined): Session {
  const { mode } = session
  if (pause === undefined) return mode.kind === 'paused' ? { ...session, mode: { kind: 'open' } } : session
  const after = { ...session, unpaused: Math.max(pause, session.unpaused ?? -1) }
  if (mode.kind !== 'paused' || mode.above === undefined || mode.above > pause) return after
  if (mode.own === undefined) return { ...after, mode: { kind: 'open' } }
  const own = mode.own === 'tree' && mode.tree !== undefined ? { tree: mode.tree } : {}
  return { ...after, mode: { kind: 'paused', ...own } }
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
