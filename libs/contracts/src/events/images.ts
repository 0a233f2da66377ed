// images.*: what a message shows besides its words.
import { Type } from 'typebox'
import { ImagePart } from './content.ts'
import { id } from './fields.ts'

/** Of one message. */
export const maxImages = 20

export const imagesEvents = {
  /** Beside run.prompted, and in the session below behind message.received: images that the model is shown with this message. */
  'images.attached': Type.Object({ message: id, images: Type.Array(ImagePart, { minItems: 1, maxItems: maxImages }) }),
}
