// What is too long for one answer: kept whole by reference, and shown as its head and its tail, with the way to the rest.
//   L1. It holds for the tools of every source. A tool that cuts its own result (it has a `ref` then) is left alone.
//   L2. What could not be kept is said to be lost, never passed over.
//   L3. What is cut is masked before, so that no end of a secret is left at the cut.
import type { ToolContent } from '@reins/contracts'
import type { KeepOutput, Mask } from '../calls/context.ts'
import type { ToolOutcome } from '../calls/outcome.ts'
import { HeadTail } from '../text/head-tail.ts'

export const readResultName = 'read_result'

/** For the text that stands where something is left out. */
export const howToReadOn = (ref: string): string => `read on with ${readResultName} {"ref":"${ref}"}`

/** At most `maxChars` of the result and a note. */
export async function withinLimit(
  outcome: ToolOutcome,
  maxChars: number,
  keep: KeepOutput,
  mask?: Pick<Mask, 'text'>,
): Promise<ToolOutcome> {
  const { output, ref } = outcome
  if (output.length <= maxChars || ref !== undefined) return outcome // L1
  const kept = await keep(Buffer.from(output)).catch(() => undefined)
  const head = new HeadTail(maxChars)
  head.push(mask?.text(output) ?? output) // L3
  const { text } = head.take(maxChars, (omitted) => `\n[… ${omitted} characters left out; ${whereabouts(kept)} …]\n`)
  const content = outcome.content && withText(outcome.content, text)
  return {
    ...outcome,
    output: text,
    truncated: true,
    ...(content === undefined ? {} : { content }),
    ...(kept?.ref === undefined ? {} : { ref: kept.ref }),
  }
}

/** L2. */
function whereabouts(kept: Awaited<ReturnType<KeepOutput>> | undefined): string {
  if (kept === undefined) return 'the whole could not be kept'
  if (kept.ref === undefined) return 'the whole is not kept, since this session keeps as much output as it may'
  const lost = kept.dropped > 0 ? ` but for its last ${kept.dropped} bytes` : ''
  return `the whole result is kept${lost}: ${howToReadOn(kept.ref)}`
}

/** The text of all blocks in the place of the texts. */
const withText = (content: readonly ToolContent[], text: string): readonly ToolContent[] => [
  { type: 'text', text },
  ...content.filter(({ type }) => type !== 'text' && type !== 'json'),
]
