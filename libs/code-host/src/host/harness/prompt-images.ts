// Images of a prompt: `session.prompt('What is wrong here?', { images: [{ type: 'image', mimeType: 'image/png', data }] })`. Read in the host,
// for whoever wrote the code, and once more by whoever runs it.
//   PI1. An image is what its bytes say that it is: a type that does not agree with them is refused, since a provider would refuse it.

export interface PromptImage {
  readonly type: 'image'
  readonly mimeType: string
  /** base64 */
  readonly data: string
}

/** Bytes: of one image, since the strictest provider takes 5 MiB of base64; of one prompt; and of all new prompts of one replay. */
export const imageLimits = {
  count: 20,
  bytes: (5 * 1024 * 1024 * 3) / 4,
  bytesOfPrompt: 6 * 1024 * 1024,
  bytesOfReplay: 12 * 1024 * 1024,
} as const

const form = `"images" of a prompt is a list such as [{ type: 'image', mimeType: 'image/png', data }], where data is base64`
const types = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

/** Throws a TypeError or a RangeError that says what is wrong with which of them. */
export function promptImages(given: unknown): readonly PromptImage[] {
  if (!Array.isArray(given)) throw new TypeError(form)
  if (given.length > imageLimits.count)
    throw new RangeError(`"images" of a prompt are ${imageLimits.count} at most; these are ${given.length}`)
  const images = given.map(promptImage)
  const bytes = imageBytes(images)
  if (bytes > imageLimits.bytesOfPrompt)
    throw new RangeError(
      `"images" of a prompt have ${imageLimits.bytesOfPrompt} bytes at most together; these have ${bytes}. Make them smaller, or show them in several prompts`,
    )
  return images
}

export const imageBytes = (images: readonly PromptImage[]): number =>
  images.reduce((sum, { data }) => sum + bytesIn(data), 0)

function promptImage(given: unknown, at: number): PromptImage {
  const which = `images[${at}] of the prompt`
  const { type, mimeType, data, ...others } = (typeof given === 'object' && given !== null ? given : {}) as Readonly<
    Record<string, unknown>
  >
  const [other] = Object.keys(others)
  if (type !== 'image' || typeof data !== 'string' || typeof mimeType !== 'string' || other !== undefined)
    throw new TypeError(`${which} ${other === undefined ? 'is no image' : `has "${other}", which is unknown`}: ${form}`)
  if (!types.includes(mimeType))
    throw new TypeError(`${which} has the mimeType "${mimeType.slice(0, 100)}"; models take ${types.join(', ')}`)
  const bytes = bytesIn(data)
  if (bytes > imageLimits.bytes)
    throw new RangeError(`${which} has ${bytes} bytes, and ${imageLimits.bytes} at most are taken. Make it smaller`)
  if (data === '' || data.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(data))
    throw new TypeError(`${which} has "data" that is no base64, as bytes.toString('base64') gives it`)
  const is = typeOf(Buffer.from(data.slice(0, 24), 'base64'))
  if (is !== mimeType)
    throw new TypeError(
      `${which} says "${mimeType}", and its bytes are ${is === undefined ? `those of none of ${types.join(', ')}` : `those of ${is}`}`,
    )
  return { type, mimeType, data }
}

const bytesIn = (base64: string): number =>
  Math.floor((base64.length * 3) / 4) - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)

/** PI1. */
function typeOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1')
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif'
  return text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP' ? 'image/webp' : undefined
}
