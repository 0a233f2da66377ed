// Images that a message shows besides its words.
//   AI1. They go with their message: into the turn that takes it in, and from a prompt of a run to the session below.
//   AI2. What they are is said once: a second mark changes nothing.
import type { EventOf, ModelMessage } from '@reins/contracts'
import type { Queued, Session } from '../session.ts'
import type { Meanings } from '../slice.ts'

export const attachedImagesEvents: Meanings<'images.attached'> = {
  'images.attached': { effective: true, evolve: attached },
}

function attached(session: Session, { data: { message, images } }: EventOf<'images.attached'>): Session {
  const queued = session.inbox.find((one) => one.message === message)
  if (queued)
    return queued.images
      ? session
      : { ...session, inbox: session.inbox.map((one) => (one === queued ? { ...queued, images } : one)) }
  const { run } = session
  const operations = run?.operations.withOpen((waits) =>
    waits.kind === 'prompt' && waits.call === message && !waits.images ? { ...waits, images } : waits,
  )
  return run && operations && operations !== run.operations ? { ...session, run: { ...run, operations } } : session
}

/** A message as its turn tells it to the model. */
export const toldAs = ({ content, images }: Queued): ModelMessage => ({
  role: 'user',
  content,
  ...(images ? { images } : {}),
})
