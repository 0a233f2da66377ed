// workspace.*: what the workspace itself tells the agents that work in it: AGENTS.md, and skills in .agents/skills.
import { type Static, Type } from 'typebox'
import { attempt, id } from '../fields.ts'

/** The workspace is asked as servers are, under this name, which no server can have. */
export const workspaceServer = '.workspace'

export const workspaceLimits = {
  /** Bytes of AGENTS.md that are told. */
  instructions: 64 * 1024,
  /** Bytes of all skills together. */
  skills: 256 * 1024,
} as const

/** A skill that lies in the workspace, with its instructions: the session goes on with what was found, whatever becomes of the file. */
export const WorkspaceSkill = Type.Object({
  name: id,
  description: Type.String(),
  /** Absent: it narrows nothing. */
  allowedTools: Type.Optional(Type.Array(Type.String())),
  instructions: Type.String(),
  /** Its folder, from the workspace. */
  folder: Type.String(),
})
export type WorkspaceSkill = Static<typeof WorkspaceSkill>

export const WorkspaceFound = Type.Object({
  /** The text of AGENTS.md; absent: there is none, or it is empty. */
  instructions: Type.Optional(Type.String()),
  /** Bytes that AGENTS.md has beyond those that are told. */
  left: Type.Optional(Type.Integer({ minimum: 1 })),
  skills: Type.Array(WorkspaceSkill),
  /** Whole sentences, for people: what could not be used, and why. */
  problems: Type.Optional(Type.Array(Type.String())),
})
export type WorkspaceFound = Static<typeof WorkspaceFound>

export const workspaceEvents = {
  /** Beside session.started: the workspace is looked at before the first model call. */
  'workspace.declared': Type.Object({}),
  /** Beside files.kept: what these files tell agents, where that is another than before. From the next turn on. */
  'workspace.found': Type.Object({ call: id, attempt, found: WorkspaceFound }),
}
