// Reading a session that lies far back in the stream. A server that is asked for one message more than there is searches on to
// the end of everything; so what is counted here is what the broker is asked for, and what it finds.
import type { Broker } from '@reins/broker'
import { type Draft, emptyHead, makeUlid, type SessionEvent, toLog } from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServers, testServers } from './servers.ts'

let servers: TestServers
let journal: Journal
/** Messages that the broker was asked for behind a sequence, and those that it found. */
const asked = { messages: 0, found: 0 }

/** The broker as it is, but that it counts. */
function counting(broker: Broker): Broker {
  const isSearch = (subject: string, payload: unknown): payload is string =>
    typeof payload === 'string' && payload.includes('next_by_subj') && subject.startsWith('$JS.API.')
  const request: Broker['request'] = async (subject, payload, options) => {
    const outcome = await broker.request(subject, payload, options)
    if (isSearch(subject, payload)) {
      asked.messages++
      if (outcome.kind === 'reply' && outcome.msg.headers?.code !== 404 && !outcome.msg.string().includes('"error"'))
        asked.found++
    }
    return outcome
  }
  const requestMany: Broker['requestMany'] = (subject, payload, on, options) => {
    if (isSearch(subject, payload)) asked.messages += JSON.parse(payload).batch
    return broker.requestMany(
      subject,
      payload,
      (msg) => {
        if (msg.headers?.has('Nats-Subject')) asked.found++
        return on(msg)
      },
      options,
    )
  }
  const atEndOfTurn = broker.atEndOfTurn.bind(broker)
  return Object.assign(Object.create(broker) as Broker, { nc: broker.nc, request, requestMany, atEndOfTurn })
}

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  const broker = await servers.broker('old-session')
  const whole = counting(broker)
  for (const name of ['publish', 'onReconnect', 'onElected', 'connected', 'lastReconnect'] as const)
    Object.assign(whole, { [name]: broker[name].bind(broker) })
  journal = await openJournal(whole, { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
  await fill(old, 40)
  for (let i = 0; i < 20; i++) await fill(makeUlid(1_700_000_000_000 + i, Math.random), 2)
})
afterAll(() => servers.close())

const old = makeUlid(1_600_000_000_000, Math.random)
const named: SessionEvent = { type: 'session.renamed', data: { title: 'old' } }

async function fill(session: string, frames: number): Promise<void> {
  let head = emptyHead(session)
  for (let n = 1; n <= frames; n++) {
    const draft: Draft = {
      id: `f${n}`,
      n,
      prev: head.seq,
      at: n,
      by: 'test',
      role: 'e',
      needs: 1,
      status: 'idle',
      pool: 'default',
      events: [named],
    }
    const outcome = await journal.sessions.append(session, draft, toLog, head.hash)
    if (outcome.kind !== 'appended') throw new Error('refused')
    head = outcome.head
  }
}

describe('reading a session behind which others lie', () => {
  for (const [name, options, frames] of [
    ['whole', {}, 40],
    ['a page of it', { limit: 7 }, 7],
    ['from the middle', { after: 12 }, 28],
    ['a page from the middle', { after: 12, limit: 5 }, 5],
    ['its last frame', { after: 39 }, 1],
    ['behind its end', { after: 40 }, 0],
    ['whole, from the leader', { leader: true }, 40],
    ['behind its end, from the leader', { after: 40, leader: true }, 0],
  ] as const)
    test(`${name}: asks for exactly what there is`, async () => {
      Object.assign(asked, { messages: 0, found: 0 })
      const read = await journal.sessions.read(old, options)
      expect(read.map(({ seq }) => seq)).toEqual(
        Array.from({ length: frames }, (_, i) => ('after' in options ? options.after : 0) + 1 + i),
      )
      expect(asked.found).toBe(asked.messages)
    })

  test('a tree of it: asks for exactly what there is', async () => {
    Object.assign(asked, { messages: 0, found: 0 })
    expect(await journal.sessions.readTree(old)).toHaveLength(40)
    expect(asked).toEqual({ messages: 40, found: 40 })
  })

  test('one that does not exist: asks for nothing', async () => {
    Object.assign(asked, { messages: 0, found: 0 })
    expect(await journal.sessions.read(makeUlid(1, Math.random))).toEqual([])
    expect(asked).toEqual({ messages: 0, found: 0 })
  })
})
