// One session goes to the archive: decided in libs/session (archival.ts), written and checked in libs/journal (archivist.ts). Here it is got in.
//   AS1. The object is whole before the frame that names it is appended, on the head that was looked at. A message that comes meanwhile
//        wins: the frame is refused, and the object is dropped. Two processes write two objects, and one frame is in.
//   AS2. What may be taken out follows from that frame alone (take-out.ts).
import { draftOn, eventsJsonOf, makeShortId } from '@reins/contracts'
import type { Archivist, SessionLog } from '@reins/journal'
import type { Clock, PausePoint } from '@reins/service'
import { archivedAs, archivedIn, brokenLink, emptyFold, foldFrames, mayArchive } from '@reins/session'

export interface ArchiveOptions {
  readonly sessions: SessionLog
  readonly archivist: Archivist
  readonly clock: Clock
  /** This process's name in the frames' `by`. */
  readonly instance: string
  /** How long a session has to be at rest. ms */
  readonly afterMs: number
  readonly pauseAt?: PausePoint
}

export type ArchiveOutcome =
  | { readonly kind: 'archived'; readonly frames: number; readonly bytes: number }
  /** As long as nothing is appended to it. */
  | { readonly kind: 'stays'; readonly broken?: string }
  /** Something was appended meanwhile. */
  | { readonly kind: 'overtaken' }

export async function archiveSession(
  { sessions, archivist, clock, instance, afterMs, pauseAt = async () => {} }: ArchiveOptions,
  session: string,
  signal?: AbortSignal,
): Promise<ArchiveOutcome> {
  const frames = await sessions.read(session)
  const last = frames.at(-1)
  if (!last || archivedIn(last)) return { kind: 'stays' }
  const fold = foldFrames(emptyFold(session), frames)
  if (!mayArchive(fold, last, { ms: clock.now() - last.at, afterMs })) return { kind: 'stays' }
  const broken = brokenLink(
    session,
    frames.map((frame) => ({ frame, eventsJson: eventsJsonOf(frame) })),
  )
  if (broken) return { kind: 'stays', broken: `frame ${broken.n} does not fit the one before it` }
  const { head } = fold
  await pauseAt('memory.archive-read')
  const stored = await archivist.store(session, head, makeShortId(clock.random))
  if (!stored) return { kind: 'overtaken' }
  await pauseAt('memory.archive-stored')
  const decision = archivedAs(head, stored)
  const draft = draftOn(
    head,
    { frame: makeShortId(clock.random), by: instance, role: 'm' },
    { ...decision, at: clock.now() },
  )
  const outcome = await sessions.append(session, draft, decision.to, head.hash, signal)
  await pauseAt('memory.archive-appended')
  if (outcome.kind === 'appended') return { kind: 'archived', frames: stored.frames, bytes: stored.bytes }
  await archivist.drop(stored.object)
  return { kind: 'overtaken' }
}
