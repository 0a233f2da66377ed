// What the open turn is about, word for word, where a compaction covers the message that said it.
import { estimateTokens, type ModelMessage } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Summary } from './context.ts'

export type KeptMessage = Pick<Summary, 'kept' | 'keptImages'>

/** Longer, it is summarised with the rest. */
const mostKeptChars = 20_000

const isPersons = (message: ModelMessage): boolean => message.role === 'user' && !message.correction

/** The newest message of a person among those that are covered now; or what was kept so far. */
export function askedIn({ turn, context }: Session, covered: readonly ModelMessage[]): KeptMessage {
  if (!turn) return {}
  const last = covered.findLast(isPersons)
  const asked: KeptMessage =
    last?.role === 'user'
      ? { kept: last.content, ...(last.images ? { keptImages: last.images } : {}) }
      : (context?.summary ?? {})
  const { kept, keptImages } = asked
  return kept && kept.reduce((sum, { text }) => sum + text.length, 0) <= mostKeptChars
    ? { kept, ...(keptImages ? { keptImages } : {}) }
    : {}
}

/**
 * Whether a compaction up to this position keeps a message: one of the open turn is covered, and its text takes at most so many tokens.
 * What an earlier turn was about is summarised.
 */
export function keepsMessage(session: Session, to: number, most: number): boolean {
  const { turn, transcript } = session
  if (!turn) return false
  const { forgotten = 0, summary } = session.context ?? {}
  // The messages of a turn are the newest ones; those of a turn that code asked for stand nowhere.
  const behind = transcript.slice(to - forgotten).filter(isPersons).length
  if (turn.asked || behind >= turn.messages.length) return false
  const { kept } = askedIn(session, transcript.slice((summary?.to ?? 0) - forgotten, to - forgotten))
  return kept !== undefined && estimateTokens({ role: 'user', content: kept }) <= most
}
