// Folding frames, and checking the chain while folding. A malformed frame, or a break in the chain, quarantines (never throws).
// A frame that only a newer version understands breaks nothing: the head goes on, and the state says that it is incomplete (S5).
import { emptyHead, type Frame, frameHash, type Head, headOf, knownEvents } from '@reins/contracts'
import { firstWriter, forkIn, type Lineage, lineageOf } from '../fork/lineage.ts'
import { erasedIn } from '../lifecycle/erasure.ts'
import { emptySession, type Session } from '../session.ts'
import { evolve } from './evolve.ts'

/** A session together with the head that it was folded to. */
export interface Fold {
  readonly session: Session
  readonly head: Head
}

export const emptyFold = (id: string): Fold => ({ session: emptySession(id), head: emptyHead(id) })

/** Folds one frame on; a frame that is not newer changes nothing. */
export function foldFrame(fold: Fold, frame: Frame): Fold {
  if (frame.seq <= fold.head.seq) return fold
  const head = headOf(frame)
  const fault =
    frame.fault ??
    (erasedIn(frame)
      ? undefined // ER2
      : frame.n !== fold.head.n + 1
        ? `frame ${frame.n} follows frame ${fold.head.n}`
        : frame.prev !== fold.head.seq && !goesOn(frame, fold.head)
          ? `frame ${frame.n} was appended on sequence ${frame.prev}, not on ${fold.head.seq}`
          : undefined)
  if (fault !== undefined) {
    const reason = `frame ${frame.n} (sequence ${frame.seq}) is malformed: ${fault}`
    return { head, session: { ...fold.session, mode: { kind: 'quarantined', reason, frame: frame.n } } }
  }
  const session = frame.beyond === undefined ? fold.session : withBeyond(fold.session, frame.n, frame.beyond)
  return { head, session: knownEvents(frame).reduce((state, event) => evolve(state, event, frame), session) }
}

/** The first frame of a fork, behind the frame that it names. */
const goesOn = (frame: Frame, head: Head): boolean => forkIn(frame)?.hash === head.hash

const withBeyond = (session: Session, n: number, why: string): Session =>
  session.beyond ? session : { ...session, beyond: { n, why } }

export const foldFrames = (fold: Fold, frames: readonly Frame[]): Fold => frames.reduce(foldFrame, fold)

/** The chain of hashes of one log, frame by frame from its first, whichever session that is of. */
export class Chain {
  readonly #lineage: Lineage
  #previous: string
  #at = 0

  constructor(lineage: Lineage) {
    this.#lineage = lineage
    this.#previous = emptyHead(firstWriter(lineage)).hash
  }

  /** Whether its hash is that of its content on top of the one before; `eventsJson` gives the bytes as they were written. */
  joins({ frame, eventsJson }: { readonly frame: Frame; readonly eventsJson: string }): boolean {
    const at = this.#at++
    const fork = forkIn(frame)
    const named = fork?.hash ?? erasedIn(frame)?.hash
    if (at === 0 && erasedIn(frame)) this.#previous = erasedIn(frame)?.hash ?? this.#previous // ER2
    const previous = this.#previous
    this.#previous = frame.hash
    if (fork && !this.#lineage.forks.some((one) => one.at === at)) return false
    return (named === undefined || named === previous) && frameHash(previous, frame, eventsJson) === frame.hash
  }
}

/** The first frame that does not join the one before it. */
export function brokenLink(
  id: string,
  frames: readonly { readonly frame: Frame; readonly eventsJson: string }[],
): Frame | null {
  const chain = new Chain(
    lineageOf(
      id,
      frames.map(({ frame }) => frame),
    ),
  )
  return frames.find((one) => !chain.joins(one))?.frame ?? null
}
