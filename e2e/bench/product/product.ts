// The product as the benchmarks run it: the real binary with a data folder of its own, in one process or in five.
//   P1. Five means a process for each service, on servers that stand beside them, each with its own NATS user.
//   P2. The models are processes too, and are spoken to over HTTP.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ServiceName, serviceNames } from '@reins/contracts'
import {
  adminToken,
  findNatsServer,
  loadLocalConfig,
  natsUsers,
  type RunningNats,
  type RunningPostgres,
  startNats,
  startPostgres,
} from '@reins/local'
import { scriptedServerMain } from '@reins/models'
import { ApiClient } from './api-client.ts'
import { environment } from '../config.ts'
import type { Durability, Processes } from '../options.ts'
import { descendants, type Started, startNode } from './processes.ts'
import { bundledBinary, sourceBinary } from '../../../scripts/bundle.ts'

export interface Messages {
  readonly in: number
  readonly out: number
}

export interface Product {
  readonly durability: Durability
  readonly processes: Processes
  readonly api: ApiClient
  readonly url: string
  readonly token: string
  readonly folder: string
  readonly workspace: string
  /** Base URL of the scripted model. */
  readonly modelUrl: string
  /** Of the model that says the time. */
  readonly clockUrl: string
  /** With the rights of the one-process composition. */
  readonly natsUrl: () => string
  /** The process that serves HTTP. */
  gateway(): Started
  /** A further process of a service; only with five. The caller ends it, or `close` does. */
  startService(name: ServiceName): Promise<Started>
  executor(): Started
  /** The one process again, after its end, on the same port. */
  restart(): Promise<void>
  /** Messages that nats-server took and gave since its start; only with five. */
  messages(): Promise<Messages | undefined>
  /** What nats-server says of itself (its `/varz`); only with five. */
  monitor(): Promise<Readonly<Record<string, number>> | undefined>
  /** The product's own processes. */
  services(): readonly Started[]
  /** Everything that runs, by name; for memory and CPU. */
  pids(): readonly { readonly name: string; readonly pid: number }[]
  close(): Promise<void>
}

const clockMain = fileURLToPath(new URL('./clock-model-main.ts', import.meta.url))
const maxPayloadBytes = 8 * 1024 * 1024
export const plainAgent = 'bench-plain'
export const toolAgent = 'bench-tools'
export const clockAgent = 'bench-clock'
/** Its answers go on until they are cancelled: 50 tokens a second. */
export const tickingAgent = 'bench-ticking'
/** Its answers begin and do not go on. */
export const heldAgent = 'bench-held'
/** Its model says nothing until it is told to (clock-model-main.ts). */
export const silentAgent = 'bench-silent'
/** A person has to approve what it reads. */
export const askingAgent = 'bench-asking'

/** Of a tool turn: 1 KB that no compression makes small. */
export const noteText = Array.from({ length: 16 }, (_, at) =>
  createHash('sha512').update(String(at)).digest('base64url').slice(0, 63),
).join('\n')

const open = new Set<() => Promise<void>>()
let stopped = false

/** `close` is called where everything is told to stop. */
export const closesWithProducts = (close: () => Promise<void>): void => void open.add(close)

/** For whoever is told to stop in the middle: none is started after it. */
export async function closeProducts(): Promise<void> {
  stopped = true
  await Promise.allSettled([...open].map((close) => close()))
}

export interface ProductOptions {
  /** A folder for V8's CPU profiles. */
  readonly profile?: string | undefined
  /** Each process opens V8's inspector on loopback. */
  readonly inspect?: boolean
  /** Of the product's processes. */
  readonly settings?: Readonly<Record<string, string>>
  /** Models besides ours. */
  readonly providers?: readonly { readonly name: string; readonly baseUrl: string }[]
}

