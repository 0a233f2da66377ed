// The agent that answers a message, where code configures it: its initializer runs for the message, and what it gives that differs from
// what stands is appended before the message, in the same frame.
//   CM1. A session that no code configures pays nothing: the protocol of its head says that there is no such event in it.
//   CM2. The initializer runs before the append, so that no other request of the session waits for it. What it gave is compared on the
//        fold of the head that the message is appended on.
//   CM3. Where it throws, does not end or gives no agent, the message is refused, and nothing of it is in the session.
//   CM4. What stands in a session that a newer build has written to is not known here: then what the initializer gave is said again.
import { configuredProtocol, type Head, type SessionEvent } from '@reins/contracts'
import { agentConfigured, comingDigest, type Session } from '@reins/session'
import type { SessionFolds } from '../reads/session-folds.ts'
import { agentFor, type NewSessionParts, startOf } from './new-session.ts'

/** What stands before the message, on the head that it is appended on. */
export type Configured = (head: Head) => Promise<readonly SessionEvent[]>

const asItStands: Configured = async () => []

/** Rejects with invalid_agent (CM3), or with unavailable where nobody can run the initializer now. */
export async function configuredFor(
  parts: NewSessionParts & { readonly folds: SessionFolds },
  id: string,
  { needs, seq, status }: Head,
  by: string,
): Promise<Configured> {
  if (needs < configuredProtocol || status === 'ended') return asItStands // CM1
  const at = async (least: number): Promise<Session> => (await parts.folds.folded(id, least)).fold.session
  const { code, born } = await at(seq)
  if (!code || !born) return asItStands
  const found = await agentFor(parts, { agent: born.agent, id: born.instance ?? id, code, by })
  let events: Promise<readonly SessionEvent[]> | undefined
  const differing = async (): Promise<readonly SessionEvent[]> => {
    const { start, pools } = await startOf(parts, found, born.agent, born.principal ?? by)
    await pools()
    return agentConfigured(start)
  }
  return async (head) => {
    const session = await at(head.seq)
    if (!session.beyond && comingDigest(session) === found.digest) return [] // CM2, CM4
    events ??= differing()
    return events
  }
}
