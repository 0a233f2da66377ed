// Three nats-servers that are one cluster, on loopback: each can be killed, frozen, and come back with an empty folder. Whoever starts
// them closes them; the folder goes with them.
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { type NatsOptions, type RunningNats, startNats } from '@reins/local'

export interface NatsCluster {
  readonly size: number
  /** Of clients, node by node; they stay what they are. */
  readonly ports: readonly number[]
  /** kill -9; resolves when it is gone. */
  kill(node: number): Promise<void>
  /** With what it had stored, or without: a machine that stands in for one that is lost. */
  start(node: number, how?: 'as it was' | 'empty'): Promise<void>
  /** Nothing that it is sent is read, and its connections stay: what others see of a machine that is cut off. */
  freeze(node: number): void
  thaw(node: number): void
  close(): Promise<void>
}

export type NodeOptions = Pick<NatsOptions, 'binary' | 'durability' | 'users' | 'maxPayloadBytes'>

const size = 3
/** A peer that is silent for so long counts as gone: else what is sent to it waits for minutes. */
const pings = 'ping_interval: "1s", ping_max: 2'

export const nodeName = (node: number): string => `node-${node}`

export async function startCluster(folder: string, options: NodeOptions): Promise<NatsCluster> {
  const routes = await freePorts(size)
  const known = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const folderOf = (node: number): string => path.join(folder, nodeName(node))
  const boot = (node: number, port = 0): Promise<RunningNats> =>
    startNats({
      ...options,
      ...{ dataDir: folderOf(node), port },
      extraConfig: `server_name: ${nodeName(node)}\ncluster { name: reins, host: "127.0.0.1", port: ${routes[node]}, routes: [ ${known} ], ${pings} }`,
    })
  const nodes = await Promise.all(routes.map((_, node) => boot(node)))
  const ports = nodes.map(({ port }) => port)
  const signal = (node: number, what: NodeJS.Signals): void => nodes[node]?.kill(what)
  return {
    size,
    ports,
    async kill(node) {
      signal(node, 'SIGKILL')
      await nodes[node]?.close()
    },
    async start(node, how = 'as it was') {
      if (how === 'empty') rmSync(folderOf(node), { recursive: true, force: true })
      nodes[node] = await boot(node, ports[node])
    },
    freeze: (node) => signal(node, 'SIGSTOP'),
    thaw: (node) => signal(node, 'SIGCONT'),
    async close() {
      for (const node of nodes.keys()) signal(node, 'SIGCONT')
      await Promise.all(nodes.map((node) => node.close({ withinMs: 5000 })))
    },
  }
}

const freePorts = (count: number): Promise<number[]> =>
  Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer().listen(0, '127.0.0.1')
      return new Promise<number>((resolve) =>
        server.on('listening', () => {
          const address = server.address()
          server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
        }),
      )
    }),
  )
