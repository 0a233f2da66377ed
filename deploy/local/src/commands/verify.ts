// `reins session verify`: the whole log of a session is read, and everything that must hold of it is checked here, not at the server.

import type { ReinsClient, Verified, VerifyOptions } from '@reins/cli'
import { type ApiFrame, decodeFrame, frameHeaders } from '@reins/contracts'
import { checkLog, decisionsIn, type StoredFrame } from '@reins/session'
import { publicKeyIn, signatureCheck } from '../data/signing-key.ts'

const page = 500

/** `dataDir`: of this machine, whose gateway's public key is known by that. */
export const verifierWith =
  (dataDir: string) =>
  (client: Pick<ReinsClient, 'sessions'>, session: string, { keys }: VerifyOptions): Promise<Verified> => {
    const own = publicKeyIn(dataDir)
    return verifySession(client, session, own === undefined ? keys : [own, ...keys])
  }

async function verifySession(
  client: Pick<ReinsClient, 'sessions'>,
  session: string,
  keys: readonly string[],
): Promise<Verified> {
  const check = signatureCheck(keys)
  const stored: StoredFrame[] = []
  for (let after = 0, more = true; more; ) {
    const answer = await client.sessions.frames(session, { after, limit: page })
    stored.push(...answer.frames.map(storedFrame))
    after = answer.frames.at(-1)?.seq ?? after
    more = answer.more
  }
  const decisions = decisionsIn(session, stored, check)
  const wrong = decisions.flatMap(({ n, call, problem }) =>
    problem === undefined ? [] : [`${session}#${n}: the decision about ${call}: ${problem}`],
  )
  const problems = [...checkLog(session, stored).problems, ...wrong]
  return { ok: problems.length === 0, frames: stored.length, problems, decisions }
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
