// Images, audio and files in results of tools and in messages, as the wire forms give them to a provider. Pure.
//   RM1. What a form has no place for, what no provider takes, and what is kept no more is told as text: none of it ever spoils
//        the conversation, now or later.
//   RM2. Bytes that are kept elsewhere stand in a piece as a place (a control character, which no JSON text can hold, around the
//        reference), and are filled in when the request is whole. So pieces, which are kept for the life of a session, stay small.
//   RM3. The newest are given, up to a number and a size; older ones are told as text.
import { blockText, isMedia, type MediaContent, type ModelMessage, type ToolContent } from '@reins/contracts'

export type Media = MediaContent
type WithBytes = Exclude<ModelMessage, { role: 'assistant' }>

/** Characters of base64: of one block, since the strictest provider takes 5 MiB; and of one request. */
const largest = 5 * 1024 * 1024
const largestTogether = 16 * 1024 * 1024
const mostTogether = 20

const imageTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
export type ImageType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'

/** The type of an image that every provider with images takes; undefined: none does. */
export const imageTypeOf = (block: Media): ImageType | undefined =>
  block.type === 'image' && imageTypes.has(block.mimeType) ? (block.mimeType as ImageType) : undefined

const base64Length = ({ data, bytes = 0 }: Media): number => data?.length ?? Math.ceil(bytes / 3) * 4

/** What stands in the place of the bytes while the JSON of a block is made. */
export const bytesHere = '\u0002'
const jsonOfBytesHere = '\\u0002'
const place = '\u0001'

/** The JSON of a block with its bytes, or with their place (RM2). Undefined: the bytes are none that can be given. */
export function withBytes(block: Media, json: string): string | undefined {
  const bytes = block.ref === undefined ? block.data : `${place}${block.ref}${place}`
  if (bytes === undefined || base64Length(block) > largest) return undefined
  if (block.ref === undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(bytes)) return undefined
  const [before, after, ...more] = json.split(jsonOfBytesHere)
  return after === undefined || more.length > 0 || block.ref?.includes(place) ? undefined : before + bytes + after
}

/** RM2: a request with all bytes in their places. */
export function filled(body: string, media: ReadonlyMap<string, string> | undefined): string {
  if (!body.includes(place)) return body
  return body
    .split(place)
    .map((piece, at) => (at % 2 === 0 ? piece : (media?.get(piece) ?? '')))
    .join('')
}

/** RM1. The parts of a result or a message: `native` gives the part of a block that the form has a place for. */
export function resultParts(
  content: readonly ToolContent[],
  text: (text: string) => string,
  native: (block: Media) => string | undefined,
): readonly string[] {
  return content.flatMap((block) => {
    const part = isMedia(block) ? native(block) : undefined
    if (part !== undefined) return [part]
    const told = blockText(block)
    return told.trim() === '' ? [] : [text(told)]
  })
}

/** RM1. The parts of a person's message: what it shows, and then its words, so that notices stand behind all of it. */
export const messageParts = (
  { content, images = [] }: Extract<ModelMessage, { role: 'user' }>,
  text: (text: string) => string,
  native: (block: Media) => string | undefined,
): readonly string[] => resultParts([...images, ...content], text, native)

/** The bytes that a reference names; undefined: they are kept no more. */
export type LoadMedia = (ref: string) => Promise<Uint8Array | undefined>

export interface WithMedia {
  readonly messages: readonly ModelMessage[]
  /** Base64, by reference. */
  readonly media: ReadonlyMap<string, string>
}

const noMedia: ReadonlyMap<string, string> = new Map()

/** RM3. The conversation with what it can be given of what its results refer to; the rest is told as text. */
export async function withMedia(messages: readonly ModelMessage[], load: LoadMedia): Promise<WithMedia> {
  if (!messages.some(refersTo)) return { messages, media: noMedia }
  const media = new Map<string, string>()
  const given: ModelMessage[] = []
  let size = 0
  for (const message of messages.toReversed()) {
    if (!refersTo(message)) {
      given.push(message)
      continue
    }
    const missing = new Set<string>()
    for (const block of mediaOf(message)) {
      if (block.ref === undefined || media.has(block.ref)) continue
      const room = media.size < mostTogether && size + base64Length(block) <= largestTogether
      const bytes = room && base64Length(block) <= largest ? await load(block.ref) : undefined
      if (bytes === undefined) missing.add(block.ref)
      else {
        const base64 = Buffer.from(bytes).toString('base64')
        media.set(block.ref, base64)
        size += base64.length
      }
    }
    given.push(missing.size === 0 ? message : told(message, missing))
  }
  return { messages: given.reverse(), media }
}

const mediaOf = (message: WithBytes): readonly Media[] =>
  message.role === 'tool' ? (message.content?.filter(isMedia) ?? []) : (message.images ?? [])

const refersTo = (message: ModelMessage): message is WithBytes =>
  message.role !== 'assistant' && mediaOf(message).some(({ ref }) => ref !== undefined)

/** Messages keep their identity: the same for the same that is missing. */
const toldMessages = new WeakMap<ModelMessage, Map<string, WithBytes>>()

function told(message: WithBytes, missing: ReadonlySet<string>): WithBytes {
  const known = toldMessages.get(message) ?? new Map<string, WithBytes>()
  toldMessages.set(message, known)
  const key = [...missing].join(' ')
  const made = known.get(key) ?? without(message, missing)
  known.set(key, made)
  return made
}

function without(message: WithBytes, missing: ReadonlySet<string>): WithBytes {
  const gone = (block: ToolContent): block is Media =>
    isMedia(block) && block.ref !== undefined && missing.has(block.ref)
  const note = (block: Media) => ({
    type: 'text' as const,
    text: `${blockText(block).slice(0, -1)}; it is not shown again]`,
  })
  if (message.role === 'tool')
    return { ...message, content: (message.content ?? []).map((block) => (gone(block) ? note(block) : block)) }
  const { images = [], ...said } = message
  const left = images.filter((image) => !gone(image))
  return {
    ...said,
    content: [...images.filter(gone).map(note), ...message.content],
    ...(left.length > 0 ? { images: left } : {}),
  }
}
