// Where the answers and tools that are being made begin: read backwards from the newest frames, so that joining a running answer costs
// as much in a session of 15,000 frames as in one of ten.
//   OT1. It ends at a frame from which on all that is open is told: one at rest, or one that begins the first attempt of a model call,
//        which nothing begins while anything else of the turn is open.
//   OT2. Frames have no gap and each names the one before it: the last ones are read one by one. Only beyond some of them whole pages
//        are read, from about as far back as the frames lie apart; what is read in vain is bounded by what is found.
//   OT3. Of a tree: from the root down, along the delegations that are open. What works below a session that does not wait for it is
//        found when its next frame comes.
import { type Frame, knownEvents } from '@reins/contracts'
import type { SessionFrame, SessionLog } from '@reins/journal'
import { atRest } from './recent-frames.ts'

const maxSteps = 16
const firstPage = 64
const largestPage = 1024

/** OT1 */
export const tellsWhatIsOpen = (frame: Frame): boolean =>
  atRest(frame) ||
  knownEvents(frame).some(
    (event) =>
      (event.type === 'model-call.started' && event.data.attempt === 1) ||
      // What was open where it was forked is not the fork's.
      event.type === 'session.forked',
  )

/** The frames before `first`, in order, from the last one on that tells what is open. */
export async function backToOpen(
  sessions: Pick<SessionLog, 'read' | 'frameAt'>,
  session: string,
  first: Frame,
): Promise<readonly Frame[]> {
  const older: Frame[] = []
  let next = first
  while (older.length < maxSteps) {
    if (next.n <= 1) return older
    const frame = await sessions.frameAt(session, next.prev)
    // In a stream that was moved, a frame is not where the one after it says.
    if (frame?.n !== next.n - 1) break
    older.unshift(frame)
    if (tellsWhatIsOpen(frame)) return older
    next = frame
  }
  // How many sequences lie between two of its frames: other sessions' frames are there too.
  let apart = older.length > 0 ? (first.seq - next.seq) / older.length : first.seq / first.n
  for (let wanted = firstPage; ; wanted = Math.min(wanted * 2, largestPage)) {
    const from = Math.max(0, Math.floor(next.seq - 1 - apart * wanted))
    const page = await between(sessions, session, from, next.seq)
    const at = page.findLastIndex(tellsWhatIsOpen)
    older.unshift(...page.slice(Math.max(at, 0)))
    if (at >= 0 || from === 0) return older
    next = page[0] ?? next
    if (page.length < wanted / 2) apart *= 2
  }
}

/** Its frames with sequences above `after` and below `end`. */
async function between(
  sessions: Pick<SessionLog, 'read'>,
  session: string,
  after: number,
  end: number,
): Promise<readonly Frame[]> {
  const found: Frame[] = []
  for (let from = after; ; ) {
    const page = await sessions.read(session, { after: from, limit: firstPage })
    for (const frame of page) if (frame.seq < end) found.push(frame)
    from = page.at(-1)?.seq ?? from
    if (page.length < firstPage || from >= end - 1) return found
  }
}

/** OT3: of each session of a tree that works or is waited for, the frames up to a sequence that tell what is open in it; in their order. */
export async function openTurnsOf(
  sessions: Pick<SessionLog, 'read' | 'frameAt' | 'head'>,
  root: string,
  upTo: number,
): Promise<readonly SessionFrame[]> {
  const found: SessionFrame[] = []
  const wanted = new Set([root])
  for (const session of wanted) {
    const frames = await openTurnOf(sessions, session, upTo)
    for (const frame of frames) found.push({ session, frame })
    for (const child of askedIn(frames)) wanted.add(child)
  }
  return found.sort((a, b) => a.frame.seq - b.frame.seq)
}

async function openTurnOf(
  sessions: Pick<SessionLog, 'read' | 'frameAt' | 'head'>,
  session: string,
  upTo: number,
): Promise<readonly Frame[]> {
  const head = await sessions.head(session)
  const last = head.seq > 0 ? await sessions.frameAt(session, head.seq) : undefined
  if (!last) return []
  const frames = tellsWhatIsOpen(last) ? [last] : [...(await backToOpen(sessions, session, last)), last]
  return frames.filter(({ seq }) => seq <= upTo)
}

/** Those that are waited for: each is in the latest answer, or it is settled. */
function askedIn(frames: readonly Frame[]): readonly string[] {
  const children = new Set<string>()
  for (const frame of frames)
    for (const event of knownEvents(frame)) {
      if (event.type === 'delegation.requested' || event.type === 'delegation.resumed') children.add(event.data.child)
      if (event.type === 'delegation.settled' || event.type === 'delegation.paused') children.delete(event.data.child)
    }
  return [...children]
}
