// A session that is opened again: what happened before, and of that its last turns.
import type { ReinsClient } from '../../client-port.ts'
import { allEvents } from '../../event-pages.ts'
import { follow } from './transcript.ts'
import { newTranscript, type Piece, type Transcript } from './transcript-state.ts'

const turnsShown = 3

export interface Past {
  readonly transcript: Transcript
  readonly pieces: readonly Piece[]
  /** Where reading goes on. */
  readonly cursor: string | undefined
}

export async function readPast(client: ReinsClient, session: string, signal: AbortSignal): Promise<Past> {
  const pieces: Piece[] = []
  let transcript = newTranscript
  let cursor: string | undefined
  for await (const page of allEvents(client, session, { signal })) {
    for (const event of page.events) {
      const followed = follow(transcript, event)
      transcript = followed.transcript
      pieces.push(...followed.pieces)
    }
    cursor = page.cursor
  }
  return { transcript, pieces: recentPieces(pieces, session), cursor }
}

/** The last turns, and what to do to see the others. */
function recentPieces(pieces: readonly Piece[], session: string): Piece[] {
  const messages = pieces.flatMap((piece, index) => (piece.kind === 'message' ? [index] : []))
  const first = messages.at(-turnsShown)
  if (first === undefined || messages.length <= turnsShown) return [...pieces]
  const earlier = messages.length - turnsShown
  const text = `… ${earlier} earlier ${earlier === 1 ? 'message' : 'messages'}: reins session replay ${session}`
  return [{ kind: 'notice', level: 'info', text }, ...pieces.slice(first)]
}
