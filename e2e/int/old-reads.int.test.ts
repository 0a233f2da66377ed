// What reading an old session asks of the broker, in a stream that holds many others: counted, never timed.
import { type Broker, connectBroker } from '@reins/broker'
import { emptyHead, fieldsOf, type Head, jsonValue, makeUlid, type SessionEvent, toLog } from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { expect, onTestFinished, test } from 'vitest'
import { NatsProxy } from '../harness/nats-proxy.ts'
import { testServers } from './servers.ts'

const newSession = () => makeUlid(1_700_000_000_000, Math.random)

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

type Kind = 'last' | 'next' | 'batch' | 'by sequence'

/** Notes what each question of stored messages is, from now on. */
function noting(broker: Broker): () => Kind[] {
  const asked: Kind[] = []
  const note = (subject: string, payload: string | Uint8Array): void => {
    if (!subject.startsWith('$JS.API.DIRECT.GET.')) return
    const { last_by_subj, next_by_subj, batch } = fieldsOf(jsonValue(String(payload)))
    asked.push(last_by_subj ? 'last' : batch ? 'batch' : next_by_subj ? 'next' : 'by sequence')
  }
  const request = broker.request.bind(broker)
  const requestMany = broker.requestMany.bind(broker)
  broker.request = (subject, payload, options) => {
    note(subject, payload)
    return request(subject, payload, options)
  }
  broker.requestMany = (subject, payload, on, options) => {
    note(subject, payload)
    return requestMany(subject, payload, on, options)
  }
  return () => asked.splice(0)
}

async function world() {
  const servers = await testServers({ postgres: false })
  onTestFinished(() => servers.close())
  const options = { replicas: 1, ackWaitMs: 1000, now: systemClock.now } as const
  const appends = await servers.broker('appends')
  const reads = await servers.broker('reads')
  const journal = await openJournal(appends, { ...options, reads })
  /** Frames of other sessions, for which nobody waits but at the end. */
  const others = async (count: number): Promise<void> => {
    for (let from = 0; from < count; from += 1000)
      await Promise.all(
        Array.from({ length: Math.min(1000, count - from) }, async () => {
          const session = newSession()
          await append(journal, session, emptyHead(session))
        }),
      )
  }
  return { servers, options, journal, appends, asked: noting(reads), others }
}

test('frames that lie far apart are asked for by their sequence, and those that lie together in one question', async () => {
  const { journal, asked, others } = await world()
  const [apart, together, alone] = [newSession(), newSession(), newSession()]
  const heads = [await append(journal, apart, emptyHead(apart))]
  await append(journal, alone, emptyHead(alone))
  await others(5500)
  heads.push(await append(journal, apart, heads[0]!))
  await others(5500)
  heads.push(await append(journal, apart, heads[1]!))
  heads.push(await append(journal, apart, heads[2]!))
  let head = emptyHead(together)
  for (let n = 1; n <= 5; n++) head = await append(journal, together, head)
  const numbers = async (session: string, options: { after?: number; limit?: number } = {}) =>
    (await journal.sessions.read(session, options)).map(({ n }) => n)
  asked()

  expect(await numbers(apart)).toEqual([1, 2, 3, 4])
  expect(asked()).toEqual(['last', 'next', 'by sequence', 'by sequence'])
  expect(await numbers(apart, { limit: 2 })).toEqual([1, 2])
  expect(asked()).not.toContain('batch')
  expect(await numbers(apart, { after: heads[0]!.seq })).toEqual([2, 3, 4])
  expect(asked()).toEqual(['last', 'by sequence', 'by sequence'])
  expect(await numbers(apart, { after: heads[0]!.seq, limit: 2 })).toEqual([2, 3])
  expect(asked()).not.toContain('batch')
  expect(await numbers(apart, { limit: 1 })).toEqual([1])
  expect(asked()).toEqual(['last', 'next'])
  expect(await numbers(apart, { after: heads[1]!.seq, limit: 1 })).toEqual([3])
  expect(asked()).toEqual(['last', 'next'])

  expect(await numbers(together)).toEqual([1, 2, 3, 4, 5])
  expect(asked()).toEqual(['last', 'next', 'batch'])
  expect(await numbers(alone)).toEqual([1])
  expect(asked()).toEqual(['last'])
})

test('appends do not stand in line behind readings, which have a connection of their own', async () => {
  const { servers, options, appends } = await world()
  const url = new URL(servers.natsUrl)
  const proxy = await NatsProxy.open(Number(url.port))
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const reads = await connectBroker({ url: url.href, name: 'reads' })
  onTestFinished(() => reads.close())
  const journal = await openJournal(appends, { ...options, reads })
  const session = newSession()
  const head = await append(journal, session, emptyHead(session))
  const asked = noting(appends)
  proxy.freeze()
  let read = false
  const reading = Promise.all([
    journal.sessions.read(session),
    journal.sessions.readTree(session),
    journal.sessions.head(session),
    journal.sessions.frameAt(session, head.seq),
  ]).finally(() => {
    read = true
  })
  expect((await append(journal, session, head)).n).toBe(2)
  expect(read).toBe(false)
  expect(asked()).toEqual([])
  proxy.heal()
  const [frames, tree, last, first] = await reading
  expect([frames.length, tree.length, last.n, first?.n]).toEqual([2, 2, 2, 1])
})
