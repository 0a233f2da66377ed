// Which streams hold the sessions now. Once in its life the one stream may be split over four, while processes work with it (decision 046):
// the four begin as mirrors of it, and take its place once they hold all of it.
//   SL1. The streams themselves say how far a split is. No entry elsewhere could disagree with them.
//   SL3. The one is deleted when each of the four is whole, and only then these take appends. So nobody reads in the one what is said later in
//        the four: whoever asks for it is not answered, and asks again.
//   SL2. While the one stream is closed and the four are not whole yet, no stream takes appends: whoever starts then waits.
import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream'
import { movedMark, type SessionStreamCount, sessionStreamsOf } from '@reins/contracts'
import { streamNotFound } from './jetstream-api.ts'

const [single = ''] = sessionStreamsOf(1).names
const parts = sessionStreamsOf(4).names

/** SL2. */
export class SessionsMoving extends Error {
  constructor() {
    super(
      'The sessions are being split over several streams, and none of them takes appends at this moment. ' +
        'If "reins streams split" does not run any more, run it again: it goes on where it was.',
    )
    this.name = 'SessionsMoving'
  }
}

/** undefined: none is there. Rejects with SessionsMoving (SL2). The first of several is made first, so it alone says that there are several. */
export async function sessionStreamsThere(manager: JetStreamManager): Promise<SessionStreamCount | undefined> {
  const one = await streamInfo(manager, single)
  if (one && !isClosed(one)) return 1
  const [first, ...others] = await Promise.all(parts.map((name) => streamInfo(manager, name)))
  if ([first, ...others].some((part) => part && isMirror(part))) throw new SessionsMoving()
  if (one && [first, ...others].some((part) => part === undefined)) throw new SessionsMoving()
  return first ? 4 : undefined
}

/** Of the one stream: whether four are made of it, or hold what it held (SL3). */
export async function splitState(manager: JetStreamManager): Promise<'none' | 'under-way' | 'done'> {
  if (!(await streamInfo(manager, parts[0] ?? ''))) return 'none'
  return (await streamInfo(manager, single)) ? 'under-way' : 'done'
}

/** It takes nothing more but the mark of its end. */
export function isClosed({ config }: Pick<StreamInfo, 'config'>): boolean {
  const { subjects = [] } = config
  return subjects.length > 0 && subjects.every((subject) => subject === movedMark)
}

const isMirror = ({ config }: StreamInfo): boolean => config.mirror !== undefined

/** undefined: it is not there. A server that does not answer has not said that. */
export async function streamInfo(manager: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined
    throw error
  }
}
