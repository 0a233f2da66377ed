// Sessions that were erased after a backup was made come back with it. So whoever restores one names them, and they are erased once more: the
// order is appended here, and memory carries it out when Reins starts.
//   EA1. The order is appended on whatever the session was at the time of the backup: also where it had not ended.
//   EA2. A session that the backup does not have, or has as one that was erased, needs nothing.
import { readFileSync } from 'node:fs'
import type { Broker } from '@reins/broker'
import { draftOn, fieldsOf, isChild, isSessionId, jsonValue, makeShortId, type SessionStreams } from '@reins/contracts'
import { createJetStreamLog } from '@reins/journal'
import { erasedAgain, erasedIn } from '@reins/session'

export interface ErasedBefore {
  readonly session: string
  readonly by: string
  readonly at: number
}

/** What `reins session list --erased --json` prints, or ids, one a line. Throws an Error for people. */
export function erasedBefore(file: string): readonly ErasedBefore[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`${file} cannot be read. Give the file that reins session list --erased --json has made.`)
  }
  const { sessions } = fieldsOf(jsonValue(text))
  const found = Array.isArray(sessions)
    ? sessions.map((one: unknown): ErasedBefore => {
        const { id, erased } = fieldsOf(one)
        const { by, at } = fieldsOf(erased)
        return { session: String(id), by: typeof by === 'string' ? by : unknown, at: Number(at) || 0 }
      })
    : text
        .split(/\s+/)
        .filter((word) => word !== '')
        .map((session): ErasedBefore => ({ session, by: unknown, at: 0 }))
  const wrong = found.find(({ session }) => !isSessionId(session))
  if (wrong)
    throw new Error(
      `"${wrong.session.slice(0, 80)}" in ${file} is no id of a session. Give the file that ` +
        'reins session list --erased --json has made, or ids of sessions, one a line.',
    )
  return found
}

const unknown = 'somebody'

/** Gives the number of sessions that were ordered to be erased. */
export async function eraseAgain(
  broker: Broker,
  streams: SessionStreams,
  erased: readonly ErasedBefore[],
  { now, random }: { readonly now: number; readonly random: () => number },
): Promise<number> {
  const log = createJetStreamLog(broker, { streams, replicated: false })
  let ordered = 0
  for (const { session, by, at } of erased) {
    if (isChild(session)) continue // With its root.
    const frames = await log.read(session)
    if (frames.length === 0 || frames.some((frame) => erasedIn(frame))) continue // EA2
    const head = await log.head(session)
    const decision = erasedAgain(head, frames[0], { by, at })
    const said = { frame: makeShortId(random), by: 'reins restore', role: 'g' } as const
    const draft = draftOn(head, said, { ...decision, at: now })
    const outcome = await log.append(session, draft, decision.to, head.hash)
    if (outcome.kind !== 'appended') throw new Error(`Session ${session} has gone on while it was restored.`)
    ordered++
  }
  return ordered
}
