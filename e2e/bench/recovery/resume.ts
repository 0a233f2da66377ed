// How long an executor takes to know a session that it has not in memory: the executor's own loading, on the product's server.

import { connectBroker } from '@reins/broker'
import {
  type Draft,
  emptyHead,
  type Head,
  makeShortId,
  makeUlid,
  noUsage,
  protocolVersion,
  type Role,
  type SessionEvent,
  type Status,
  toLog,
} from '@reins/contracts'
import { loadFold, writeSnapshot } from '@reins/executor'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { type Spread, spread } from '../report/numbers.ts'
import type { Product } from '../product/product.ts'

export interface Resume {
  readonly frames: number
  /** ms */
  readonly cold: Spread
  readonly fromSnapshot: Spread
}

const ackWaitMs = 5000
const text = 'A sentence of the length that people write to agents, and that agents answer to people. '

export async function measureResume(product: Product, sizes: readonly number[], times: number): Promise<Resume[]> {
  const broker = await connectBroker({ url: product.natsUrl(), name: 'bench resume' })
  try {
    const journal = await openJournal(broker, { replicas: 1, ackWaitMs, now: systemClock.now })
    const context = {
      sessions: journal.sessions,
      snapshots: journal.snapshots,
      reading: <T>(read: () => Promise<T>): Promise<T> => read(),
      report: (_session: string, error: unknown): void => {
        throw error
      },
    }
    const results: Resume[] = []
    for (const frames of sizes) {
      const session = await writeSession(journal, frames)
      const load = async (): Promise<number[]> => {
        const samples: number[] = []
        for (let i = 0; i < times; i++) {
          const from = performance.now()
          const fold = await loadFold(context, session)
          samples.push(performance.now() - from)
          if (fold.head.n !== frames) throw new Error(`${fold.head.n} of ${frames} frames were loaded`)
        }
        return samples
      }
      const cold = await load()
      await writeSnapshot(context, await loadFold(context, session))
      results.push({ frames, cold: spread(cold), fromSnapshot: spread(await load()) })
    }
    return results
  } finally {
    await broker.close()
  }
}

/** Plain turns, three frames each; nobody is asked to act on them. */
async function writeSession(journal: Journal, frames: number): Promise<string> {
  const { now, random } = systemClock
  const session = makeUlid(now(), random)
  let head: Head = emptyHead(session)
  const append = async (role: Role, status: Status, events: readonly SessionEvent[]): Promise<void> => {
    const draft: Draft = {
      ...{
        id: makeShortId(random),
        n: head.n + 1,
        prev: head.seq,
        at: now(),
        by: role === 'g' ? 'user:bench' : 'bench',
      },
      ...{ role, needs: protocolVersion, status, pool: 'bench', events },
    }
    const outcome = await journal.sessions.append(session, draft, toLog, head.hash)
    if (outcome.kind !== 'appended') throw new Error('a frame of the benchmark was refused')
    head = outcome.head
  }
  await append('g', 'idle', [
    {
      type: 'session.started',
      data: {
        ...{ agent: 'bench', digest: 'bench', model: 'bench/assistant', pools: { executor: 'bench', tools: 'bench' } },
        ...{ limits: { maxToolCalls: 10 }, tools: {} },
      },
    },
  ])
  for (let turn = 0; head.n < frames; turn++) {
    const [message, id, call] = [`m${turn}`, `t${turn}`, `c${turn}`]
    await append('g', 'idle', [
      { type: 'message.received', data: { message, content: [{ type: 'text', text }], onBusy: 'queue' } },
    ])
    if (head.n >= frames) break
    await append('e', 'running', [
      { type: 'turn.started', data: { turn: id, messages: [message] } },
      { type: 'model-call.started', data: { call, attempt: 1, turn: id, model: 'bench/assistant' } },
    ])
    if (head.n >= frames) break
    await append('e', 'idle', [
      {
        type: 'model-call.completed',
        data: { call, attempt: 1, content: [{ type: 'text', text }], usage: noUsage, finish: 'stop' },
      },
      { type: 'turn.completed', data: { turn: id, call, usage: noUsage, reason: 'answered' } },
    ])
  }
  return session
}
