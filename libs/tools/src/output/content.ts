// A tool's result as blocks: from what a source was given, to an outcome. Pure.
//   B1. `output` is always the whole result as text, for who can be given no blocks. `content` is there only where it says more than
//       that text does, so that a text stands in the log once.
import { contentText, type ToolContent } from '@reins/contracts'
import type { ToolErrorCode, ToolOutcome } from '../calls/outcome.ts'

/** What a tool of any source answered with. */
export function answered(content: readonly ToolContent[], error?: ToolErrorCode): ToolOutcome {
  const output = contentText(content)
  const more = content.some(({ type }) => type !== 'text' && type !== 'json')
  return {
    status: error === undefined ? 'ok' : 'error',
    output,
    ...(more ? { content } : {}),
    ...(error === undefined ? {} : { code: error }),
  }
}
