// What an operator of a cluster does and suffers, one after the other, under load: the leader of a stream is killed, a node is cut off,
// a node comes back without its folder, each service is restarted. After each the cluster is whole again before the next begins.
import { jetstreamManager } from '@nats-io/jetstream'
import { findSessionStreams } from '@reins/broker'
import type { Stage } from '../chaos/chaos.ts'
import type { Hit, Trouble } from '../chaos/faults.ts'
import type { Slot } from '../chaos/slot.ts'
import { newer } from '../evolution/newer.ts'
import { eventually } from '../harness/eventually.ts'
import { type NatsCluster, nodeName } from '../harness/nats-cluster.ts'
import { splitStreams } from '../harness/split-command.ts'
import type { ServiceSettings } from '../harness/world.ts'
import { Stopwatch } from './stopwatch.ts'

export const outageKinds = {
  leader: 'the leader of a stream is killed',
  'cut-off': 'a node is cut off',
  replaced: 'the leader of a stream is killed, and an empty node takes its place',
  restart: 'every process is restarted, one after the other',
  split: 'the one stream of sessions is split over four, and whoever does it is killed and begins again',
  upgrade: 'every process is replaced by the next build, one after the other, and then by the older one again',
} as const
export type OutageKind = keyof typeof outageKinds

export interface Outage {
  readonly what: string
  /** The longest turn that lay in it, for whoever waited: ms. */
  readonly longestTurnMs: number
  /** Of a node: ms until the sessions and the work in them had leaders again. */
  readonly ledAfterMs?: number
  /** ms from then until that turn had ended. */
  readonly thenMs?: number
}

interface Led {
  readonly hit: number
  readonly at: number
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
  /** When the broker was itself again after the last hit. */
  #led: Promise<Led | undefined> | undefined
  #mending = new AbortController()

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
        await this.#restartAll()
        return async () => undefined
      },
      split: async () => {
        await this.#split()
        return async () => undefined
      },
      upgrade: async () => {
        await this.#restartAll(newer)
        return () => this.#restartAll()
      },
    }
    for (const kind of this.#options.kinds) await this.#outage(outageKinds[kind], happen[kind])
  }

  /** `happens` gives what makes it whole again. */
  async #outage(what: string, happens: () => Promise<() => Promise<void>>): Promise<void> {
    this.#led = undefined
    this.#mending = new AbortController()
    const from = performance.now()
    const mend = await happens()
    this.#mending.abort()
    await mend()
    await this.#whole()
    await this.stopwatch.goesOn()
    const whole = Math.round(performance.now() - from)
    const longest = this.stopwatch.longestSince(from)
    const led = await this.#ledBy()
    const parts =
      led === undefined
        ? {}
        : {
            ledAfterMs: Math.round(led.at - led.hit),
            thenMs: Math.max(0, Math.round((longest?.to ?? led.at) - led.at)),
          }
    const longestTurnMs = longest === undefined ? 0 : Math.round(longest.to - longest.from)
    this.outages.push({ what, longestTurnMs, ...parts })
    const broker =
      led === undefined
        ? ''
        : `; sessions had leaders after ${parts.ledAfterMs} ms, and it ended ${parts.thenMs} ms later`
    this.#options.say(`${what}: the longest turn took ${longestTurnMs} ms${broker}; whole after ${whole} ms`)
  }

  readonly #ledBy = () => this.#led

  /** When the sessions, and the work in them, have leaders again. performance.now(); undefined: not before the node came back. */
  async #ledAgain(gone: string, hit: number): Promise<Led | undefined> {
    const { signal } = this.#mending
    const at = await eventually(
      async () => signal.aborted || ((await this.#sessionsAreLed(gone).catch(() => false)) && performance.now()),
      { withinMs: wholeWithinMs, describe: () => 'the sessions and the work in them have leaders' },
    )
    return at === true ? undefined : { hit, at }
  }

  async #sessionsAreLed(gone: string): Promise<boolean> {
    const manager = await jetstreamManager(this.#options.world.broker.nc, { timeout: 1000, checkAPI: false })
    const led = ({ leader }: { readonly leader?: string | undefined } = {}): boolean =>
      leader !== undefined && leader !== '' && leader !== gone
    const { names } = await findSessionStreams(this.#options.world.broker)
    const streams = await manager.streams.list().next()
    if (streams.length === 0 || !streams.every(({ cluster }) => led(cluster))) return false
    const consumers = await Promise.all(names.map((name) => manager.consumers.list(name).next()))
    const work = consumers.flat().filter(({ config }) => config.durable_name !== undefined)
    return work.length > 0 && work.every(({ cluster }) => led(cluster))
  }

  async #hitLeader(kind: Hit['kind'], stream: string, hit: (node: number) => Promise<void>): Promise<number> {
    const node = await eventually(async () => {
      const leader = (await this.#states()).find(({ name }) => name === stream)?.leader
      const found = Array.from({ length: this.#cluster.size }, (_, one) => one).find((one) => nodeName(one) === leader)
      return found !== undefined && { found }
    })
    this.#hit(kind, undefined)
    const now = performance.now()
    await hit(node.found)
    this.#led = this.#ledAgain(nodeName(node.found), now)
    this.#led.catch(() => undefined)
    return node.found
  }

  /** Killed before it is closed, while nothing can be appended, and in the middle of the change. split-killed.int.test.ts has every step. */
  async #split(): Promise<void> {
    const { world, say } = this.#options
    if ((await findSessionStreams(world.broker)).names.length > 1) return
    for (const killedAt of ['mirrored', 'closed', 'promoted-one'] as const) await splitStreams(world, { killedAt })
    const done = await splitStreams(world)
    say(`split: ${JSON.stringify(done?.said)}`)
  }

  /** One after the other, first one of each name: another one goes on, where there are two. */
  async #restartAll(build?: ServiceSettings): Promise<void> {
    const slots = [...this.#options.slots, this.#options.registry]
    const placeOf = (slot: Slot): number => slots.filter(({ name }) => name === slot.name).indexOf(slot)
    for (const slot of slots.toSorted((a, b) => placeOf(a) - placeOf(b))) {
      await this.#restart(slot, build)
      await this.stopwatch.goesOn()
    }
  }

  async #restart(slot: Slot, build: ServiceSettings | undefined): Promise<void> {
    slot.busy = true
    this.#hit('terminate', slot.instance())
    await slot.process.terminate()
    await slot.start(build)
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
