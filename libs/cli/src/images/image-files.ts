// Files of images that a message shows: looked at before anything is sent.
import { checkImage, type ShownImage } from '@reins/contracts'
import { CommandFailure, exitCodes, usageFailure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'

/** Throws a usage failure that names the file. */
export async function imagesIn(run: Invocation, files: readonly string[]): Promise<readonly ShownImage[]> {
  const images: ShownImage[] = []
  const sizes: number[] = []
  for (const file of files) {
    const bytes = await bytesOf(run, file)
    const checked = checkImage(file, bytes, sizes)
    if (checked.kind === 'wrong')
      throw usageFailure(checked.message, 'Give another file, make it smaller, or send it with a message of its own.')
    sizes.push(bytes.length)
    images.push({ type: 'image', mimeType: checked.mimeType, data: Buffer.from(bytes).toString('base64') })
  }
  return images
}

const bytesOf = ({ context }: Invocation, file: string): Promise<Uint8Array> =>
  context.readBytes(file).catch((error: unknown) => {
    throw new CommandFailure(`The image cannot be read from ${file}: ${messageOf(error)}.`, {
      ...{ exitCode: exitCodes.usage, next: 'Give the path of a PNG, JPEG, GIF or WebP file.' },
    })
  })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')
