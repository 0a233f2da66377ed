// Real servers for integration tests, each test file's own: started on free ports in a folder that is removed again.

import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, connectBroker } from '@reins/broker'
import { findNatsServer, type RunningNats, type RunningPostgres, startNats, startPostgres } from '@reins/local'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'
import { searchPath } from './config.ts'

export interface TestServers {
  /** With credentials. */
  readonly natsUrl: string
  readonly databaseUrl: string | undefined
  /** Connects a broker, which `close` closes. */
  broker(name: string): Promise<Broker>
  /** Ends the server, as by kill -9, and resolves when it is gone. */
  killPostgres(): Promise<void>
  /** Starts it again where it was. */
  restartPostgres(): Promise<void>
  killNats(): Promise<void>
  restartNats(): Promise<void>
  close(): Promise<void>
}

/** The caller closes it. */
export async function testServers(options: { readonly postgres: boolean }): Promise<TestServers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-int-'))
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(homedir(), '.cache', 'reins'),
    searchPath,
    log: () => {},
  })
  const brokers: Broker[] = []
  const startBroker = (port?: number) =>
    startNats({
      binary,
      dataDir: path.join(folder, 'nats'),
      durability: 'interval',
      ...(port === undefined ? {} : { port }),
    })
  const startDatabase = (port?: number) =>
    startPostgres({ dataDir: path.join(folder, 'postgres'), ...(port === undefined ? {} : { port }) })

  let nats: RunningNats = await startBroker()
  if (options.postgres) await madeCluster(path.join(folder, 'postgres'))
  let postgres: RunningPostgres | undefined = options.postgres ? await startDatabase() : undefined
  const natsUrl = nats.url.replace('nats://', `nats://${nats.user}:${encodeURIComponent(nats.password)}@`)
  const databaseUrl = postgres?.url
  return {
    natsUrl,
    databaseUrl,
    broker: async (name) => {
      const broker = await connectBroker({ url: natsUrl, name })
      brokers.push(broker)
      return broker
    },
    killPostgres: async () => {
      postgres?.kill('SIGKILL')
      await postgres?.close()
    },
    restartPostgres: async () => {
      postgres = await startDatabase(postgres?.port)
    },
    killNats: async () => {
      nats.kill('SIGKILL')
      await nats.close()
    },
    restartNats: async () => {
      nats = await startBroker(nats.port)
    },
    close: async () => {
      await Promise.all(brokers.map((broker) => broker.close()))
      await Promise.all([nats.close(), postgres?.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves with the first value that is neither undefined nor false; rejects after `withinMs`. */
export async function eventually<T>(
  read: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await read()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not seen within ${withinMs} ms: ${read.toString()}`)
    await pause(25)
  }
}
