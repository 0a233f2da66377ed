// The loop guard: a model that forgets what it has done does it again. After a compaction it is told so, once a call is asked for that
// was made before with the same arguments.
import { createHash } from 'node:crypto'
import { canonicalJson, type ModelMessage, type ToolCallBlock } from '@reins/contracts'
import type { OfferRule } from '../slice.ts'

/** The newest of them: a session's state must not grow with its length. */
const mostKept = 300

const digestOf = ({ name, arguments: args }: ToolCallBlock): string =>
  createHash('sha256')
    .update(`${name} ${canonicalJson(args)}`)
    .digest('base64url')
    .slice(0, 16)

const callsIn = (message: ModelMessage): readonly ToolCallBlock[] =>
  message.role === 'assistant' ? message.content.filter((block) => block.type === 'tool-call') : []

/** Digests of the calls in messages that are covered now, behind those that were covered before. */
export function repeatable(before: readonly string[], covered: readonly ModelMessage[]): readonly string[] {
  const all = new Set([...before, ...covered.flatMap((message) => callsIn(message).map(digestOf))])
  return [...all].slice(-mostKept)
}

/** Told behind the results of the call that repeats one. */
export const repeatedOffer: OfferRule = ({ context, transcript, turn }) => {
  const known = context?.summary?.calls
  if (!known?.length || !turn) return null
  let at = transcript.length - 1
  while (transcript.at(at)?.role === 'tool') at--
  const answer = transcript.at(at)
  if (!answer || at === transcript.length - 1) return null
  const names = new Set(callsIn(answer).flatMap((call) => (known.includes(digestOf(call)) ? [call.name] : [])))
  if (names.size === 0) return null
  return {
    notice: `[You have called ${[...names].join(', ')} with exactly these arguments before, in the part of the conversation that was summarised. Do not go round in a circle: use what you know now, or do something else.]`,
  }
}
