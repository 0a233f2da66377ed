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

/** Where the log of a fork changes its writer, in its order: all that is needed to read it frame by frame. */
export interface Lineage {
  readonly id: string
  /** `at`: which frame of the log begins a fork, counted from 0. */
  readonly forks: readonly { readonly at: number; readonly from: string }[]
}

export const lineageOf = (id: string, frames: readonly Frame[]): Lineage => ({
  id,
  forks: frames.flatMap((frame, at) => {
    const fork = forkIn(frame)
    return fork ? [{ at, from: fork.from }] : []
  }),
})

/** The session that wrote a frame of the log, which is counted from 0. */
export const writerAt = ({ id, forks }: Lineage, at: number): string => forks.find((fork) => fork.at > at)?.from ?? id

/** The session that wrote the first frame of the log: the chain of hashes begins with its id. */
export const firstWriter = ({ id, forks }: Lineage): string => forks[0]?.from ?? id