export async function startProduct(
  durability: Durability,
  processes: Processes,
  { profile, inspect = false, settings = {}, providers = [] }: ProductOptions = {},
): Promise<Product> {
  if (stopped) throw new Error('the benchmark was stopped')
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-bench-'))
  const closing: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  let closed: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step()
    open.delete(close)
  }
  const close = (): Promise<void> => {
    closed ??= closeAll()
    return closed
  }
  open.add(close)
  try {
    return await start({ durability, processes, profile, inspect, settings, providers }, folder, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  {
    durability,
    processes,
    profile,
    inspect,
    settings,
    providers,
  }: {
    readonly durability: Durability
    readonly processes: Processes
    readonly profile: string | undefined
    readonly inspect: boolean
    readonly settings: Readonly<Record<string, string>>
    readonly providers: NonNullable<ProductOptions['providers']>
  },
  folder: string,
  closing: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Product> {
  const dataDir = path.join(folder, '.reins')
  const workspace = path.join(folder, 'workspace')
  mkdirSync(workspace, { recursive: true })
  writeFileSync(path.join(workspace, 'note.txt'), noteText)
  const model = await startNode({ name: 'model', args: [fileURLToPath(scriptedServerMain)], ready: urlSaid })
  closing.push(() => model.stop())
  const clock = await startNode({ name: 'clock model', args: [clockMain], ready: urlSaid })
  closing.push(() => clock.stop())
  const window = 4_000_000
  const env: Record<string, string> = {
    REINS_DATA_DIR: dataDir,
    // The same after a restart.
    REINS_PORT: processes === 'one' ? String(await freePort()) : '0',
    REINS_DURABILITY: durability,
    REINS_LOG_LEVEL: 'warn',
    REINS_MODEL_PROVIDERS: JSON.stringify([
      { name: 'bench', baseUrl: model.said, contextWindow: window },
      { name: 'clock', baseUrl: clock.said, contextWindow: window },
      ...providers.map((one) => ({ ...one, contextWindow: window })),
    ]),
    ...settings,
  }
  const running = new Map<string, Started>([
    ['model', model],
    ['clock model', clock],
  ])
  let monitorPort: number | undefined
  const servers: { nats?: RunningNats; postgres?: RunningPostgres } = {}
  const flags = [
    ...(profile === undefined
      ? []
      : ['--cpu-prof', '--cpu-prof-interval=250', `--cpu-prof-dir=${path.resolve(profile)}`]),
    ...(inspect ? ['--inspect=127.0.0.1:0'] : []),
  ]
  // As people run it; a profile names the sources.
  const main = profile === undefined ? await bundledBinary() : sourceBinary
  const ready = (line: string): string | undefined => /^ready (.*)$/.exec(line)?.[1]
  const up = (): Promise<Started> =>
    startNode({ name: 'reins up', args: [...flags, main, 'up'], env, cwd: folder, ready })

  if (processes === 'one') {
    running.set('reins up', await up())
    closing.push(async () => running.get('reins up')?.stop())
  } else {
    mkdirSync(dataDir, { mode: 0o700 })
    const config = loadLocalConfig({ ...environment, ...env }, {}, folder)
    const { path: binary } = await findNatsServer({
      cacheDir: config.cacheDir,
      searchPath: config.searchPath,
      ...(config.natsServer === undefined ? {} : { explicit: config.natsServer }),
      log: () => {},
    })
    const natsDir = path.join(dataDir, 'nats')
    monitorPort = await freePort()
    servers.nats = await startNats({
      ...{ binary, dataDir: natsDir, durability, users: natsUsers(dataDir), maxPayloadBytes },
      extraConfig: `http: "127.0.0.1:${monitorPort}"`,
    })
    closing.push(async () => servers.nats?.close())
    servers.postgres = await startPostgres({ dataDir: path.join(dataDir, 'postgres') })
    closing.push(async () => servers.postgres?.close())
    adminToken(dataDir)
  }

  const startService = async (name: ServiceName): Promise<Started> => {
    const { nats, postgres } = servers
    if (!nats || !postgres) throw new Error('a further service needs the product in five processes')
    const user = natsUsers(dataDir).find((one) => one.user === name)
    const natsUrl = `nats://${name}:${encodeURIComponent(user?.password ?? '')}@127.0.0.1:${nats.port}`
    const started = await startNode({
      name,
      args: [...flags, main, 'service', name],
      env: { ...env, NATS_URL: natsUrl, DATABASE_URL: postgres.url },
      cwd: folder,
      ready,
    })
    closing.push(() => started.stop())
    running.set(name, started)
    return started
  }
  if (processes === 'five') for (const name of serviceNames) await startService(name)

  const token = readFileSync(path.join(dataDir, 'admin.token'), 'utf8').trim()
  const natsUrl = (): string => {
    const [union] = natsUsers(dataDir)
    const at =
      servers.nats?.url ??
      (JSON.parse(readFileSync(path.join(dataDir, 'servers.json'), 'utf8')) as { natsUrl: string }).natsUrl
    return at.replace('nats://', `nats://${union?.user}:${encodeURIComponent(union?.password ?? '')}@`)
  }
  const monitor = async (): Promise<Readonly<Record<string, number>> | undefined> =>
    monitorPort === undefined
      ? undefined
      : ((await (await fetch(`http://127.0.0.1:${monitorPort}/varz`)).json()) as Record<string, number>)
  const gateway = (): Started => {
    const one = running.get(processes === 'one' ? 'reins up' : 'session-gateway')
    if (!one) throw new Error('nobody serves HTTP')
    return one
  }
  const api = new ApiClient(gateway().said, token)
  closing.push(async () => api.close())
  await putAgents(api, workspace)
  return {
    ...{ durability, processes, api, token, folder, workspace, modelUrl: model.said, clockUrl: clock.said },
    url: gateway().said,
    natsUrl,
    gateway,
    startService,
    executor: () => running.get(processes === 'one' ? 'reins up' : 'executor') ?? gateway(),
    async restart() {
      running.set('reins up', await up())
    },
    monitor,
    async messages() {
      const varz = await monitor()
      return varz && { in: varz.in_msgs ?? 0, out: varz.out_msgs ?? 0 }
    },
    services: () => [...running.values()].filter(({ name }) => name !== 'model' && name !== 'clock model'),
    pids: () => [
      ...[...running].map(([name, { pid }]) => ({ name, pid })),
      ...(servers.nats ? [{ name: 'nats-server', pid: servers.nats.pid }] : []),
      ...(processes === 'one'
        ? descendants(gateway().pid).flatMap(({ command, pid }) =>
            command === 'nats-server' ? [{ name: command, pid }] : [],
          )
        : []),
    ],
    close,
  }
}

/** The line with which our models say that they listen. */
export const urlSaid = (line: string): string | undefined =>
  line.startsWith('{') ? (JSON.parse(line) as { url: string }).url : undefined

/** Free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

async function putAgents(api: ApiClient, workspace: string): Promise<void> {
  const common = { system_prompt: 'You are measured.', max_tokens: 100_000, max_tool_calls: 100 }
  // A turn is measured, and not the look at a workspace before the first one.
  const quiet = { workspace_context: false, ...common }
  await api.putAgent({ name: plainAgent, model: 'bench/assistant', ...common })
  await api.putAgent({ name: toolAgent, model: 'bench/assistant', tools: [{ files: { workspace } }], ...quiet })
  await api.putAgent({ name: clockAgent, model: 'clock/clock', ...common })
  await api.putAgent({ name: tickingAgent, model: 'clock/ticking', ...common })
  await api.putAgent({ name: heldAgent, model: 'clock/held', ...common })
  await api.putAgent({ name: silentAgent, model: 'clock/silent', ...common })
  const asks = [{ read_file: { workspace, approval: 'always' as const } }]
  await api.putAgent({ name: askingAgent, model: 'bench/assistant', tools: asks, ...quiet })
}
