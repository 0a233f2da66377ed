// What an operator of a cluster does and suffers, one after the other, under load: the leader of a stream is killed, a node is cut off,
// a node comes back without its folder, each service is restarted. After each the cluster is whole again before the next begins.
import { jetstreamManager } from '@nats-io/jetstream'
import { findSessionStreams } from '@reins/broker'
import type { Stage } from '../chaos/chaos.ts'
import type { Hit, Trouble } from '../chaos/faults.ts'
import type { Slot } from '../chaos/slot.ts'
import { eventually } from '../harness/eventually.ts'
import { type NatsCluster, nodeName } from '../harness/nats-cluster.ts'
import { Stopwatch } from './stopwatch.ts'

export const outageKinds = {
  leader: 'the leader of a stream is killed',
  'cut-off': 'a node is cut off',
  replaced: 'the leader of a stream is killed, and an empty node takes its place',
  restart: 'every service is restarted, one of each at a time',
} as const
export type OutageKind = keyof typeof outageKinds

export interface Outage {
  readonly what: string
  /** The longest turn that lay in it, for whoever waited: ms. */
  readonly longestTurnMs: number
}

export interface OutagesOptions extends Stage {
  say(line: string): void
  readonly kinds: readonly OutageKind[]
  /** How often. */
  readonly rounds: number
}

const hands = 4
const wholeWithinMs = 120_000

export class Outages implements Trouble {
  readonly hits: Hit[] = []
  readonly outages: Outage[] = []
  readonly stopwatch: Stopwatch
  readonly #options: OutagesOptions
  readonly #cluster: NatsCluster

  constructor(options: OutagesOptions) {
    const { cluster } = options.world.servers
    if (!cluster) throw new Error('outages of nodes need a cluster')
    this.#options = options
    this.#cluster = cluster
    this.stopwatch = new Stopwatch({ api: options.api, agent: options.agent, hands })
  }

  async run(): Promise<void> {
    const turns = this.stopwatch.run()
    try {
      await this.stopwatch.goesOn()
      for (let round = 0; round < this.#options.rounds; round++) await this.#round()
    } catch (error) {
      this.#options.failed(error)
    } finally {
      this.stopwatch.stop()
      await turns.catch((error: unknown) => this.#options.failed(error))
    }
  }

  async #round(): Promise<void> {
    const { names } = await findSessionStreams(this.#options.world.broker)
    const cluster = this.#cluster
    const at = (index: number): string => names[index % names.length] ?? ''
    const happen: Record<OutageKind, () => Promise<() => Promise<void>>> = {
      leader: async () => {
        const node = await this.#hitLeader('leader kill', at(0), (leader) => cluster.kill(leader))
        await this.stopwatch.goesOn()
        return () => cluster.start(node)
      },
      'cut-off': async () => {
        const node = await this.#hitLeader('node freeze', at(1), async (leader) => cluster.freeze(leader))
        await this.stopwatch.goesOn()
        return async () => cluster.thaw(node)
      },
      replaced: async () => {
        const node = await this.#hitLeader('node replaced', at(2), (leader) => cluster.kill(leader))
        return () => cluster.start(node, 'empty')
      },
      restart: async () => {
        // One of each name at a time: another one goes on, where there are two.
        const { slots } = this.#options
        const placeOf = (slot: Slot): number => slots.filter(({ name }) => name === slot.name).indexOf(slot)
        for (const wave of Map.groupBy(slots, placeOf).values())
          await Promise.all(wave.map((slot) => this.#restart(slot)))
        await this.stopwatch.goesOn()
        return async () => undefined
      },
    }
    for (const kind of this.#options.kinds) await this.#outage(outageKinds[kind], happen[kind])
  }

  /** `happens` gives what makes it whole again. */
  async #outage(what: string, happens: () => Promise<() => Promise<void>>): Promise<void> {
    const from = performance.now()
    const mend = await happens()
    await mend()
    await this.#whole()
    await this.stopwatch.goesOn()
    const longestTurnMs = this.stopwatch.longestSince(from)
    this.outages.push({ what, longestTurnMs })
    this.#options.say(
      `${what}: the longest turn took ${longestTurnMs} ms, whole after ${Math.round(performance.now() - from)} ms`,
    )
  }

  async #hitLeader(kind: Hit['kind'], stream: string, hit: (node: number) => Promise<void>): Promise<number> {
    const node = await eventually(async () => {
      const leader = (await this.#states()).find(({ name }) => name === stream)?.leader
      const found = Array.from({ length: this.#cluster.size }, (_, one) => one).find((one) => nodeName(one) === leader)
      return found !== undefined && { found }
    })
    this.#hit(kind, undefined)
    await hit(node.found)
    return node.found
  }

  async #restart(slot: Slot): Promise<void> {
    slot.busy = true
    this.#hit('terminate', slot.instance())
    await slot.process.terminate()
    await slot.start()
    slot.busy = false
  }

  #hit(kind: Hit['kind'], instance: string | undefined): void {
    this.hits.push({ kind, at: this.#options.now(), instance })
  }

  /** Every stream has a leader, and every copy is complete. */
  async #whole(): Promise<void> {
    let last: unknown
    await eventually(
      async () => {
        const states = await this.#states()
        last = states.filter(({ whole }) => !whole).map(({ name }) => name)
        return states.length > 0 && states.every(({ whole }) => whole)
      },
      { withinMs: wholeWithinMs, describe: () => `every copy of every stream is complete; not of ${String(last)}` },
    )
  }

  async #states(): Promise<readonly { name: string; leader: string | undefined; whole: boolean }[]> {
    try {
      const manager = await jetstreamManager(this.#options.world.broker.nc, { timeout: 1000, checkAPI: false })
      const streams = await manager.streams.list().next()
      return streams.map(({ config: { name, num_replicas }, cluster }) => {
        const copies = cluster?.replicas ?? []
        const complete = copies.filter(({ current, offline }) => current && offline !== true)
        return {
          name,
          leader: cluster?.leader,
          whole: cluster?.leader !== undefined && complete.length === num_replicas - 1,
        }
      })
    } catch {
      return []
    }
  }
}
