// What the workspace of a session tells the agents that work in it: AGENTS.md, and skills in .agents/skills. A tool-runner looks, once, when
// it is asked for the tools of servers (toolset/): so it is asked, waited for and given up in the same way.
//   WS1. What was found stands in the log. The session goes on with that, whatever becomes of the files: its prompt keeps its bytes.
//   WS2. A skill that the definition gives comes before one of the same name in the workspace.
import {
  type AgentDefinition,
  type EventOf,
  looksAtWorkspace,
  type SessionEvent,
  type ServerAnswer,
  type WorkspaceFound,
  workspaceServer,
} from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Meanings, OfferRule } from '../slice.ts'
import { workspaceFound } from './files-told.ts'

export interface WorkspaceState {
  /** Absent: nobody has looked yet, or nobody could. */
  readonly found?: WorkspaceFound
}

export const workspaceEvents: Meanings<'workspace.declared'> = {
  'workspace.declared': {
    effective: true,
    evolve: (session) => (session.born && !session.workspace ? { ...session, workspace: {} } : session),
  },
}

/** Empty: the definition does not ask for it. */
export const workspaceDeclared = (definition: AgentDefinition): readonly SessionEvent[] =>
  looksAtWorkspace(definition) ? [{ type: 'workspace.declared', data: {} }] : []

/** WS1: the first answer counts. */
export function withFound(
  session: Session,
  { data: { servers } }: EventOf<'toolset.resolved'>,
): Pick<Session, 'workspace'> {
  const { workspace } = session
  if (!workspace || workspace.found) return workspace ? { workspace } : {}
  const found = servers.flatMap((answer) => foundIn(answer) ?? [])[0]
  return { workspace: found ? { found } : workspace }
}

const foundIn = (answer: ServerAnswer): WorkspaceFound | undefined =>
  answer.server === workspaceServer && answer.status === 'ready' ? answer.workspace : undefined

export const workspaceOffer: OfferRule = (session) => {
  const { instructions, left } = workspaceFound(session) ?? {}
  if (instructions === undefined) return null
  const cut = left === undefined ? '' : `\n[… ${left} bytes more: read AGENTS.md for the rest …]`
  return { section: `${workspaceSection}\n${instructions.trim()}${cut}` }
}

const workspaceSection = `## AGENTS.md
The workspace has these instructions for agents that work in it:`
