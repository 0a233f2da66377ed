// What is recorded of a call, with the secrets in it masked: the one place where the outcomes of all sources pass.
//   RR1. Nothing of an outcome goes by another way into an event.
import type { EventData } from '@reins/contracts'
import { type Redactor, redactJsonText } from '@reins/secrets'
import type { ToolOutcome } from '@reins/tools'

export type ToolResult = Pick<EventData<'tool-call.completed'>, 'status' | 'output' | 'content' | 'code' | 'ref'>
type Content = NonNullable<ToolOutcome['content']>[number]

export function redactedResult({ status, output, content, code, ref }: ToolOutcome, redactor: Redactor): ToolResult {
  return {
    status,
    output: redactJsonText(redactor, output),
    ...(content === undefined ? {} : { content: content.map((block) => redactedBlock(block, redactor)) }),
    ...(code === undefined ? {} : { code }),
    ...(ref === undefined ? {} : { ref }),
  }
}

/** An image or a sound in which a secret stands is none any more once it is masked. */
function redactedBlock(block: Content, redactor: Redactor): Content {
  const masked = redactor.json(block)
  if (masked === block || (block.type !== 'image' && block.type !== 'audio')) return masked
  return { type: 'text', text: `[withheld: the ${block.type} held a secret]` }
}
