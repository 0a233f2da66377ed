// A session goes on with the version that its agent has now. Planned in libs/session on the fold of the session itself.
//   UP1. It happens when somebody asks for it, and in no other way: a session keeps the version that it began with.
//   UP2. What the agent is now is found out before the append; the plan stands on the head of the fold that it was made on.
//   UP3. A dry run goes the same way, to the append, and appends nothing.
import {
  encodeCursor,
  type Head,
  isSessionId,
  poolKey,
  affinityOf,
  ReinsError,
  SessionUpgraded,
  toLog,
  type UpgradeSession,
} from '@reins/contracts'
import { comingDigest, noPrice, planUpgrade, type Session, type UpgradePlan } from '@reins/session'
import type { Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { type Outcome, refused } from '../outcomes.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import { type Appender, notFound } from '../writes/appender.ts'
import type { Decided } from './decisions.ts'
import { agentFor, type NewSessionParts, startOf } from './new-session.ts'
import { receipts, type SessionWrites, type WriteOptions } from './session-writes.ts'

export interface UpgradeParts extends NewSessionParts {
  readonly writes: SessionWrites
  readonly folds: SessionFolds
  readonly appender: Appender
}

export class Upgrades {
  readonly #parts: UpgradeParts
  constructor(parts: UpgradeParts) {
    this.#parts = parts
  }

  /** Unchanged: a dry run, or the session has that version already. */
  upgrade(
    caller: Caller,
    session: string,
    request: UpgradeSession,
    options: WriteOptions = {},
  ): Promise<Outcome<SessionUpgraded>> {
    const { writes, appender } = this.#parts
    return writes.write(caller, operations.upgradeSession, { session }, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      const on = await appender.existing(session)
      let found: Planned
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/upgrade`, body: request, receiptOf: sessionUpgraded, on },
        prepare: async () => {
          const plan = await this.#planning(session, on.head, caller.principal)
          found = await plan(on.head)
          return async (head: Head): Promise<Decided> => {
            if (head.seq === 0) return refused(notFound(session))
            if (head.status === 'ended') return refused(new ReinsError('session_ended'))
            found = await plan(head)
            return request.dry_run === true ? { kind: 'unchanged' } : decidedOn(found, head, request.force === true)
          }
        },
        settle: async (_ids, done) => {
          const upgraded = done.kind === 'appended'
          const { seq, n, status } = upgraded ? done.frame : done.head
          const cursor = encodeCursor({ of: session, tree: false, seq, n, i: -1 })
          const { from, to, changes, breaks, obstacles } = found
          const said = { from, to, changes: [...changes], breaks: [...breaks], obstacles: [...obstacles] }
          return {
            kind: upgraded ? 'accepted' : 'unchanged',
            receipt: { id: session, status, upgraded, ...said, cursor },
          }
        },
      }
    })
  }

  /** UP2. */
  async #planning(id: string, { seq }: Head, by: string): Promise<(head: Head) => Promise<Planned>> {
    const { registry, priceOf } = this.#parts
    const { born } = await this.#sessionAt(id, seq)
    if (!born) throw notFound(id)
    const found = await agentFor(this.#parts, { agent: born.agent, id: born.instance ?? id, by })
    const { start, pools } = await startOf(this.#parts, found, born.agent, born.principal ?? by)
    await pools()
    const pool = poolKey(affinityOf(found.definition))
    return async (head) => {
      const session = await this.#sessionAt(id, head.seq)
      const digest = comingDigest(session) ?? ''
      const ends = {
        from: { digest, ...(session.code === undefined ? {} : { build: session.code.build }) },
        to: { digest: found.digest, ...(found.code === undefined ? {} : { build: found.code.build }) },
      }
      if (digest === found.digest && session.code?.digest === found.code?.digest)
        return { ...ends, changes: [], breaks: [], obstacles: [], events: [] }
      const before = await registry.version(digest)
      if (!before) throw new ReinsError('unavailable', `The definition ${digest} of the session cannot be read now.`)
      const plan = planUpgrade(session, before, start)
      const { model } = found.definition
      const unpriced = session.budget?.limits.usd !== undefined && priceOf !== undefined && priceOf(model) === undefined
      const more = [
        ...(pool === born.pools.executor ? [] : ['Its executors have other labels than the new version asks for.']),
        ...(unpriced ? [noPrice(model)] : []),
      ]
      return { ...ends, ...plan, obstacles: [...plan.obstacles, ...more] }
    }
  }

  async #sessionAt(id: string, least: number): Promise<Session> {
    return (await this.#parts.folds.toDecide(id, least)).session
  }
}

interface Planned extends UpgradePlan, Pick<SessionUpgraded, 'from' | 'to'> {}

function decidedOn({ changes: _, breaks, obstacles, events }: Planned, head: Head, force: boolean): Decided {
  if (obstacles.length > 0)
    return refused(
      new ReinsError('session_conflict', `The session keeps the version that it has: ${obstacles.join(' ')}`, {
        details: { obstacles },
      }),
    )
  if (breaks.length > 0 && !force)
    return refused(
      new ReinsError(
        'session_conflict',
        `The session was not upgraded, since something would break: ${breaks.join(' ')}`,
        {
          details: { breaks },
          next: 'Where that is right, upgrade it all the same: reins session upgrade --force',
        },
      ),
    )
  return events.length === 0
    ? { kind: 'unchanged' }
    : { kind: 'append', decision: { events, to: toLog, status: head.status } }
}

const sessionUpgraded = receipts(SessionUpgraded)
