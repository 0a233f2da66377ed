// `reins session verify`: the whole log of a session is read, and everything that must hold of it is checked here, not at the server.
//   VF1. It is read page by page, and no page is kept: what is held is the folded state, as an executor has it, and what is found.
//        Of a fork, where its writers change is needed before its first frame is checked, so what stands before it is read twice.
import type { ReinsClient, Verified, VerifyOptions } from '@reins/cli'
import type { Seals } from '@reins/contracts'
import {
  DecisionCheck,
  type DecisionInLog,
  erasedBy,
  erasedIn,
  forkIn,
  type Lineage,
  LogCheck,
  type StoredFrame,
  storedFrameOf,
} from '@reins/session'
import { publicKeyIn, sealsIn, signatureCheck } from '../data/signing-key.ts'
import { FrameSeals } from './frame-seals.ts'

const pageSize = 500
/** Of a log that is not what was written, each frame may be wrong. */
const mostProblems = 1000

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
  const lineage = await lineageIn(client, session)
  const log = new LogCheck(lineage)
  const approvals = new DecisionCheck(lineage, signatureCheck(keys))
  const sealed = new FrameSeals(session, seals)
  const decisions: DecisionInLog[] = []
  const found: string[] = []
  let frames = 0
  let erased: Verified['erased']
  for await (const stored of framesOf(client, session)) {
    const { frame } = stored
    const order = frames++ === 0 ? erasedIn(frame) : undefined
    if (order) erased = erasedBy(order, frame)
    log.add(stored)
    for (const decision of approvals.add(stored)) {
      decisions.push(decision)
      const { n, call, problem } = decision
      if (problem !== undefined) found.push(`${session}#${n}: the decision about ${call}: ${problem}`)
    }
    const forged = sealed.add(stored)
    if (forged !== undefined) found.push(forged)
  }
  const all = [...log.result().problems, ...found]
  const more = all.length - mostProblems
  const problems = more > 0 ? [...all.slice(0, mostProblems), `${session}: and ${more} more like these`] : all
  return {
    ...{ ok: all.length === 0, frames, sealed: sealed.sealed, problems, decisions },
    ...(erased ? { erased } : {}),
  }
}

async function* framesOf(client: ReadsFrames, session: string): AsyncGenerator<StoredFrame> {
  for (let after = 0, more = true; more; ) {
    const answer = await client.sessions.frames(session, { after, limit: pageSize })
    for (const frame of answer.frames) yield storedFrameOf(session, frame)
    after = answer.frames.at(-1)?.seq ?? after
    more = answer.more && answer.frames.length > 0
  }
}

/** VF1. Only what was written before a session was forked has a place below 1: a fork begins with its own first frame, and nowhere behind. */
async function lineageIn(client: ReadsFrames, session: string): Promise<Lineage> {
  const forks: Lineage['forks'][number][] = []
  let at = 0
  for await (const { frame } of framesOf(client, session)) {
    const fork = forkIn(frame)
    if (fork) forks.push({ at, from: fork.from })
    at++
    if (frame.seq >= 1) break
  }
  return { id: session, forks }
}
