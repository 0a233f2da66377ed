// Whose frames the log of a session holds: of a fork, first those of the sessions that it was forked from.
//   LN1. A fork's own first frame has no frame of its own session before it (`prev` 0), and says which frame it goes on behind.
import { type EventData, type Frame, knownEvents } from '@reins/contracts'

/** LN1. undefined: the frame begins no fork. */
export function forkIn(
  frame: Pick<Frame, 'n' | 'prev' | 'events' | 'written'>,
): EventData<'session.forked'> | undefined {
  if (frame.prev !== 0 || frame.n < 2) return undefined
  const [first] = knownEvents(frame as Frame)
  return first?.type === 'session.forked' && first.data.n === frame.n - 1 ? first.data : undefined
}

/** The session that wrote each frame of the log, in the order of the frames. */
export function writersOf(id: string, frames: readonly Frame[]): readonly string[] {
  const writers: string[] = []
  let writer = id
  for (const frame of frames.toReversed()) {
    writers.push(writer)
    writer = forkIn(frame)?.from ?? writer
  }
  return writers.toReversed()
}

/** The session that wrote the first frame of the log: the chain of hashes begins with its id. */
export const firstWriter = (id: string, frames: readonly Frame[]): string =>
  frames.map(forkIn).find((fork) => fork !== undefined)?.from ?? id
