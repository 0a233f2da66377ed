// Folding frames, and checking the chain while folding. A malformed frame, or a break in the chain, quarantines (never throws).
import { emptyHead, type Frame, frameHash, type Head, headOf } from '@reins/contracts'
import { evolve } from './evolve.ts'
import { emptySession, type Session } from './session.ts'

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
    (frame.n !== fold.head.n + 1
      ? `frame ${frame.n} follows frame ${fold.head.n}`
      : frame.prev !== fold.head.seq
        ? `frame ${frame.n} was appended on sequence ${frame.prev}, not on ${fold.head.seq}`
        : undefined)
  if (fault) {
    const reason = `frame ${frame.n} (sequence ${frame.seq}) is malformed: ${fault}`
    return { head, session: { ...fold.session, mode: { kind: 'quarantined', reason, frame: frame.n } } }
  }
  return { head, session: frame.events.reduce((session, event) => evolve(session, event, frame), fold.session) }
}

export const foldFrames = (fold: Fold, frames: readonly Frame[]): Fold => frames.reduce(foldFrame, fold)

/** The first frame whose hash is not that of its content on top of the one before; `eventsJson` gives the bytes as they were written. */
export function brokenLink(
  id: string,
  frames: readonly { readonly frame: Frame; readonly eventsJson: string }[],
): Frame | null {
  let previous = emptyHead(id).hash
  for (const { frame, eventsJson } of frames) {
    if (frameHash(previous, frame, eventsJson) !== frame.hash) return frame
    previous = frame.hash
  }
  return null
}
