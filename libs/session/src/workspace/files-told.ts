// What files in memory tell the agent that works among them: AGENTS.md, and skills in .agents/skills. The tool-runner that keeps what a call
// left says it beside, where that is another than before; so nobody is asked, and nothing is looked at.
//   FT1. It counts with the files (FI2 of files/files.ts).
//   FT2. It counts from the next turn on: the prompt of a turn keeps its bytes, as it does for a folder of a machine (WS1).
//   FT3. It is the session's own, as its files are: what its definition becomes changes nothing of it.
import type { WorkspaceFound } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Meanings } from '../slice.ts'
import { isCurrent } from '../tool-call/tool-call.ts'

export interface FilesTold {
  readonly found?: WorkspaceFound
  /** Said in this turn: for the turns after it. */
  readonly later?: { readonly found: WorkspaceFound; readonly turn: string }
}

export const filesToldEvents: Meanings<'workspace.found'> = {
  'workspace.found': {
    effective: true,
    evolve: (session, { data: { call, attempt, found } }, origin) => {
      const { turn } = session
      const state = turn?.calls.find((one) => one.call === call)?.state
      if (!turn || !state || !isCurrent(state, attempt, origin)) return session
      const now = toldNow(session)
      return { ...session, told: { ...(now ? { found: now } : {}), later: { found, turn: turn.id } } }
    },
  },
}

/** FT2. */
function toldNow({ told, turn }: Pick<Session, 'told' | 'turn'>): WorkspaceFound | undefined {
  const { found, later } = told ?? {}
  return later && later.turn !== turn?.id ? later.found : found
}

/** What instructs the turn that is open, or the next one: of a folder of a machine, or of files in memory. */
export const workspaceFound = (session: Pick<Session, 'told' | 'turn' | 'workspace'>): WorkspaceFound | undefined =>
  session.workspace?.found ?? toldNow(session)
