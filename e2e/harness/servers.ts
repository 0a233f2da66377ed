// The servers below the services, as the product starts them: nats-server with one user a service, and Postgres. Both can be killed.
//   Whoever starts them closes them; the folder goes with them.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { archivistUser, backupUser, moverUser, ServiceName } from '@reins/contracts'
import {
  findNatsServer,
  natsUsers,
  type RunningNats,
  type RunningPostgres,
  startNats,
  startPostgres,
} from '@reins/local'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'
import { home, searchPath } from './config.ts'
import { type NatsCluster, startCluster } from './nats-cluster.ts'

/** Users of the broker that are no service. */
export type BesideServices = typeof archivistUser | typeof backupUser | typeof moverUser

export interface Servers {
  /** Copies of each stream. */
  readonly replicas: 1 | 3
  /** The nodes, where there are several: killNats and restartNats are for the first of them then. */
  readonly cluster: NatsCluster | undefined
  /** Of this world alone: data, workspace. */
  readonly folder: string
  readonly natsPort: number
  /** `as`: a service's own user, or the one that may do everything but destroy. Of a cluster: every node, unless a port is given. */
  natsUrl(as: ServiceName | BesideServices | 'everything', port?: number): string
  readonly databaseUrl: string
  /** kill -9; resolves when it is gone. */
  killNats(): Promise<void>
  /** On the port where it was. */
  restartNats(): Promise<void>
  killPostgres(): Promise<void>
  restartPostgres(): Promise<void>
  close(): Promise<void>
}

const maxPayloadBytes = 8 * 1024 * 1024

export async function startServers(nodes: 1 | 3 = 1): Promise<Servers> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'reins-e2e-')))
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(home, '.cache', 'reins'),
    searchPath,
    log: () => undefined,
  })
  const users = natsUsers(folder)
  const broker = (port: number): Promise<RunningNats> =>
    startNats({ binary, dataDir: path.join(folder, 'nats'), durability: 'fsync', users, port, maxPayloadBytes })
  // Three copies stand for the sync of one.
  const brokers = async (): Promise<NatsCluster | RunningNats> =>
    nodes === 1 ? broker(0) : startCluster(folder, { binary, durability: 'interval', users, maxPayloadBytes })
  const database = (port: number): Promise<RunningPostgres> =>
    startPostgres({ dataDir: path.join(folder, 'postgres'), port })
  const fresh = madeCluster(path.join(folder, 'postgres')).then(() => database(0))
  let [nats, postgres] = await Promise.all([brokers(), fresh])
  const ports = 'ports' in nats ? nats.ports : [nats.port]
  const [natsPort = 0] = ports
  const { url: databaseUrl, port: databasePort } = postgres
  return {
    folder,
    replicas: nodes,
    cluster: 'ports' in nats ? nats : undefined,
    natsPort,
    databaseUrl,
    natsUrl(as, port) {
      const entry = as === 'everything' ? users[0] : users.find(({ user }) => user === as)
      if (!entry) throw new Error(`there is no user ${as}`)
      return `nats://${entry.user}:${encodeURIComponent(entry.password)}@${(port === undefined ? ports : [port]).map((one) => `127.0.0.1:${one}`).join(',')}`
    },
    async killNats() {
      if ('ports' in nats) return nats.kill(0)
      nats.kill('SIGKILL')
      await nats.close()
    },
    async restartNats() {
      if ('ports' in nats) return nats.start(0)
      nats = await broker(natsPort)
    },
    async killPostgres() {
      postgres.kill('SIGKILL')
      await postgres.close()
    },
    async restartPostgres() {
      postgres = await database(databasePort)
    },
    async close() {
      await Promise.all([nats.close(), postgres.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
