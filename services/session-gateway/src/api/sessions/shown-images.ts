// Images that a client sends with a message, on their way into the frame of the message.
//   SI1. What they are is checked before anything is kept, and they are kept before the frame that names them is appended.
//   SI2. Code that decides in a session is given texts: a message with images is refused there, and no image is left out in silence.
import { promptImages } from '@reins/code-host'
import { ReinsError, type SessionEvent, type ShownImage } from '@reins/contracts'
import { keepImages, NoRoomForImages } from '@reins/journal'
import type { GatewayConfig } from '../../ports.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import type { Ids } from '../writes/idempotency.ts'

/** Throws invalid_request: which of them is wrong, and how. */
export function checkImages(images: readonly ShownImage[] | undefined): void {
  if (images === undefined) return
  try {
    promptImages(images)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ReinsError('invalid_request', `The body is not valid: ${why}.`)
  }
}

export const decidedByCode = (): ReinsError =>
  new ReinsError('invalid_request', 'A file decides in this session, and is given texts only: it takes no images.', {
    next: 'Send the message without images, or show them in session.prompt(…, { images }) of a workflow.',
  })

/** What stands behind the message. Rejects with invalid_request (SI2), session_too_large or unavailable. */
export async function shownImages(
  { outputs, folds }: Pick<GatewayConfig, 'outputs'> & { readonly folds: SessionFolds },
  { session, subject }: Ids,
  images: readonly ShownImage[] | undefined,
  /** `seq`: of the session's head; 0: it begins. */
  seq: number,
): Promise<readonly SessionEvent[]> {
  if (images === undefined) return []
  if (seq > 0 && (await folds.folded(session, seq)).fold.session.run) throw decidedByCode()
  try {
    const kept = await keepImages(outputs, session, images)
    return [{ type: 'images.attached', data: { message: subject, images: [...kept] } }]
  } catch (error) {
    if (error instanceof NoRoomForImages)
      throw new ReinsError('session_too_large', 'The session keeps as many images and outputs as it may: 64 MiB.', {
        next: 'Send the images in a new session.',
      })
    throw new ReinsError('unavailable', 'The images of the message cannot be kept now.')
  }
}
