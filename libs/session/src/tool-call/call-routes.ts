// Where a call of the model goes: to the runners, or nowhere, since the session can answer it by itself. Other slices have routes of
// their own (delegation.ts); slices.ts says in which order they are asked.
import { quoted, type ReplayClass, suggestion } from '@reins/contracts'
import type { Born } from '../session.ts'
import type { CallRoute, RouteRule } from '../slice.ts'

const refused = (code: string, output: string): CallRoute => ({ kind: 'settled', status: 'error', code, output })

export const malformedRoute: RouteRule = ({ malformed }, { answered }) =>
  malformed === null
    ? null
    : refused(
        'invalid-arguments',
        answered?.finish === 'length'
          ? 'Not run: the answer reached its limit (max_tokens) in the middle of these arguments. Do it in smaller pieces: write a long file in several calls, and keep each answer short.'
          : answered?.finish === 'refused'
            ? 'Not run: the provider stopped the answer in the middle of these arguments.'
            : `Not run: the arguments are not a JSON object. Call the tool again with valid JSON.${/\d{16}/.test(malformed) ? ' Write a whole number of more than 15 digits as a string: it cannot be kept exactly.' : ''}`,
      )

/** The calls of this answer that lie beyond the turn's limit. */
export const beyondLimitRoute: RouteRule = (call, turn, { born: { limits } }) => {
  // The limit is the model's.
  if (turn.asked) return null
  const before = turn.toolCalls - turn.calls.length
  return turn.calls.indexOf(call) < Math.max(limits.maxToolCalls - before, 0)
    ? null
    : refused('limit', `Not run: this turn has used its ${limits.maxToolCalls} tool calls. Answer with what you have.`)
}

export const toolRoute: RouteRule = (call, _turn, { born: { tools } }) =>
  Object.hasOwn(tools, call.name) ? { kind: 'runners' } : null

export const unknownToolRoute: RouteRule = (call, _turn, { born: { tools } }) => {
  const names = Object.keys(tools)
  return refused(
    'not-found',
    `There is no tool ${quoted(call.name)}${suggestion(call.name, names) || '.'} Available: ${names.length > 0 ? names.join(', ') : 'none'}.`,
  )
}

export const replayOf = ({ tools }: Born, name: string): ReplayClass => tools[name] ?? 'never'
