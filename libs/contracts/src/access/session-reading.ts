// Who may read a session: the gateway asks it of whoever comes, memory of whoever is told by a webhook. Pure.
import { covers, segmentOf } from './permissions.ts'

/** Any of the lists, all that is in it; the words in braces stand for names. A permission of ours, or the two of an execution. */
export const sessionReading: readonly (readonly string[])[] = [
  ['session:{agent}:read'],
  ['agent:{agent}:session:read', 'execution:{session}:read'],
]

/** To make a webhook, and to go on being told by it. */
export const webhookMaking = 'webhook:*:manage'

export const mayReadSession = (
  granted: readonly string[],
  { agent, session }: { readonly agent: string; readonly session: string },
): boolean =>
  sessionReading.some((all) =>
    all.every((permission) => {
      const needed = permission
        .replace('{agent}', () => segmentOf(agent))
        .replace('{session}', () => segmentOf(session))
      return granted.some((grant) => covers(grant, needed))
    }),
  )
