// Images of messages on their way into the log: frames stay small, so that all but small ones are kept beside the outputs of tools.
//   IK1. They are kept before the frame that names them is appended, under their digest: whoever does it again does the same.
import { type ImagePart, mediaInFrame } from '@reins/contracts'
import type { OutputStore } from './port.ts'

/** In a row; a store that is away for a moment fails no run. */
const tries = 4
const firstWaitMs = 250

/** What is shown, whole. */
export interface ImageData {
  readonly type: 'image'
  readonly mimeType: string
  /** base64 */
  readonly data: string
}

/** The session keeps as much as it may; nothing but another session helps. */
export class NoRoomForImages extends Error {
  constructor() {
    super('the session that is prompted keeps as much as it may; prompt another session')
    this.name = 'NoRoomForImages'
  }
}

/** Rejects with NoRoomForImages, and where the store does not answer. */
export async function keepImages(
  outputs: Pick<OutputStore, 'put'>,
  session: string,
  images: readonly ImageData[],
): Promise<readonly ImagePart[]> {
  const kept: ImagePart[] = []
  let inline = 0
  for (const { data, ...image } of images) {
    const bytes = Buffer.from(data, 'base64')
    if (bytes.length <= mediaInFrame.bytes && inline + data.length <= mediaInFrame.together) {
      inline += data.length
      kept.push({ ...image, data })
      continue
    }
    const { ref, dropped } = await put(outputs, session, bytes)
    if (ref === undefined || dropped > 0) throw new NoRoomForImages()
    kept.push({ ...image, ref, bytes: bytes.length })
  }
  return kept
}

async function put(outputs: Pick<OutputStore, 'put'>, session: string, bytes: Uint8Array) {
  for (let tried = 1; ; tried++) {
    try {
      return await outputs.put(session, bytes)
    } catch (error) {
      if (tried === tries) throw error
      await new Promise((resolve) => setTimeout(resolve, firstWaitMs * 2 ** tried))
    }
  }
}
