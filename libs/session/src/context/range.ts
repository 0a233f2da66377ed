// Where a conversation may be cut: in front of a message that no call reaches over.
import { estimateTokens, type ModelMessage } from '@reins/contracts'
import type { Session } from '../session.ts'
import { contextOf } from './context.ts'

/** Whether everything before this position can be covered: no call is parted from its result, and what is new is left. */
export function isBoundary(session: Session, position: number): boolean {
  const { forgotten, summary } = contextOf(session)
  const at = position - forgotten
  if (position <= (summary?.to ?? 0) || at > session.transcript.length) return false
  return at === session.transcript.length ? endsWhole(session) : startsExchange(session.transcript.at(at))
}

const startsExchange = (message: ModelMessage | undefined): boolean => message !== undefined && message.role !== 'tool'

/** The newest answer's calls have their results in the turn, not in the transcript: it is never covered. */
const endsWhole = ({ turn, transcript }: Session): boolean => {
  const last = transcript.at(transcript.length - 1)
  return !turn && (last?.role !== 'assistant' || last.content.every(({ type }) => type !== 'tool-call'))
}

/**
 * The first position whose rest is at most `keep` tokens, and the newest one where no rest is so small; null: nothing is there to be
 * covered. `covers`: the tokens of what would be.
 */
export function cutPoint(session: Session, keep: number): { readonly to: number; readonly covers: number } | null {
  const { forgotten, summary } = contextOf(session)
  const start = (summary?.to ?? 0) - forgotten
  const { transcript } = session
  let rest = 0
  let best: number | null = null
  let bestRest = 0
  // What a person said while a call ran stands between the call and its result.
  let behindCall = false
  for (let at = transcript.length - 1; at > start; at--) {
    const message = transcript.at(at)
    if (!message) return null
    rest += estimateTokens(message)
    if (best !== null && rest > keep) break
    if (message.role !== 'user') behindCall = message.role === 'tool'
    if (behindCall) continue
    best = at
    bestRest = rest
  }
  if (best === null) return null
  let whole = 0
  for (const message of transcript.slice(start)) whole += estimateTokens(message)
  return { to: best + forgotten, covers: whole - bestRest }
}
