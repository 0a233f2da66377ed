// A call of a tool that its server did not read: the model wrote it in the marks of its template, and the server left it in the text, or
// said that the answer ended with a call and sent none. Whoever took that for an answer would end a turn in the middle of its work. Pure.
//   UC1. Nothing is run out of a text: what stands there may be an example. The call is lost, which is said, and the model asked again.
//   UC2. A text is taken for one only where it ends with it, in no block of code, and with the name of a tool that was offered.
import { isRecord } from '../http/foreign.ts'

/** The marks that templates end a call with: at the end of a line that begins with them, or of the whole. */
const ends: readonly RegExp[] = [
  /<\/tool_calls?>$/,
  /<\/function(_calls?)?>$/,
  /<\/invoke>$/,
  /<\|tool_calls?(_section)?_end\|>$/,
  /<｜tool[▁_ ]calls?[▁_ ]end｜>$/,
  /<\/?[|｜‖]{1,2}\s?DSML\s?[|｜‖]{1,2}\s?(tool_calls|function_calls|invoke|tool_use)>$/,
  /<\/minimax:tool_call>$/,
  /<\|call\|>$/,
]
const begins =
  /<tool_calls?>|<function[=_]|<invoke name=|<\|tool_calls?(_section)?_begin\|>|<｜tool[▁_ ]calls?[▁_ ]begin｜>|<[|｜‖]{1,2}\s?DSML|<\|channel\|>commentary to=|\[TOOL_CALLS\]|<\|python_tag\|>/g
/** Templates that end a call with nothing: the call is all that follows. */
const openEnded = /^(\[TOOL_CALLS\]|<\|python_tag\|>)/

/** The name of the tool that the text ends with a call of. */
export function unreadCall(text: string, tools: readonly { readonly name: string }[]): string | undefined {
  if (tools.length === 0) return undefined
  const whole = text.trimEnd()
  const bare = bareCall(whole)
  if (bare !== undefined) return tools.find(({ name }) => name === bare)?.name
  // A call is not long before its arguments: a mark far above belongs to something else, or to a call that is no less unread.
  const marks = [...whole.matchAll(begins)]
  const last = marks.at(-1)
  if (!last) return undefined
  const closed = ends.some((end) => end.test(whole.slice(-80)))
  if (!closed && !openEnded.test(last[0])) return undefined
  const first = beginning(marks, whole)
  if (whole.slice(0, first).split('```').length % 2 === 0) return undefined
  const call = whole.slice(first)
  return tools.find(({ name }) => names(call, name))?.name
}

/** A text that is nothing but a call, as small models write it: its name, and its arguments. */
function bareCall(whole: string): string | undefined {
  if (!/^\s*\{\s*"/.test(whole) || !whole.endsWith('}')) return undefined
  try {
    const { type: _, name, arguments: args, parameters, ...others }: Record<string, unknown> = JSON.parse(whole)
    const given = isRecord(args) || isRecord(parameters)
    return typeof name === 'string' && given && Object.keys(others).length === 0 ? name : undefined
  } catch {
    return undefined
  }
}

/** Of the marks behind which nothing but the call stands. */
function beginning(marks: readonly RegExpExecArray[], whole: string): number {
  const atLine = marks.filter(({ index }) => index === 0 || /\n\s*$/.test(whole.slice(Math.max(0, index - 20), index)))
  return (atLine[0] ?? marks[0])?.index ?? 0
}

/** As templates write it: as a value, an attribute, or before its number. */
function names(call: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(
    `(?:"|'|=|functions\\.|>|\\[TOOL_CALLS\\]|<\\|python_tag\\|>)\\s*${escaped}(?:"|'|>|:\\d|\\(|\\[|\\{|\\s|$)`,
  ).test(call)
}
