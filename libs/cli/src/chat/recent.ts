// Of a session that is opened again: its last turns, and what to do to see the others.
import type { Piece } from './transcript.ts'

const turnsShown = 3

export function recentPieces(pieces: readonly Piece[], session: string): Piece[] {
  const messages = pieces.flatMap((piece, index) => (piece.kind === 'message' ? [index] : []))
  const first = messages.at(-turnsShown)
  if (first === undefined || messages.length <= turnsShown) return [...pieces]
  const earlier = messages.length - turnsShown
  const text = `… ${earlier} earlier ${earlier === 1 ? 'message' : 'messages'}: reins session replay ${session}`
  return [{ kind: 'notice', level: 'info', text }, ...pieces.slice(first)]
}
