// The services as processes, on nats-server and Postgres in containers, with the configuration that docker-compose.yml gives them.
//   Whoever opens it closes it; containers, processes and the folder go with it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type ServiceName, serviceNames } from '@reins/contracts'
import { adminToken } from '@reins/local'
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers'
import { Api } from '../harness/api.ts'
import { type ServiceProcess, startService } from '../harness/service-process.ts'
import { freePort, root } from './docker.ts'

export const natsImage = 'nats:2.12-alpine'
export const postgresImage = 'postgres:17'

/** A server in a container, on one port of this machine for as long as it lives. */
export interface Server {
  readonly port: number
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
  start(): Promise<void>
  remove(): Promise<unknown>
}

export interface ContainerWorld {
  readonly api: Api
  readonly nats: Server
  readonly postgres: Server
  readonly services: Readonly<Record<ServiceName, ServiceProcess>>
  natsUrl(as: ServiceName): string
  close(): Promise<void>
}

/** Does what `npm run docker:setup` does: what an operator does before the first `docker compose up`. */
export function makeSecrets(
  folder: string,
  ...flags: readonly string[]
): { readonly token: string; secret(name: string): string } {
  execFileSync(process.execPath, [path.join(root, 'libs/web/src/prepare.ts')], { stdio: 'pipe' })
  execFileSync(process.execPath, [path.join(root, 'deploy/docker/setup.ts'), folder, ...flags], { stdio: 'pipe' })
  const secret = (name: string): string => readFileSync(path.join(folder, name), 'utf8')
  return { token: secret('admin.token').trim(), secret }
}

export async function openWorld(): Promise<ContainerWorld> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'reins-containers-')))
  const closing: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const step of closing.reverse()) await step()
  }
  try {
    const { secret } = makeSecrets(path.join(folder, 'secrets'))
    const [nats, postgres] = await Promise.all([startNats(secret('nats.conf')), startPostgres()])
    closing.push(() => Promise.all([nats.remove(), postgres.remove()]))

    const workspace = path.join(folder, 'work')
    const data = path.join(folder, 'data')
    for (const one of [workspace, data]) mkdirSync(one, { mode: 0o700 })
    const token = adminToken(data)
    const natsUrl = (as: ServiceName): string =>
      secret(`${as}.nats-url`).trim().replace('@nats:4222', `@127.0.0.1:${nats.port}`)
    const start = async (name: ServiceName): Promise<ServiceProcess> => {
      const service = await startService({
        name,
        cwd: folder,
        environment: {
          NATS_URL: natsUrl(name),
          DATABASE_URL: `postgres://reins:reins@127.0.0.1:${postgres.port}/reins`,
          REINS_DATA_DIR: data,
          REINS_WORKSPACE_ROOT: workspace,
          REINS_ACK_WAIT_MS: '1000',
          REINS_PORT: '0',
          REINS_ALLOW_UNSANDBOXED_SHELL: '1',
        },
      })
      closing.push(() => service.terminate())
      return service
    }
    const started = await Promise.all(serviceNames.map(async (name) => [name, await start(name)] as const))
    const services = Object.fromEntries(started) as Record<ServiceName, ServiceProcess>
    const api = new Api(() => [services['session-gateway'].url], token)
    return { api, nats, postgres, services, natsUrl, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startNats(config: string): Promise<Server> {
  const port = await freePort()
  const container = await new GenericContainer(natsImage)
    .withCopyContentToContainer([{ content: config, target: '/etc/reins/nats.conf' }])
    .withCommand(['--config', '/etc/reins/nats.conf', '--addr', '0.0.0.0', '--store_dir', '/data'])
    .withExposedPorts({ container: 4222, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start()
  return serverOf(container, port)
}

async function startPostgres(): Promise<Server> {
  const port = await freePort()
  const container = await new GenericContainer(postgresImage)
    .withEnvironment({ POSTGRES_USER: 'reins', POSTGRES_PASSWORD: 'reins', POSTGRES_DB: 'reins' })
    .withExposedPorts({ container: 5432, host: port })
    // The image starts it twice: once to make the database.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start()
  return serverOf(container, port)
}

async function serverOf(container: StartedTestContainer, port: number): Promise<Server> {
  const { container: client } = await getContainerRuntimeClient()
  const handle = client.getById(container.getId())
  return {
    port,
    kill: async () => {
      const gone = handle.wait()
      await handle.kill()
      await gone
    },
    start: () => handle.start().then(() => undefined),
    remove: () => handle.remove({ force: true, v: true }),
  }
}
