// Files of images that a message shows: looked at before anything is sent.
import { checkImage, type ShownImage } from '@reins/contracts'
import type { CliContext } from '../context.ts'
import { CommandFailure, exitCodes, usageFailure } from '../failure.ts'

export interface ImageFile {
  /** As it was named. */
  readonly file: string
  readonly bytes: number
  readonly image: ShownImage
}

/** There is no such file, or it cannot be read. */
export class UnreadableImage extends CommandFailure {}

type Reads = Pick<CliContext, 'readBytes'>

/** `before`: those that the message shows already. Throws a usage failure that names the file. */
export async function imageIn(context: Reads, file: string, before: readonly ImageFile[]): Promise<ImageFile> {
  const bytes = await bytesOf(context, file)
  const checked = checkImage(
    file,
    bytes,
    before.map((one) => one.bytes),
  )
  if (checked.kind === 'wrong')
    throw usageFailure(checked.message, 'Give another file, make it smaller, or send it with a message of its own.')
  const data = Buffer.from(bytes).toString('base64')
  return { file, bytes: bytes.length, image: { type: 'image', mimeType: checked.mimeType, data } }
}

/** As `imageIn`, for all that one message shows. */
export async function imagesIn(context: Reads, files: readonly string[]): Promise<readonly ShownImage[]> {
  const images: ImageFile[] = []
  for (const file of files) images.push(await imageIn(context, file, images))
  return images.map(({ image }) => image)
}

const bytesOf = (context: Reads, file: string): Promise<Uint8Array> =>
  context.readBytes(file).catch((error: unknown) => {
    throw new UnreadableImage(`The image cannot be read from ${file}: ${messageOf(error)}.`, {
      ...{ exitCode: exitCodes.usage, next: 'Give the path of a PNG, JPEG, GIF or WebP file.' },
    })
  })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')
