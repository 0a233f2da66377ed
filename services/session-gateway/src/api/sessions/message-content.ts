// What a message may hold: text or parts, within the size of one frame.
import { ReinsError, type SendMessage, type UserContent } from '@reins/contracts'

/**
 * A text is one part. Half of a character (a lone surrogate) becomes U+FFFD: no model takes it, in this request or any later one.
 * Throws body_too_large, or invalid_request where there is no text at all.
 */
export function contentOf(content: SendMessage['content'], maxBytes: number): UserContent {
  const given: UserContent = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const parts = given.map(({ text }) => ({ type: 'text' as const, text: text.toWellFormed() }))
  let characters = 0
  for (const { text } of parts) characters += text.length
  if (characters === 0) throw new ReinsError('invalid_request', 'The body is not valid: content: is empty.')
  // Escaped, a character takes at most six bytes: short ones need no exact count.
  if (characters * 6 + parts.length * 32 <= maxBytes) return parts
  const bytes = Buffer.byteLength(JSON.stringify(parts))
  if (bytes > maxBytes) throw tooLarge('message', bytes, maxBytes)
  return parts
}

/** `bytes`: undefined where they were not all counted. */
export function tooLarge(what: 'message' | 'body', bytes: number | undefined, most: number): ReinsError {
  const size = bytes === undefined ? `more than ${sized(most)}` : sized(bytes)
  return new ReinsError('body_too_large', `The ${what} has ${size} bytes, and the server takes at most ${sized(most)}.`)
}

const sized = (bytes: number): string => bytes.toLocaleString('en-US')
