// agent.configured: an agent of a project, whose initializer runs again for each message, as far as deciding needs what it gave.
// session.upgraded: another version of its agent, which a person has given the session.
import { type Static, Type } from 'typebox'
import { CodeBuild } from '../../agents/code/instance.ts'
import { id } from '../fields.ts'
import { Limits, PinnedTool, ReplayClass } from '../session.ts'

/** What of a session's beginning follows its definition from turn to turn. Its pools, its parent and its budget stay. */
export const PinnedDefinition = Type.Object({
  digest: id,
  /** provider/model */
  model: id,
  limits: Limits,
  tools: Type.Record(Type.String(), ReplayClass),
  toolset: Type.Array(PinnedTool),
})
export type PinnedDefinition = Static<typeof PinnedDefinition>

export const configuredEvents = {
  /**
   * The build whose initializer runs for the messages of this session. `pinned`: what it gave for the message behind this event; absent, in
   * the first frame: what session.started says. What its definition declares stands behind it in the same frame, as in a first frame, and
   * counts from the next turn on.
   */
  'agent.configured': Type.Object({ code: CodeBuild, pinned: Type.Optional(PinnedDefinition) }),
  /**
   * In the same form, and from the next turn on too. `from`: the digest that the session had, or was about to have. `code`: the build whose
   * initializer runs from now on; absent: no code configures the agent any more.
   */
  'session.upgraded': Type.Object({ from: id, code: Type.Optional(CodeBuild), pinned: PinnedDefinition }),
}
