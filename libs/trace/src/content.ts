// What was said, in the form of the conventions (gen_ai.input.messages and so on). It is in spans only where somebody asks for it: a log
// masks the secrets that Reins knows, and still holds what people have written.
import type { AssistantBlock } from '@reins/contracts'

/** `characters`: of one attribute; the rest is cut. */
export interface Content {
  readonly characters: number
}

export const cut = (text: string, { characters }: Content): string =>
  text.length <= characters ? text : `${text.slice(0, characters)}…`

/** undefined: nobody has asked for it. */
export const jsonOf = (value: unknown, content: Content | undefined): string | undefined =>
  content && cut(JSON.stringify(value) ?? '', content)

export const messagesOf = (
  role: string,
  contents: readonly unknown[],
  content: Content | undefined,
): string | undefined =>
  jsonOf(
    contents.map((parts) => ({ role, parts: Array.isArray(parts) ? parts.map(partOf) : [] })),
    content,
  )

const partOf = (part: { readonly type: string; readonly text?: string }) =>
  part.type === 'text' ? { type: 'text', content: part.text } : { type: part.type }

export const answerOf = (blocks: readonly AssistantBlock[], finish: string, content: Content | undefined) =>
  jsonOf(
    [
      {
        role: 'assistant',
        finish_reason: finish,
        parts: blocks.map((block) =>
          block.type === 'tool-call'
            ? { type: 'tool_call', id: block.call, name: block.name, arguments: block.arguments }
            : { type: block.type, content: block.text },
        ),
      },
    ],
    content,
  )
