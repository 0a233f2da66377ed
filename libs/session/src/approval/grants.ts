// Grants: what a person has let pass for the rest of the session. A grant speaks for calls of one tool, or of one tool with one target.
//   GR1. A call that passes by a grant says so in the log, and names it: approval.granted.
//   GR2. A grant for a target speaks for exactly that target. It never reads a pattern.
//   GR3. Nothing of a grant reaches another session: neither a child nor a fork has it.
import type { EventOf } from '@reins/contracts'
import type { Call, Grant, Session } from '../session.ts'
import type { Meanings } from '../slice.ts'
import { pinnedTool } from './policy.ts'
import { targetOf } from './target.ts'

export const grantEvents: Meanings<'grant.added' | 'grant.revoked'> = {
  'grant.added': { effective: true, evolve: (session, { data }, { at, by }) => added(session, data, at, by) },
  'grant.revoked': {
    effective: true,
    evolve: (session, { data }) =>
      session.grants?.some(({ grant }) => grant === data.grant)
        ? { ...session, grants: session.grants.filter(({ grant }) => grant !== data.grant) }
        : session,
  },
}

/** More than a person ever gives; a fold stays small. */
export const maxGrants = 200

function added(session: Session, data: EventOf<'grant.added'>['data'], at: number, by: string): Session {
  const grants = session.grants ?? []
  if (grants.length >= maxGrants || grants.some(({ grant }) => grant === data.grant)) return session
  const { grant, tool, target, call } = data
  return { ...session, grants: [...grants, { grant, tool, ...(target === undefined ? {} : { target }), call, by, at }] }
}

/** GR2. The oldest one, so that the same call is let pass by the same grant wherever it is decided. */
export function grantFor(session: Session, call: Pick<Call, 'name' | 'arguments'>): Grant | undefined {
  if (!session.grants || session.grants.length === 0) return undefined
  const target = targetOf(pinnedTool(session, call.name)?.target, call.arguments)
  return session.grants.find(
    (grant) => grant.tool === call.name && (grant.target === undefined || grant.target === target),
  )
}
