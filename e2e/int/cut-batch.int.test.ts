// The session index behind a connection that breaks while the server sends it a batch: nothing may be left out for good.

import os from 'node:os'
import path from 'node:path'
import { callService, connectBroker } from '@reins/broker'
import {
  type Draft,
  makeUlid,
  noUsage,
  type SessionEvent,
  type SessionList,
  serviceSubject,
  toLog,
} from '@reins/contracts'
import { openJournal } from '@reins/journal'
import { start } from '@reins/memory'
import { SecretsRedactor } from '@reins/secrets'
import { systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import { expect, onTestFinished, test } from 'vitest'
import { NatsProxy } from '../harness/nats-proxy.ts'
import { eventually, testServers } from './servers.ts'

const started: SessionEvent = {
  type: 'session.started',
  data: {
    agent: 'cut',
    digest: 'd1',
    model: 'scripted/demo',
    pools: { executor: 'default', tools: 'default' },
    limits: { maxToolCalls: 10 },
    tools: {},
  },
}
const answered: SessionEvent = {
  type: 'model-call.completed',
  data: { call: 'c', attempt: 1, content: [], usage: { ...noUsage, inputTokens: 1 }, finish: 'stop' },
}

test('counts every frame, although each batch of the first reading loses its middle and the connection is cut in between', async () => {
  const servers = await testServers({ postgres: true })
  onTestFinished(() => servers.close())
  const direct = await servers.broker('writer')
  const journal = await openJournal(direct, { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
  const sessions = Array.from({ length: 60 }, (_, i) => makeUlid(1_700_000_000_000 + i, Math.random))
  for (let n = 1; n <= 10; n++)
    await Promise.all(
      sessions.map(async (session) => {
        const head = await journal.sessions.head(session)
        const draft: Draft = {
          id: `f-${session}-${n}`,
          n,
          prev: head.seq,
          at: n,
          by: 'test',
          role: n === 1 ? 'g' : 'e',
          needs: 1,
          status: 'idle',
          pool: 'default',
          events: [n === 1 ? started : answered],
        }
        await journal.sessions.append(session, draft, toLog, head.hash)
      }),
    )

  const sent = { stored: 0, cuts: 0 }
  const url = new URL(servers.natsUrl)
  const proxy = await NatsProxy.open(Number(url.port), {
    losesReply: () => false,
    losesAck: () => false,
    losesStored: () => {
      sent.stored++
      if (sent.stored % 90 === 0 && sent.cuts < 3) {
        sent.cuts++
        setImmediate(() => {
          proxy.cut()
          proxy.heal()
        })
      }
      return sent.stored < 1000 && sent.stored % 50 > 40
    },
  })
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const broker = await connectBroker({ url: url.href, name: 'memory' })
  onTestFinished(() => broker.close())
  const memory = await start({
    broker,
    sessions: journal.sessions,
    streams: journal.streams,
    timers: journal.timers,
    databaseUrl: servers.databaseUrl,
    ackWaitMs: 5000,
    files: path.join(os.tmpdir(), 'reins-no-memories'),
    redactor: new SecretsRedactor([]),
    clock: systemClock,
    log: silentLog,
    metrics: new Metrics(),
    instance: 'memory-1',
  })
  onTestFinished(async () => void (await memory.close({ withinMs: 5000 })))

  const listed = await eventually(async () => {
    if (memory.health().index !== 'ok') return undefined
    const reply = await callService<SessionList>(direct, serviceSubject('memory', 'sessions.list'), { limit: 100 })
    return reply.ok && reply.value.sessions
  })
  expect(sent.cuts).toBeGreaterThan(0)
  expect(listed.map(({ usage }) => usage.inputTokens)).toEqual(sessions.map(() => 9))
})
