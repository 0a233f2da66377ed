// The export of spans over a real broker: where it begins, what it takes over, and that nothing is lost wherever a memory ends.
import os from 'node:os'
import path from 'node:path'
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, lastMessage } from '@reins/broker'
import {
  allSessionsFilter,
  bucketStream,
  buckets,
  type Draft,
  makeUlid,
  noUsage,
  type SessionEvent,
  spanExportSubject,
  toLog,
  tracesDurable,
} from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { type RunningMemory, start } from '@reins/memory'
import { SecretsRedactor } from '@reins/secrets'
import { systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

/** Takes spans as a collector does; counts how often each turn's span came. */
class Collector {
  readonly turns = new Map<string, number>()
  /** What it does before it answers. */
  before: () => Promise<void> = async () => undefined

  async export(spans: readonly { readonly attributes: Readonly<Record<string, unknown>> }[]): Promise<void> {
    for (const { attributes } of spans) {
      const turn = String(attributes['reins.turn.id'])
      this.turns.set(turn, (this.turns.get(turn) ?? 0) + 1)
    }
    await this.before()
  }
  close = async (): Promise<void> => undefined
}

interface Exporting {
  readonly memory: RunningMemory
  readonly broker: Broker
  readonly collector: Collector
}

let servers: TestServers
let broker: Broker
let journal: Journal
const exporting: Exporting[] = []
const never = new Promise<void>(() => undefined)

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  broker = await servers.broker('appends')
  journal = await openJournal(broker, { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
})
afterAll(async () => {
  await Promise.all(exporting.map(({ memory }) => memory.close({ withinMs: 2000 })))
  await servers?.close()
})

let started = 0
async function memory(settings: { readonly silentMs?: number; readonly hears?: boolean } = {}): Promise<Exporting> {
  const { silentMs, hears } = settings
  const instance = `memory-${++started}`
  const own = await servers.broker(instance)
  const collector = new Collector()
  const running = await start({
    ...(hears ? { framesHere: journal.framesHere } : {}),
    traces: { sink: collector, ...(silentMs === undefined ? {} : { silentMs }) },
    broker: own,
    sessions: journal.sessions,
    streams: journal.streams,
    timers: journal.timers,
    databaseUrl: undefined,
    ackWaitMs: 5000,
    files: path.join(os.tmpdir(), 'reins-no-memories'),
    redactor: new SecretsRedactor([]),
    clock: systemClock,
    log: silentLog,
    metrics: new Metrics(),
    instance,
  })
  const one = { memory: running, broker: own, collector }
  exporting.push(one)
  return one
}

/** From now on it says and takes nothing more. */
async function kill({ broker: own, collector }: Exporting): Promise<void> {
  collector.before = () => never
  await own.nc.close()
}

let made = 0
const newSession = (): string => makeUlid(1_700_000_000_000 + made++, Math.random)

async function append(session: string, events: SessionEvent[], by: Journal = journal): Promise<void> {
  const head = await by.sessions.head(session)
  const draft: Draft = {
    id: `f-${session}-${head.n}`,
    n: head.n + 1,
    prev: head.seq,
    ...{ at: 1000 + head.n, by: 'test', role: 'e', needs: 1, status: 'idle', pool: 'default', events },
  }
  const outcome = await by.sessions.append(session, draft, toLog, head.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
}

/** In two frames, of which the second closes the span. */
async function turn(name: string, { session = newSession(), by = journal } = {}): Promise<void> {
  await append(session, [{ type: 'turn.started', data: { turn: name, messages: ['m'] } }], by)
  await append(
    session,
    [{ type: 'turn.completed', data: { turn: name, call: 'c', usage: noUsage, reason: 'answered' } }],
    by,
  )
}

const taken = (by: Exporting, ...turns: readonly string[]) =>
  eventually(() => turns.every((name) => by.collector.turns.has(name)))

const record = async (): Promise<{ by?: string; places?: readonly number[] }> => {
  const last = await lastMessage(broker, bucketStream(buckets.exports), spanExportSubject)
  return last ? JSON.parse(last.body) : {}
}

test('the durables of an older version are taken over: it begins behind what they had acknowledged, and deletes them', async () => {
  const manager = await jetstreamManager(broker.nc)
  await turn('before the export')
  for (const name of journal.streams.names)
    await manager.consumers.add(name, {
      durable_name: tracesDurable,
      filter_subject: allSessionsFilter,
      ...{ ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.New },
    })
  const session = newSession()
  await turn('acknowledged', { session })
  const consumer = await jetstream(broker.nc).consumers.get(journal.streams.of(session), tracesDurable)
  for (let frames = 0; frames < 2; frames++) await (await consumer.next())?.ackAck()
  await turn('not acknowledged')
  const first = await memory()
  await taken(first, 'not acknowledged')
  expect([...first.collector.turns.keys()]).toEqual(['not acknowledged'])
  for (const name of journal.streams.names)
    await expect(manager.consumers.info(name, tracesDurable)).rejects.toThrow('consumer not found')
  await first.memory.close({ withinMs: 5000 })
  // What was taken is written down at the end, and that nobody exports.
  expect(await record()).toMatchObject({ by: '' })
})

test('what was appended while nobody exported is exported, once, by the next; and then what it hears and what others append', async () => {
  await turn('meanwhile')
  const second = await memory({ hears: true })
  const elsewhere = await openJournal(await servers.broker('elsewhere'), {
    ...{ replicas: 1, ackWaitMs: 1000, now: systemClock.now },
  })
  await turn('theirs', { by: elsewhere })
  await turn('ours')
  await turn('theirs at last', { by: elsewhere })
  await taken(second, 'meanwhile', 'theirs', 'ours', 'theirs at last')
  await second.memory.close({ withinMs: 5000 })
  expect([...second.collector.turns]).toHaveLength(4)
  expect([...second.collector.turns.values()]).toEqual([1, 1, 1, 1])
})

test('a memory that is killed before it has written down what the collector took loses nothing: the next one sends it again', async () => {
  const killed = await memory({ hears: true })
  killed.collector.before = () => never
  await turn('taken, and not written down')
  await taken(killed, 'taken, and not written down')
  await turn('heard, and not sent')
  await kill(killed)
  await turn('after the kill')
  const next = await memory({ hears: true })
  await taken(next, 'taken, and not written down', 'heard, and not sent', 'after the kill')
  await next.memory.close({ withinMs: 5000 })
})

test('who starts takes the export over, and where it is killed, the one before takes it back', async () => {
  const one = await memory({ silentMs: 1500 })
  const other = await memory({ silentMs: 1500 })
  await turn('while there are two')
  await taken(other, 'while there are two')
  await eventually(async () => (await record()).by === `memory-${started}`)
  await kill(other)
  await turn('of the one that is left')
  await taken(one, 'of the one that is left')
  // Until it hears of the other one it may have gone on beside it: then it takes the export back afterwards.
  await eventually(async () => (await record()).by === `memory-${started - 1}`)
  await turn('taken back')
  await taken(one, 'taken back')
  await one.memory.close({ withinMs: 5000 })
})

test('a collector that takes nothing for long loses nothing, also of what there is no room to hold', async () => {
  const held = await memory({ hears: true })
  const back = Promise.withResolvers<void>()
  held.collector.before = () => back.promise
  const sessions = Array.from({ length: 60 }, newSession)
  const names = sessions.flatMap((_, at) => Array.from({ length: 10 }, (_one, nth) => `${at}/${nth}`))
  await Promise.all(
    sessions.map(async (session, at) => {
      for (let nth = 0; nth < 10; nth++) await turn(`${at}/${nth}`, { session })
    }),
  )
  expect(held.collector.turns.size).toBeLessThan(names.length)
  back.resolve()
  await taken(held, ...names)
  await held.memory.close({ withinMs: 5000 })
  expect([...held.collector.turns.values()].every((times) => times === 1)).toBe(true)
})
