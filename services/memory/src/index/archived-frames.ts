// What the stream holds no more, read for the index where it meets a frame behind it: a rebuild, or an index that lagged.
//   AF1. A frame names the sequence that it was appended on. Where the session's row does not account for that one, what lies between is
//        put before it. So a row is the same whether the index saw the frames in the stream or in the archive.
//   AF2. What cannot be read there, for another reason than that nobody answers, leaves the row without it, and nothing else stops.
import { BrokerUnavailable } from '@reins/broker'
import type { Frame } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import type { SessionRow } from './session-row.ts'
import type { StoredFrame } from './session-stream.ts'

/** The frames of a session behind a sequence. */
export type ArchivedBefore = (session: string, after: number) => Promise<readonly Frame[]>

export async function withArchived(
  news: readonly StoredFrame[],
  before: readonly Pick<SessionRow, 'id' | 'last_seq'>[],
  read: ArchivedBefore,
): Promise<readonly StoredFrame[]> {
  const known = new Map(before.map(({ id, last_seq: seq }) => [id, seq]))
  const whole: StoredFrame[] = []
  for (const one of news) {
    const { owner, frame } = one
    if (owner && frame) {
      const seq = known.get(owner.session) ?? 0
      if (frame.prev > seq)
        // What lies below 1 is another session's (a fork).
        for (const older of await read(owner.session, seq))
          if (older.seq >= 1 && older.seq < frame.seq) whole.push(asStored(one, older))
      known.set(owner.session, Math.max(seq, frame.seq))
    }
    whole.push(one)
  }
  return whole
}

const asStored = ({ stream, subject, owner }: StoredFrame, frame: Frame): StoredFrame => ({
  ...{ stream, subject, owner, frame },
  ...{ seq: frame.seq, previous: frame.seq - 1, storedAt: frame.at },
})

/** AF2. */
export async function readArchived(
  { sessions, log }: { readonly sessions: Pick<SessionLog, 'read'>; readonly log: Log },
  session: string,
  after: number,
): Promise<readonly Frame[]> {
  try {
    return await sessions.read(session, { after })
  } catch (error) {
    if (error instanceof BrokerUnavailable) throw error
    log.warn({ session, err: String(error) }, 'the list lacks what a session has in the archive')
    return []
  }
}
