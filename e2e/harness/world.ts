// The whole system as processes, for tests that kill: servers, services by name, clients, and the log itself.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Broker, connectBroker } from '@reins/broker'
import { type AgentDefinition, definitionDigest, type ServiceName } from '@reins/contracts'
import { adminToken } from '@reins/local'
import { type Checked, checkLog } from '@reins/session'
import { Api } from './api.ts'
import { eventually } from './eventually.ts'
import { differences, Follower } from './follower.ts'
import { type Servers, startServers } from './servers.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { readStored, type StoredFrame } from './stored-log.ts'

export interface ServiceSettings {
  readonly pauseAt?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ackWaitMs?: number
  /** Of the broker, when something stands between. */
  readonly natsPort?: number
  /** Of a gateway. Default 0: any. */
  readonly port?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Of each service process: see ServiceOptions. */
  readonly fromSources?: boolean
}

export class World {
  readonly servers: Servers
  readonly api: Api
  readonly #broker: Broker
  readonly #token: string
  readonly #processes = new Set<ServiceProcess>()
  readonly #followers = new Set<Follower>()
  /** In the order of their start; a dead one stays where it was, until it is replaced. */
  readonly gateways: ServiceProcess[] = []
  readonly workspace: string
  readonly #ackWaitMs: number

  private constructor(servers: Servers, broker: Broker, token: string, ackWaitMs: number) {
    this.servers = servers
    this.#broker = broker
    this.#token = token
    this.#ackWaitMs = ackWaitMs
    this.workspace = path.join(servers.folder, 'work')
    mkdirSync(this.workspace, { recursive: true })
    this.api = new Api(() => this.gateways.filter((one) => one.alive()).map(({ url }) => url), token)
  }

  /** Servers and nothing else. The caller closes it. */
  static async open(options: { readonly ackWaitMs?: number; readonly nodes?: 1 | 3 } = {}): Promise<World> {
    const servers = await startServers(options.nodes)
    mkdirSync(path.join(servers.folder, 'data'), { recursive: true, mode: 0o700 })
    const token = adminToken(path.join(servers.folder, 'data'))
    const broker = await connectBroker({ url: servers.natsUrl('everything'), name: 'tests' })
    return new World(servers, broker, token, options.ackWaitMs ?? 1000)
  }

  async start(name: ServiceName, settings: ServiceSettings = {}): Promise<ServiceProcess> {
    const { folder } = this.servers
    const labels = Object.entries(settings.labels ?? {}).map(([key, value]) => `${key}=${value}`)
    const process = await startService({
      name,
      cwd: folder,
      ...(settings.fromSources === undefined ? {} : { fromSources: settings.fromSources }),
      environment: {
        NATS_URL: this.servers.natsUrl(name, settings.natsPort),
        DATABASE_URL: this.servers.databaseUrl,
        REINS_DATA_DIR: path.join(folder, 'data'),
        REINS_WORKSPACE_ROOT: this.workspace,
        REINS_REPLICAS: String(this.servers.replicas),
        REINS_ACK_WAIT_MS: String(settings.ackWaitMs ?? this.#ackWaitMs),
        REINS_PORT: String(settings.port ?? 0),
        REINS_ALLOW_UNSANDBOXED_SHELL: '1',
        ...(labels.length > 0 ? { REINS_LABELS: labels.join(',') } : {}),
        ...(settings.pauseAt === undefined ? {} : { REINS_PAUSE_AT: settings.pauseAt }),
        ...settings.environment,
      },
    })
    this.#processes.add(process)
    if (name === 'session-gateway') this.gateways.push(process)
    return process
  }

  /** In place of a gateway that is gone, on its port: where its clients look for it. */
  async replaceGateway(dead: ServiceProcess, settings: ServiceSettings = {}): Promise<ServiceProcess> {
    const next = await this.start('session-gateway', { ...settings, port: Number(new URL(dead.url).port) })
    this.gateways.pop()
    this.gateways[this.gateways.indexOf(dead)] = next
    return next
  }

  /** Makes an agent that the scripted model plays, with every tool. */
  async agent(name: string, more: Partial<AgentDefinition> = {}): Promise<string> {
    const definition: AgentDefinition = {
      name,
      model: 'scripted/assistant',
      system_prompt: 'You do what you are told.',
      tools: ['system_tools'],
      max_tool_calls: 100,
      ...more,
    }
    // A registry that is slow to answer on a busy machine is asked again, as a client would.
    const { status, body } = await this.api.stubborn<unknown>('PUT', `/v1/agents/${name}`, definition, {
      key: randomUUID(),
    })
    if (status >= 300) throw new Error(`agent ${name}: ${status} ${JSON.stringify(body)}`)
    return definitionDigest(definition)
  }

  follow(session: string, gateway: number): Follower {
    const follower = new Follower(this.api, session, gateway)
    this.#followers.add(follower)
    return follower
  }

  readLog(session?: string): Promise<readonly StoredFrame[]> {
    return readStored(this.#broker, session)
  }

  async checked(session: string): Promise<Checked & { readonly log: readonly StoredFrame[] }> {
    const log = await this.readLog(session)
    return { ...checkLog(session, log), log }
  }

  /** Waits until nothing of it is open, and says what is wrong with its log: [] when nothing is. */
  async settled(session: string, withinMs = 45_000): Promise<readonly StoredFrame[]> {
    let last: Checked | undefined
    return eventually(
      async () => {
        const now = await this.checked(session)
        last = now
        return now.atRest && now.log
      },
      { withinMs, describe: () => `${session} comes to rest; it is ${JSON.stringify(last?.session.turn)}` },
    )
  }

  /** Rest, a log without fault, and followers that saw exactly it: everything that is wrong. */
  async verdict(session: string, followers: readonly Follower[] = []): Promise<readonly string[]> {
    const log = await this.settled(session)
    const { problems } = checkLog(session, log)
    const events = log.reduce((sum, { frame }) => sum + frame.events.length, 0)
    await Promise.all(
      followers.map((follower) =>
        eventually(() => follower.events.length >= events, {
          describe: () => `a follower sees all ${events} events; it saw ${follower.events.length}`,
        }),
      ),
    )
    return [...problems, ...followers.flatMap((follower) => differences(follower, log))]
  }

  /** The lines that tools have written to a file of the workspace; none yet: []. */
  lines(file: string): readonly string[] {
    try {
      return readFileSync(path.join(this.workspace, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    } catch {
      return []
    }
  }

  get broker(): Broker {
    return this.#broker
  }

  get token(): string {
    return this.#token
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) follower.close()
    await Promise.all([...this.#processes].map((process) => process.kill()))
    await this.#broker.close()
    await this.servers.close()
  }
}
