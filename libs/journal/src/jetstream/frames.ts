// Frames and heads of what the broker has stored.
import type { StoredMessage } from '@reins/broker'
import { decodeFrame, type Frame, type Head, headFromHeaders, parseSessionSubject } from '@reins/contracts'

/** undefined: a subject that belongs to no session. */
export const frameOf = (message: Omit<StoredMessage, 'storedAt'>): Frame | undefined => {
  const subject = parseSessionSubject(message.subject)
  if (!subject) return undefined
  const { session, role } = subject
  return decodeFrame({ seq: message.seq, session, role, body: message.body, header: message.header })
}

export const headFromMessage = (message: StoredMessage): Head => headFromHeaders(message.seq, message.header)

/** The n that its writer gave it; 0 where it says none. */
export const frameNumber = (message: StoredMessage): number => headFromMessage(message).n
