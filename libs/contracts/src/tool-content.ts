// Blocks of a tool's result as text: for who can be given no blocks, and for what a provider's form has no place for. Pure.
import type { ToolContent } from './events/content.ts'

/** A block with bytes. */
export type MediaContent = Extract<ToolContent, { readonly type: 'image' | 'audio' | 'file' }>

export const isMedia = (block: ToolContent): block is MediaContent =>
  block.type === 'image' || block.type === 'audio' || block.type === 'file'

/** Bytes of one block that may stand in a frame itself, and characters of all of them in one; the others are kept outside of it. */
export const mediaInFrame = { bytes: 4 * 1024, together: 32 * 1024 } as const

export const contentText = (content: readonly ToolContent[]): string => content.map(blockText).join('\n')

/** A line for what is no text. */
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
