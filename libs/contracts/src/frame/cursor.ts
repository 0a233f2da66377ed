// A cursor: a place in a session (or a tree), the same over every transport. Opaque to clients; n is the truth, seq a hint.
// A cursor stands *after* event `i` of frame `n`; inside an answer that is being written it also names how far that has been read.
// That of a tree says whose frame n counts, and how far each of the answers has been read that are written side by side.

export interface Within {
  readonly call: string
  readonly attempt: number
  readonly block: number
  /** UTF-16 units of the block that have been read. */
  readonly offset: number
}

/** How far one of the answers of a tree has been read. */
export interface Place extends Within {
  readonly session: string
}

export interface Cursor {
  /** The session, or the root whose tree is read. */
  readonly of: string
  readonly tree: boolean
  readonly seq: number
  readonly n: number
  readonly i: number
  /** Of a session: the answer that it stands in. */
  readonly within?: Within
  /** Of a tree: the session whose frame it stands in. Absent: the root, or an older cursor, which does not say it. */
  readonly session?: string
  /** Of a tree: the answers that it stands in. */
  readonly places?: readonly Place[]
}

/** Of places in one cursor. What does not fit is told again from its beginning, with its offsets: that is no gap. */
export const maxPlaces = 40
export const maxCursorChars = 8192

/** Before the first event. */
export const startCursor = (of: string, tree = false): Cursor => ({ of, tree, seq: 0, n: 0, i: -1 })

export function encodeCursor(cursor: Cursor): string {
  const { of, tree, seq, n, i, within, session, places = [] } = cursor
  const parts: (string | number)[] = [tree ? `${of}*${session === undefined ? '' : below(session)}` : of, seq, n, i]
  if (!tree && within) parts.push(within.call, within.attempt, within.block, within.offset)
  if (tree)
    for (const { session: whose, call, attempt, block, offset } of places.slice(0, maxPlaces))
      parts.push(below(whose), call, attempt, block, offset)
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

const below = (session: string): string => session.slice(27)
const inTree = (root: string, rest: string): string => (rest === '' ? root : `${root}-${rest}`)

/** That of a frame which a fork has from another session lies below 1. */
const isPlace = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && (value < 1 || Number.isSafeInteger(value))
const isCount = (value: unknown, least = 0): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least

/** undefined: not a cursor that this product made. */
export function decodeCursor(text: string): Cursor | undefined {
  if (text.length > maxCursorChars || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || parts.length < 4) return undefined
  const [whose, seq, n, i, ...rest] = parts as unknown[]
  if (typeof whose !== 'string' || !isPlace(seq) || !isCount(n) || !isCount(i, -1)) return undefined
  const [of = '', child] = whose.split('*')
  if (child === undefined) {
    const within = rest.length === 0 ? undefined : withinOf(rest)
    return within === null ? undefined : { of, tree: false, seq, n, i, ...(within ? { within } : {}) }
  }
  const base = { of, tree: true, seq, n, i, ...(child === '' ? {} : { session: inTree(of, child) }) }
  // Of a process that knew one place only, and not whose it was: that answer is told again.
  if (rest.length === 4) return withinOf(rest) ? base : undefined
  const places = placesOf(of, rest)
  if (!places) return undefined
  return places.length === 0 ? base : { ...base, places }
}

/** null: it is none. */
function withinOf([call, attempt, block, offset, ...more]: readonly unknown[]): Within | null {
  if (typeof call !== 'string' || !isCount(attempt, 1) || !isCount(block) || !isCount(offset)) return null
  return more.length === 0 ? { call, attempt, block, offset } : null
}

function placesOf(root: string, parts: readonly unknown[]): Place[] | undefined {
  const places: Place[] = []
  for (let at = 0; at < parts.length; at += 5) {
    const [child, ...rest] = parts.slice(at, at + 5)
    const within = withinOf(rest)
    if (typeof child !== 'string' || !within || places.length === maxPlaces) return undefined
    places.push({ session: inTree(root, child), ...within })
  }
  return places
}
