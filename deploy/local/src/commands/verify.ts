// `reins session verify`: the whole log of a session is read, and everything that must hold of it is checked here, not at the server.

import type { ReinsClient, Verified } from '@reins/cli'
import { type ApiFrame, decodeFrame, frameHeaders } from '@reins/contracts'
import { checkLog, type StoredFrame } from '@reins/session'

const page = 500

export async function verifySession(client: Pick<ReinsClient, 'sessions'>, session: string): Promise<Verified> {
  const stored: StoredFrame[] = []
  for (let after = 0, more = true; more; ) {
    const answer = await client.sessions.frames(session, { after, limit: page })
    stored.push(...answer.frames.map(storedFrame))
    after = answer.frames.at(-1)?.seq ?? after
    more = answer.more
  }
  const { problems } = checkLog(session, stored)
  return { ok: problems.length === 0, frames: stored.length, problems }
}

/** The frame as a reader of the broker would decode it: from its headers and its body. */
function storedFrame(frame: ApiFrame): StoredFrame {
  const { seq, role, id, n, prev, at, by, events: eventsJson } = frame
  const headers: Record<string, string> = {
    [frameHeaders.frame]: id,
    [frameHeaders.n]: String(n),
    [frameHeaders.hash]: frame.hash,
    [frameHeaders.needs]: String(frame.needs),
    [frameHeaders.status]: frame.status,
    [frameHeaders.pool]: frame.pool,
  }
  const body = `${JSON.stringify({ v: 1, id, n, prev, at, by }).slice(0, -1)},"events":${eventsJson}}`
  return { frame: decodeFrame({ seq, role, body, header: (name) => headers[name] ?? '' }), eventsJson }
}
