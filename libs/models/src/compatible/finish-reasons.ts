// How an answer ended, out of the words that servers have for it. One that nobody knows is an end all the same.
import type { ModelCompleted } from '@reins/contracts'
import type { Fault } from '../failure/failure.ts'
import { isRecord } from '../http/foreign.ts'

export type Ended =
  | {
      readonly kind: 'finished'
      readonly finish: ModelCompleted['finish']
      readonly refusal?: string
      readonly windowFull?: boolean
    }
  | { readonly kind: 'failed'; readonly fault: Fault }

const forms: readonly (readonly [words: RegExp, finish: ModelCompleted['finish']])[] = [
  [
    /^(max_?(output_|completion_|new_)?tokens|length|token_?limit|model_length|truncated|max_?length|incomplete)$/i,
    'length',
  ],
  [/^(tool_?calls?|function_?calls?|tool_?use)$/i, 'tool-calls'],
  [
    /content_?filter|safety|recitation|prohibited|blocklist|spii|sensitive|refus|guardrail|moderat|language|policy/i,
    'refused',
  ],
]
const full = /^(context_?length(_exceeded)?|model_context_window_exceeded|context_?window(_exceeded)?|max_?context)$/i
const capacity = /insufficient_system_resource|overloaded|capacity/i
const brokenCall = /malformed_?(function|tool)_?call|unexpected_tool_call|invalid_tool_call/i
const broken = /^(error|.*_error|abort(ed)?|cancell?ed|timeout|failed|failure|network_error|unknown_error)$/i

/** `native`: what the provider behind a router said; `filters`: what a content filter found. */
export function endOf(reason: string, native?: string, filters?: unknown): Ended {
  if (full.test(reason)) return { kind: 'finished', finish: 'length', windowFull: true }
  if (capacity.test(reason))
    return { kind: 'failed', fault: { kind: 'no-capacity', message: `the answer ended with "${reason}"` } }
  if (brokenCall.test(reason) || (native !== undefined && brokenCall.test(native)))
    return {
      kind: 'failed',
      fault: {
        kind: 'broken-call',
        message: `the model wrote a call that its server cannot read (${native ?? reason})`,
      },
    }
  if (broken.test(reason))
    return { kind: 'failed', fault: { message: `the provider ended the answer with "${native ?? reason}"` } }
  const [, finish = 'stop' as const] = forms.find(([words]) => words.test(reason)) ?? []
  if (finish !== 'refused') return { kind: 'finished', finish }
  const found = isRecord(filters)
    ? Object.entries(filters).flatMap(([name, result]) => (isRecord(result) && result.filtered === true ? [name] : []))
    : []
  const what = found.length > 0 ? ` for ${found.join(', ')}` : ''
  return { kind: 'finished', finish, refusal: `the provider's filter stopped the answer${what} (${native ?? reason})` }
}
