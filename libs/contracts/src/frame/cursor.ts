// A cursor: a place in a session (or a tree), the same over every transport. Opaque to clients; n is the truth, seq a hint.
// A cursor stands *after* event `i` of frame `n`; inside an answer that is being written it also names how far that has been read.

export interface Within {
  readonly call: string
  readonly attempt: number
  readonly block: number
  /** UTF-16 units of the block that have been read. */
  readonly offset: number
}

export interface Cursor {
  /** The session, or the root whose tree is read. */
  readonly of: string
  readonly tree: boolean
  readonly seq: number
  readonly n: number
  readonly i: number
  readonly within?: Within
}

/** Before the first event. */
export const startCursor = (of: string, tree = false): Cursor => ({ of, tree, seq: 0, n: 0, i: -1 })

export function encodeCursor(cursor: Cursor): string {
  const { of, tree, seq, n, i, within } = cursor
  const parts: (string | number)[] = [tree ? `${of}*` : of, seq, n, i]
  if (within) parts.push(within.call, within.attempt, within.block, within.offset)
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

const isCount = (value: unknown, least = 0): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least

/** undefined: not a cursor that this product made. */
export function decodeCursor(text: string): Cursor | undefined {
  if (text.length > 512 || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || (parts.length !== 4 && parts.length !== 8)) return undefined
  const [of, seq, n, i, call, attempt, block, offset] = parts as unknown[]
  if (typeof of !== 'string' || !isCount(seq) || !isCount(n) || !isCount(i, -1)) return undefined
  const base = { of: of.replace(/\*$/, ''), tree: of.endsWith('*'), seq, n, i }
  if (parts.length === 4) return base
  if (typeof call !== 'string' || !isCount(attempt, 1) || !isCount(block) || !isCount(offset)) return undefined
  return { ...base, within: { call, attempt, block, offset } }
}
