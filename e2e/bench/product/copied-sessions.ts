// Sessions without their turns: the frames of one that the product has made, appended again under new names, by the product's own journal.
// Nobody is asked to act on them, as nobody is on those of a session that waits.
import { connectBroker } from '@reins/broker'
import { emptyHead, type Frame, makeShortId, makeUlid, toLog } from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { many } from './many.ts'
import type { Product } from './product.ts'

const ackWaitMs = 5000
const atOnce = 64
const sayEvery = 50_000

/** The ids of so many sessions with the frames of `session`, in the order in which they were begun. */
export async function copySession(
  product: Product,
  session: string,
  copies: number,
  say: (line: string) => void = () => {},
): Promise<readonly string[]> {
  const broker = await connectBroker({ url: product.natsUrl(), name: 'bench copies' })
  try {
    const journal = await openJournal(broker, { replicas: 1, ackWaitMs, now: systemClock.now })
    const all = await journal.sessions.read(session)
    // What says where the frames of the first one lie is no other's.
    const frames = all.filter(({ events }) => !events.some(({ type }) => type === 'session.archived'))
    let made = 0
    return await many(copies, atOnce, async () => {
      const copy = await copyOf(journal, frames)
      if (++made % sayEvery === 0) say(`    ${made} of ${copies} sessions`)
      return copy
    })
  } finally {
    await broker.close()
  }
}

async function copyOf({ sessions }: Journal, frames: readonly Frame[]): Promise<string> {
  const { now, random } = systemClock
  const session = makeUlid(now(), random)
  let head = emptyHead(session)
  for (const { role, by, needs, status, pool, events } of frames) {
    const draft = { id: makeShortId(random), n: head.n + 1, prev: head.seq, at: now(), by, role, needs, status, pool }
    const outcome = await sessions.append(session, { ...draft, events }, toLog, head.hash)
    if (outcome.kind !== 'appended') throw new Error('a frame of the benchmark was refused')
    head = outcome.head
  }
  return session
}
