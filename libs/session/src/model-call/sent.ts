// What the session last sent to its model, as far as deciding needs it: which call, and how full the window was.
import type { EventData, PromptRecipe } from '@reins/contracts'
import { contextOf } from '../context/context.ts'
import type { Session } from '../session.ts'

export interface Sent {
  readonly call: string
  readonly attempt: number
  /** Of the frame that announced it. */
  readonly n: number
  /** Tokens, estimated; `window`: of the model, as the caller knew it. */
  readonly size: Pick<PromptRecipe, 'fixed' | 'tokens' | 'window' | 'answer'>
  /** Messages of the conversation that it stands for. */
  readonly upTo: number
}

/** Unchanged where nothing could be sent, or an older process has sent it. */
export function withSent(
  session: Session,
  { call, attempt, prompt }: EventData<'model-call.started'>,
  n: number,
): Session {
  if (prompt === undefined) return session
  const { fixed, tokens, window, answer } = prompt
  const upTo = contextOf(session).forgotten + session.transcript.length
  return { ...session, sent: { call, attempt, n, size: { fixed, tokens, window, answer }, upTo } }
}

/** A provider has counted what it was sent: that is better than an estimate. */
export function counted(session: Session, call: string, tokens: number): Session {
  const { sent } = session
  return sent?.call === call && tokens > 0 ? { ...session, sent: { ...sent, size: { ...sent.size, tokens } } } : session
}
