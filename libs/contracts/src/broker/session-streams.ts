// The streams that hold the sessions. There is one, or there are four: then each holds the partitions that leave its number as the
// remainder. So a tree of sessions lies in one stream, in the one order of its sequences.
//   SS1. How many there are is fixed when they are made: their names say it, and nothing else needs to be asked. It changes once at most,
//        from one to four, and whoever holds the streams then sees the change in the same object.
//   SS2. A sequence is unique, and tells an order, within one stream only.
import { partitionOf, partitions, rootOf } from '../ids.ts'
import { allSessionsFilter, partitionFilter } from './subjects.ts'

export type SessionStreamCount = 1 | 4

/** One stream takes an append after the other. Several sync theirs side by side, and cost more of the processor. */
export const newSessionStreams: SessionStreamCount = 1

export interface SessionStreams {
  /** In order of their numbers. */
  readonly names: readonly string[]
  /** The name of the stream that holds a session, and all of its tree. */
  of(session: string): string
  /** Its place in `names`. */
  indexOf(session: string): number
}

const byCount: Readonly<Record<SessionStreamCount, readonly string[]>> = {
  1: ['SES'],
  4: ['SES-0', 'SES-1', 'SES-2', 'SES-3'],
}
/** Of one stream and of four. */
export const allSessionStreamNames: readonly string[] = Object.values(byCount).flat()

export function sessionStreamsOf(count: SessionStreamCount): SessionStreams {
  const names = byCount[count]
  const indexOf = (session: string): number => partitionOf(rootOf(session)) % count
  return { names, indexOf, of: (session) => names[indexOf(session)]! }
}

/** What can be told that the one stream was split, while processes work with it. */
export interface SplittableStreams extends SessionStreams {
  split(): void
}

/** Asks anew each time, so nobody may keep `names` for longer than it takes to use them. */
export function splittableStreams(count: SessionStreamCount): SplittableStreams {
  let now = sessionStreamsOf(count)
  return {
    get names() {
      return now.names
    },
    of: (session) => now.of(session),
    indexOf: (session) => now.indexOf(session),
    split: () => {
      now = sessionStreamsOf(4)
    },
  }
}

/** What the stream at that place takes. No two take the same. */
export const subjectsOfStream = (count: SessionStreamCount, index: number): readonly string[] =>
  count === 1
    ? [allSessionsFilter]
    : Array.from({ length: partitions / count }, (_, row) => partitionFilter(row * count + index))
