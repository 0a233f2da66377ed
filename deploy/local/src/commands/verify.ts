// `reins session verify`: the whole log of a session is read, and everything that must hold of it is checked here, not at the server.

import type { ReinsClient, Verified, VerifyOptions } from '@reins/cli'
import type { Seals } from '@reins/contracts'
import { checkLog, decisionsIn, erasedBy, erasedIn, type StoredFrame, storedFrameOf } from '@reins/session'
import { publicKeyIn, sealsIn, signatureCheck } from '../data/signing-key.ts'
import { checkFrameSeals } from './frame-seals.ts'

const page = 500

/** All that a check asks a server for. */
export interface ReadsFrames {
  readonly sessions: Pick<ReinsClient['sessions'], 'frames'>
}

/** `dataDir`: of this machine, whose gateway's public key is known by that. */
export const verifierWith =
  (dataDir: string) =>
  (client: ReadsFrames, session: string, { keys }: VerifyOptions): Promise<Verified> => {
    const own = publicKeyIn(dataDir)
    return verifySession(client, session, own === undefined ? keys : [own, ...keys], sealsIn(dataDir, []))
  }

async function verifySession(
  client: ReadsFrames,
  session: string,
  keys: readonly string[],
  seals: Seals,
): Promise<Verified> {
  const check = signatureCheck(keys)
  const stored: StoredFrame[] = []
  for (let after = 0, more = true; more; ) {
    const answer = await client.sessions.frames(session, { after, limit: page })
    stored.push(...answer.frames.map((frame) => storedFrameOf(session, frame)))
    after = answer.frames.at(-1)?.seq ?? after
    more = answer.more
  }
  const decisions = decisionsIn(session, stored, check)
  const wrong = decisions.flatMap(({ n, call, problem }) =>
    problem === undefined ? [] : [`${session}#${n}: the decision about ${call}: ${problem}`],
  )
  const { sealed, problems: forged } = checkFrameSeals(session, stored, seals)
  const problems = [...checkLog(session, stored).problems, ...wrong, ...forged]
  const [first] = stored
  const order = first && erasedIn(first.frame)
  return {
    ...{ ok: problems.length === 0, frames: stored.length, sealed, problems, decisions },
    ...(first && order ? { erased: erasedBy(order, first.frame) } : {}),
  }
}
