// What stays as it was when the context is compacted: each idea of a session may name a text of its own (a plan, skills in use). It is
// recorded with the compaction, so that what the model is sent keeps its bytes until the next one.
import type { Session } from '../session.ts'

/** null: this slice has nothing to keep. */
export type PinRule = (session: Session) => string | null

export const pinned = (session: Session, rules: readonly PinRule[]): readonly string[] =>
  rules.flatMap((rule) => rule(session) ?? [])
