// How long an answer may get: what a model says within its limit, and a good deal more. Whoever streams on behind it does not keep to
// the limit, or repeats itself, and is cut off long before it has filled the memory. Pure.
//   - A token is four characters on the whole; a model that says nothing but the longest ones comes to far less than sixteen.
//   - Several servers do not count thoughts towards the limit: those have room of their own.
//   - Where a server takes no limit at all, it cannot keep to one.
import type { Manner } from '../requests/differences.ts'

export interface AnswerLimits {
  /** Characters of texts and arguments, and of thoughts. */
  readonly said: number
  readonly thought: number
  /** Of which these follow. */
  readonly maxTokens: number
}

const charactersOfToken = 16
const leastSaid = 64 * 1024
const leastThought = 1024 * 1024

export const noLimits: AnswerLimits = {
  said: Number.POSITIVE_INFINITY,
  thought: Number.POSITIVE_INFINITY,
  maxTokens: Number.POSITIVE_INFINITY,
}

export function answerLimits(maxTokens: number, manner: Manner): AnswerLimits {
  if (manner.has('no-output-limit')) return noLimits
  const asked = maxTokens * charactersOfToken
  return { said: leastSaid + asked, thought: leastThought + asked, maxTokens }
}
