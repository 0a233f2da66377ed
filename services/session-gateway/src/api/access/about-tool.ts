// What a decision is about, for the permission that it needs.
import type { Fold } from '@reins/session'
import { authorizeSome, type Caller, type Needing } from '../caller.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import type { Subject } from './needs.ts'

/** The session, with the tool that `toolIn` finds in it; whoever may decide about all tools is not made to wait for it. Throws forbidden. */
export async function aboutTool(
  folds: SessionFolds,
  caller: Caller,
  operation: Needing,
  session: string,
  toolIn: (fold: Fold) => string | undefined,
): Promise<Subject> {
  const allowed = authorizeSome(caller, operation, { session })
  if (allowed.every(({ tool }) => tool === undefined)) return { session }
  const { fold } = await folds.folded(session)
  return { session, tool: toolIn(fold) }
}
