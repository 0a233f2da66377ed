// Files of images that a person shows a model with a message, as whoever sends them looks at them first. The server says the same of what it
// is sent (prompt-images.ts of libs/code-host, whose limits a test holds against these).
import { maxImages } from './events/images.ts'

/** Bytes: of one image, and of all of one message. */
export const imageLimits = { count: maxImages, bytes: 3_932_160, bytesOfMessage: 6_291_456 } as const
export const imageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const
export type ImageType = (typeof imageTypes)[number]

/** By its first bytes. undefined: no model takes it. */
export function imageTypeOf(bytes: Uint8Array): ImageType | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 12))
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif'
  return text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP' ? 'image/webp' : undefined
}

export type CheckedImage =
  | { readonly kind: 'image'; readonly mimeType: ImageType }
  | { readonly kind: 'wrong'; readonly message: string }

/** `before`: bytes of those that the message shows already. */
export function checkImage(name: string, bytes: Uint8Array, before: readonly number[]): CheckedImage {
  const wrong = (message: string): CheckedImage => ({ kind: 'wrong', message })
  const mimeType = imageTypeOf(bytes)
  if (mimeType === undefined) return wrong(`${name} is no PNG, JPEG, GIF or WebP image, and models take no others.`)
  if (bytes.length > imageLimits.bytes)
    return wrong(
      `${name} has ${megabytes(bytes.length)}, and an image may have ${megabytes(imageLimits.bytes, Math.floor)}.`,
    )
  if (before.length >= imageLimits.count) return wrong(`One message shows ${imageLimits.count} images at most.`)
  const all = before.reduce((sum, one) => sum + one, bytes.length)
  if (all > imageLimits.bytesOfMessage)
    return wrong(
      `With ${name} the images have ${megabytes(all)} together, and one message shows ${megabytes(imageLimits.bytesOfMessage, Math.floor)} at most.`,
    )
  return { kind: 'image', mimeType }
}

/** Rounded so that what is too much never looks as if it were not. */
const megabytes = (bytes: number, rounded = Math.ceil): string => `${(rounded(bytes / 10_000) / 100).toFixed(2)} MB`
