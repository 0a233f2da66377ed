// The journal's contract on real servers: one, and a cluster of three where every stream has three replicas.

import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, connectBroker } from '@reins/broker'
import type { SessionStreamCount } from '@reins/contracts'
import { openJournal } from '@reins/journal'
import { findNatsServer, startNats } from '@reins/local'
import { describe, expect, it } from 'vitest'
import { type ContractSubject, journalContract } from '../../libs/journal/test/contract.ts'
import { startCluster } from '../harness/nats-cluster.ts'
import { searchPath } from './config.ts'

const ackWaitMs = 500
/** Of which each half is stored in many pieces. The product's own limit of 64 MiB would only take longer. */
const outputBytesOfSession = 4 * 1024 * 1024

/** The broker as it is, but for the next append: its answer is lost, or it is. `meanwhile` runs before the time-out is told. */
function losing(broker: Broker): {
  broker: Broker
  lose(what: 'ack' | 'request', meanwhile: () => Promise<void>): void
} {
  let next: { what: 'ack' | 'request'; meanwhile: () => Promise<void> } | undefined
  const request: Broker['request'] = async (subject, payload, options) => {
    const fault = subject.startsWith('ses.') ? next : undefined
    if (!fault) return broker.request(subject, payload, options)
    next = undefined
    if (fault.what === 'ack') await broker.request(subject, payload, options)
    await fault.meanwhile()
    return { kind: 'timed-out' }
  }
  return {
    broker: Object.assign(Object.create(broker) as Broker, {
      nc: broker.nc,
      request,
      requestMany: broker.requestMany.bind(broker),
      publish: broker.publish.bind(broker),
      publishNow: broker.publishNow.bind(broker),
      atEndOfTurn: broker.atEndOfTurn.bind(broker),
      onReconnect: broker.onReconnect.bind(broker),
      onElected: broker.onElected.bind(broker),
      lastReconnect: broker.lastReconnect.bind(broker),
      connected: broker.connected.bind(broker),
    }),
    lose: (what, meanwhile) => {
      next = { what, meanwhile }
    },
  }
}

async function startServers(count: 1 | 3): Promise<{ url: string; close(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-contract-'))
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(homedir(), '.cache', 'reins'),
    searchPath,
    log: () => {},
  })
  const users = [{ user: 'reins', password: 'a-password-of-the-contract-test' }]
  const options = { binary, users, durability: 'interval' } as const
  const started = count === 3 ? await startCluster(folder, options) : await startNats({ ...options, dataDir: folder })
  const port = 'ports' in started ? started.ports[0] : started.port
  return {
    url: `nats://reins:${users[0]!.password}@127.0.0.1:${port}`,
    close: async () => {
      await started.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function subject(replicas: 1 | 3, sessionStreams: SessionStreamCount): Promise<ContractSubject> {
  const { url, close } = await startServers(replicas)
  const connected = await connectBroker({ url, name: 'contract' })
  const faulty = losing(connected)
  const journal = await opened(faulty.broker, replicas, sessionStreams)
  return {
    ...journal,
    now: Date.now,
    timerStepMs: 600,
    ackWaitMs,
    outputBytesOfSession,
    loseNextAck: (meanwhile) => faulty.lose('ack', meanwhile),
    loseNextRequest: (meanwhile) => faulty.lose('request', meanwhile),
    close: async () => {
      await connected.close()
      await close()
    },
  }
}

/** A cluster needs some seconds until it has a leader for everything. */
async function opened(broker: Broker, replicas: 1 | 3, sessionStreams: SessionStreamCount) {
  for (let tries = 0; ; tries++)
    try {
      return await openJournal(broker, { replicas, sessionStreams, ackWaitMs, outputBytesOfSession, now: Date.now })
    } catch (error) {
      if (tries >= 40) throw error
      await pause(500)
    }
}

journalContract('JetStream, one server, one stream of sessions', () => subject(1, 1), { parts: 'sessions' })
journalContract('JetStream, one server, four streams of sessions', () => subject(1, 4))
journalContract('JetStream, three replicas, four streams of sessions', () => subject(3, 4))

describe('what the server says of itself', () => {
  it('syncs every append to the disk when that is asked for, and says so', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'reins-sync-'))
    const { path: binary } = await findNatsServer({
      cacheDir: path.join(homedir(), '.cache', 'reins'),
      searchPath,
      log: () => {},
    })
    const server = await startNats({ binary, dataDir: folder, durability: 'fsync' })
    expect(await server.syncSetting()).toBe('always')
    await server.close({ withinMs: 5000 })
    rmSync(folder, { recursive: true, force: true })
  })
})
