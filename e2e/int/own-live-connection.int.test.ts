// Deltas over a connection of their own: what happens to it happens to deltas alone.
import { connectBroker } from '@reins/broker'
import { type Delta, emptyHead, type Head, makeUlid, type SessionEvent, toLog } from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { expect, onTestFinished, test } from 'vitest'
import { NatsProxy } from '../harness/nats-proxy.ts'
import { eventually, testServers } from './servers.ts'

const delta = (offset: number): Delta => ({ call: 'c', attempt: 1, block: 0, kind: 'text', offset, text: 'x' })

async function world() {
  const servers = await testServers({ postgres: false })
  onTestFinished(() => servers.close())
  const url = new URL(servers.natsUrl)
  const proxy = await NatsProxy.open(Number(url.port))
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const live = await connectBroker({ url: url.href, name: 'deltas', echo: false })
  onTestFinished(() => live.close())
  const options = { replicas: 1, ackWaitMs: 1000, now: systemClock.now } as const
  const journal = await openJournal(await servers.broker('reader'), { ...options, live })
  const other = await openJournal(await servers.broker('other'), options)
  return { proxy, live, journal, other, session: makeUlid(1_700_000_000_000, Math.random) }
}

async function append({ sessions }: Journal, session: string, on: Head): Promise<Head> {
  const renamed: SessionEvent = { type: 'session.renamed', data: { title: `${on.n}` } }
  const draft = {
    ...{ id: `f${on.n}`, n: on.n + 1, prev: on.seq, at: 1, by: 'test', role: 'g' as const },
    ...{ needs: 1, status: 'idle' as const, pool: 'default', events: [renamed] },
  }
  const outcome = await sessions.append(session, draft, toLog, on.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
  return outcome.head
}

test('while it is cut, frames are appended and heard; afterwards deltas are heard again, and the lost ones are still kept', async () => {
  const { proxy, live, journal, other, session } = await world()
  const frames: number[] = []
  const offsets: number[] = []
  let reconnected = 0
  const subscriptions = [
    journal.feed.frames(session, ({ frame }) => frames.push(frame.n)),
    journal.feed.deltas(session, (one) => offsets.push(one.delta.offset)),
    journal.feed.onDeltasReconnect(() => reconnected++),
    journal.feed.onReconnect(() => frames.push(-1)),
  ]
  let head = await append(journal, session, emptyHead(session))
  // Heard once the server knows of the subscription.
  await live.nc.flush()
  other.feed.publishDelta(session, 'e', delta(0))
  await eventually(() => offsets.length === 1)
  proxy.cut()
  await eventually(() => !live.connected())
  head = await append(journal, session, head)
  await append(other, session, head)
  other.feed.publishDelta(session, 'e', delta(1))
  await eventually(() => frames.length === 3)
  expect(frames).toEqual([1, 2, 3])
  proxy.heal()
  await eventually(() => reconnected === 1)
  await live.nc.flush()
  other.feed.publishDelta(session, 'e', delta(2))
  await eventually(() => offsets.length === 2)
  expect(offsets).toEqual([0, 2])
  expect((await journal.feed.recentDeltas(session)).map((one) => one.delta.offset)).toEqual([0, 1, 2])
  for (const subscription of subscriptions) subscription.close()
})

test('who listens in the process that publishes hears each delta once, in order, of the session or the whole tree', async () => {
  const { live, journal, other, session } = await world()
  const child = `${session}-0123456789abcdef`
  const heard: string[] = []
  const subscriptions = [
    journal.feed.deltas(session, (one) => heard.push(`session ${one.delta.offset}`)),
    journal.feed.deltas({ tree: session }, (one) => heard.push(`tree ${one.delta.offset}`)),
  ]
  await live.nc.flush()
  journal.feed.publishDelta(session, 'e', delta(0))
  journal.feed.publishDelta(child, 'e', delta(1))
  await eventually(async () => (await other.feed.recentDeltas({ tree: session })).length === 2)
  other.feed.publishDelta(session, 'e', delta(2))
  await eventually(() => heard.filter((one) => one.endsWith('2')).length === 2)
  expect(heard.filter((one) => one.startsWith('session'))).toEqual(['session 0', 'session 2'])
  expect(heard.filter((one) => one.startsWith('tree'))).toEqual(['tree 0', 'tree 1', 'tree 2'])
  for (const subscription of subscriptions) subscription.close()
  journal.feed.publishDelta(session, 'e', delta(3))
  await Promise.resolve()
  expect(heard).toHaveLength(5)
})
