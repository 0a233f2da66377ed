// Images, audio and files of a result on their way into the log: frames stay small, so that bytes go to the object store.
//   KC1. A block is given as it is, or as a text that says why not: what cannot be kept or read is no reason to lose the rest.
//   KC2. What comes is a stranger's: base64 is checked, and so are types, sizes and counts.
import { blockText, mediaInFrame, type ToolContent } from '@reins/contracts'
import type { KeptOutput } from '@reins/tools'

type Keep = (bytes: Uint8Array) => Promise<KeptOutput>
type Media = Extract<ToolContent, { readonly type: 'image' | 'audio' | 'file' }>

/** Bytes of one block; what is larger, no provider takes. */
const mostBytes = 8 * 1024 * 1024
const mostBlocks = 64

export async function keptContent(content: readonly ToolContent[], keep: Keep): Promise<readonly ToolContent[]> {
  const blocks: ToolContent[] = []
  let inline = 0
  for (const block of content.slice(0, mostBlocks)) {
    if (!isMedia(block)) {
      blocks.push(block)
      continue
    }
    const stored = await storedMedia(block, mediaInFrame.bytes < mediaInFrame.together - inline, keep)
    if ('data' in stored) inline += stored.data?.length ?? 0
    blocks.push(stored)
  }
  const more = content.length - mostBlocks
  return more > 0 ? [...blocks, { type: 'text', text: `[${more} more parts of this result are left out]` }] : blocks
}

const isMedia = (block: ToolContent): block is Media =>
  block.type === 'image' || block.type === 'audio' || block.type === 'file'

async function storedMedia(block: Media, mayInline: boolean, keep: Keep): Promise<ToolContent> {
  const { data, ...given } = block
  if (data === undefined) return block
  const rest = { ...given, mimeType: block.mimeType.split(';')[0]?.trim().toLowerCase() ?? '' }
  const size = Math.floor((data.length * 3) / 4)
  if (!/^[\w.+-]{1,64}\/[\w.+-]{1,128}$/.test(rest.mimeType)) return left(block, 'its type is none')
  if (size > mostBytes) return left(block, `it is larger than ${mostBytes / 1024 / 1024} MiB`)
  const bytes = bytesOf(data)
  if (bytes === undefined) return left(block, 'it is no base64')
  if (mayInline && bytes.length <= mediaInFrame.bytes) return { ...rest, data: bytes.toString('base64') }
  const kept = await keep(bytes).catch(() => undefined)
  if (kept?.ref === undefined || kept.dropped > 0)
    return left(block, kept ? 'this session keeps as much as it may' : 'it could not be kept')
  return { ...rest, ref: kept.ref, bytes: bytes.length }
}

/** KC1. */
const left = (block: Media, why: string): ToolContent => ({
  type: 'text',
  text: `${blockText(block).slice(0, 300).replace(/\]$/, '')}; it is left out: ${why}]`,
})

/** Strict, but for line breaks and the padding at the end. */
function bytesOf(data: string): Buffer | undefined {
  const text = data.replace(/[\r\n]+/g, '').replace(/=+$/, '')
  if (text === '' || text.length % 4 === 1 || !/^[A-Za-z0-9+/]+$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
