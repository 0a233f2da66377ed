// The log of a session whose older frames lie in the archive: those frames, each at the sequence that it had, and then what the stream holds.
//   AR1. What lies in the archive is said by a frame of the session, `session.archived`, and by nothing else. It was appended like any
//        other, and only what stands before it is ever taken out of the stream. So heads and conditions are what they were.
//   AR2. Each frame names the sequence that it was appended on. A reading whose frames do not join in this way lacks what was taken
//        out, and only then is anything asked of the archive. What was taken out in part is read from there as a whole.
//        What people said stays in the stream, and is read from the archive where frames between it are.
//   AR3. A copy of the stream that is behind may have frames that are gone elsewhere, and never lacks more than it says: where the
//        archive begins is asked of the leader.
//   AR5. Of a tree, a session of which something cannot be read is left out as far as that goes, and named: it hides no other one.
//   AR6. A reading holds what it hands out and one object, whatever else the session or the tree has in the archive.
//   AR4. The log of a session that was erased begins with the frame that says so, also while what stood before it is being taken out.
import type { ReadOptions } from '@reins/broker'
import { type Frame, ReinsError } from '@reins/contracts'
import { archivedIn, erasedIn, fromErasure } from '@reins/session'
import type { SessionFrame, SessionLog, TreeReadOptions } from '../port.ts'

export interface ArchiveReader {
  /** The latest frame of a session that says where what is before it lies, and is right; undefined: there is none. */
  latest(session: string, options?: ReadOptions): Promise<Frame | undefined>
  /** That of each session of a tree, where one behind `after` is needed (AR5). */
  ofTree(root: string, options?: TreeReadOptions): Promise<readonly SessionFrame[]>
  /** The frames of the object that this frame names. Rejects where it is not there, or is not what the frame says. */
  frames(session: string, archived: Frame): Promise<readonly Frame[]>
  /** Nothing of it lies there any more: it is not named as one that cannot be read. */
  erased(session: string): void
}

type Raw = Omit<SessionLog, 'forkOf'>

export const unreadable = (why: string): ReinsError => new ReinsError('session_unreadable', why)
export const isUnreadable = (error: unknown): boolean =>
  error instanceof ReinsError && error.code === 'session_unreadable'

export function withArchive<Log extends Raw>(raw: Log, archive: ArchiveReader): Log {
  const read: Raw['read'] = async (session, options = {}) => {
    const { after = 0, limit = Number.POSITIVE_INFINITY } = options
    const found = await raw.read(session, options)
    const left = fromErasure(found) // AR4
    if (left[0] && erasedIn(left[0])) {
      archive.erased(session)
      return left
    }
    const gap = gapIn(found, after)
    if (!gap) return found
    const archived = await archive.latest(session, options)
    if (!archived) return found
    const older = await before(session, archived, { after, limit })
    const room = limit - older.length
    if (room <= 0) return older.slice(0, limit)
    const kept = found.filter(({ seq }) => seq >= archived.seq)
    if (kept.length > 0) return [...older, ...kept.slice(0, room)]
    const within = { ...options, after: archived.seq - 1, ...(Number.isFinite(room) ? { limit: room } : {}) }
    return [...older, ...(await raw.read(session, within))]
  }

  const readTree: Raw['readTree'] = async (root, options = {}) => {
    const { after = 0, limit = Number.POSITIVE_INFINITY } = options
    const found = leftOf(await raw.readTree(root, options))
    // Asked for after the frames, so it names whatever they lack.
    const archived = await archive.ofTree(root, options)
    const latest = new Map(archived.map((one) => [one.session, one.frame]))
    let all = found
    for (const [session, frame] of latest) {
      if (frame.prev <= after) continue
      const older = await before(session, frame, { after, limit }).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error
        options.onUnreadable?.(session) // AR5
        return []
      })
      if (older.length === 0) continue
      all = firstOf([...all, ...older.map((one) => ({ session, frame: one }))], limit)
    }
    return all
  }

  const frameAt: Raw['frameAt'] = async (session, seq) => {
    const found = await raw.frameAt(session, seq)
    if (found || seq < 1) return found // What is erased is on its way out.
    const archived = await archive.latest(session)
    if (!archived || archived.seq <= seq) return undefined
    return (await before(session, archived, { after: seq - 1, limit: 1 })).find((frame) => frame.seq === seq)
  }

  /** AR6: the first frames behind `after`, of those before this one, out of as many objects as it takes. */
  async function before(
    session: string,
    archived: Frame,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly Frame[]> {
    let found: readonly Frame[] = []
    for (let at: Frame | undefined = archived; at && at.prev > after; ) {
      const frames: readonly Frame[] = await archive.frames(session, at)
      found = [...frames.filter(({ seq }) => seq > after), ...found].slice(0, limit)
      const [first] = frames
      at = first && archivedIn(first) ? first : undefined
    }
    return found
  }

  return { ...raw, read, readTree, frameAt }
}

/** AR2: the first frame that does not join what is before it. What is no frame does not say where it joins. */
function gapIn(frames: readonly Frame[], after: number): Frame | undefined {
  let previous = after
  for (const frame of frames) {
    if (frame.prev > previous) return frame
    previous = frame.seq
  }
  return undefined
}

/** In the order of their sequences; what stands in the stream and in an object is one frame. */
const firstOf = (frames: readonly SessionFrame[], limit: number): readonly SessionFrame[] =>
  [...new Map(frames.map((one) => [one.frame.seq, one])).values()]
    .sort((a, b) => a.frame.seq - b.frame.seq)
    .slice(0, limit)

/** AR4, of each session. */
function leftOf(found: readonly SessionFrame[]): readonly SessionFrame[] {
  const erased = new Map(
    found.flatMap(({ session, frame }) => (erasedIn(frame) ? [[session, frame.seq] as const] : [])),
  )
  return erased.size === 0 ? found : found.filter(({ session, frame }) => frame.seq >= (erased.get(session) ?? 0))
}
