// What a client may hand in as a cursor: checked against the log before anything is read from it.
//   C1. n is the truth, seq a hint: after a move of the stream the frame is found by its n.
//   C2. A copy of the stream that is behind knows nothing of what was shown from another one: that a cursor lies beyond the end, the
//       leader alone may say.
import {
  type Cursor,
  decodeCursor,
  everyEvent,
  type Frame,
  isChild,
  isSessionId,
  ReinsError,
  rootOf,
  startCursor,
} from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { View } from './views.ts'

const pageSize = 256

/** Throws invalid_cursor, naming what is wrong. Without a text: before the first event. The session must exist. */
export async function resolveCursor(sessions: SessionLog, view: View, text: string | undefined): Promise<Cursor> {
  if (text === undefined) return startCursor(view.of, view.tree)
  const cursor = decodeCursor(text)
  if (!cursor) throw invalid('it is none that this server made')
  if (cursor.of !== view.of) throw invalid('it is of another session')
  if (cursor.tree !== view.tree)
    throw invalid(
      cursor.tree ? 'it is of the whole tree (read with tree=true)' : 'it is of the session, not of its tree',
    )
  if (cursor.n === 0) return startCursor(view.of, view.tree)
  const find = view.tree ? inTree : inSession
  const frame = (await find(sessions, cursor, false)) ?? (await find(sessions, cursor, true)) // C2
  if (!frame || cursor.i >= Math.max(everyEvent(frame).length, 1)) throw invalid('it lies beyond the end')
  return { ...cursor, seq: frame.seq }
}

async function inSession(sessions: SessionLog, { of, seq, n }: Cursor, leader: boolean): Promise<Frame | undefined> {
  if (seq > 0) {
    // The leader is not asked by a place of before a fork, which is below 1.
    const [frame] =
      leader && seq >= 1
        ? await sessions.read(of, { after: seq - 1, limit: 1, leader })
        : [await sessions.frameAt(of, seq)]
    if (frame?.n === n) return frame
  }
  const head = await sessions.head(of, { leader })
  if (n > head.n) return undefined
  for (let after = 0; ; ) {
    const page = await sessions.read(of, { after, limit: pageSize, leader }) // C1
    const found = page.find((frame) => frame.n === n)
    after = page.at(-1)?.seq ?? after
    if (found || page.length < pageSize) return found
  }
}

async function inTree(sessions: SessionLog, cursor: Cursor, leader: boolean): Promise<Frame | undefined> {
  const { of, seq, n, session } = cursor
  if (session !== undefined && (!isSessionId(session) || rootOf(session) !== of)) return undefined
  // An older cursor does not say whose frame it is: only the sequence tells.
  // A place below 1 is of before a fork: of its root.
  const [first] = seq >= 1 ? await sessions.readTree(of, { after: seq - 1, limit: 1, leader }) : []
  if (first?.frame.seq === seq && first.frame.n === n && (session ?? first.session) === first.session)
    return first.frame
  return inSession(sessions, { ...cursor, of: session ?? of }, leader)
}

/** Throws invalid_request for the tree of a session that is no root. */
export function viewOf(session: string, tree: boolean): View {
  if (tree && isChild(session))
    throw new ReinsError(
      'invalid_request',
      `tree=true reads a tree from its root, and ${session.slice(0, 128)} is not a root. Ask for ${rootOf(session)}.`,
    )
  return { of: session, tree }
}

const invalid = (why: string): ReinsError => new ReinsError('invalid_cursor', `The cursor is not valid: ${why}.`)
