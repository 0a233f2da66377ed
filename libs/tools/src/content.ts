// A tool's result as blocks: from what a source was given, to an outcome. Pure.
//   B1. `output` is always the whole result as text, for who can be given no blocks. `content` is there only where it says more than
//       that text does, so that a text stands in the log once.
import type { ToolContent } from '@reins/contracts'
import type { ToolErrorCode, ToolOutcome } from './outcome.ts'

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

/** B1: a line for what is no text. */
export const contentText = (content: readonly ToolContent[]): string => content.map(blockText).join('\n')

export function blockText(block: ToolContent): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'json':
      return JSON.stringify(block.value) ?? 'null'
    case 'image':
    case 'audio':
      return `[${block.type}: ${block.mimeType}${sizeOf(block)}]`
    case 'file':
      return `[file: ${block.name === undefined ? '' : `${block.name}, `}${block.mimeType}${sizeOf(block)}]`
    case 'link': {
      const about = [block.name, block.mimeType].filter((one) => one !== undefined).join(', ')
      return `[link: ${block.uri}${about === '' ? '' : ` (${about})`}]`
    }
    default:
      return block satisfies never
  }
}

function sizeOf({ data, bytes }: { readonly data?: string; readonly bytes?: number }): string {
  const size = bytes ?? (data === undefined ? undefined : Math.floor((data.length * 3) / 4))
  return size === undefined ? '' : `, ${size} bytes`
}
