// A place for one service: its process, and its own way to the broker, or to all nodes of a cluster. What dies here is started again; what ends by itself is told.
import type { ServiceName } from '@reins/contracts'
import { pause } from '../harness/eventually.ts'
import { NatsProxy, type ProxyFaults } from '../harness/nats-proxy.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import type { ServiceSettings, World } from '../harness/world.ts'

export class Slot {
  readonly name: ServiceName
  /** undefined: it knows every node of a cluster. */
  readonly proxy: NatsProxy | undefined
  readonly #world: World
  readonly #endedByItself: (slot: Slot, log: readonly string[]) => void
  #process: ServiceProcess | undefined
  /** A fault is at work here. */
  busy = false
  /** Every instance that stood here, for what it may still hold. */
  instance: () => string | undefined = () => undefined

  private constructor(
    world: World,
    name: ServiceName,
    proxy: NatsProxy | undefined,
    endedByItself: (slot: Slot, log: readonly string[]) => void,
  ) {
    this.#world = world
    this.name = name
    this.proxy = proxy
    this.#endedByItself = endedByItself
  }

  static async open(
    world: World,
    name: ServiceName,
    faults: ProxyFaults,
    endedByItself: (slot: Slot, log: readonly string[]) => void,
  ): Promise<Slot> {
    const { cluster, natsPort } = world.servers
    const proxy = cluster ? undefined : await NatsProxy.open(natsPort, faults)
    const slot = new Slot(world, name, proxy, endedByItself)
    await slot.start()
    return slot
  }

  get process(): ServiceProcess {
    if (!this.#process) throw new Error(`${this.name} was never started`)
    return this.#process
  }

  /** Until it stands: a broker that is away is waited for. `build`: of another version. */
  async start(build: ServiceSettings = {}): Promise<void> {
    const dead = this.#process
    for (let tries = 1; ; tries++) {
      try {
        const settings = { ...build, ...(this.proxy ? { natsPort: this.proxy.port } : {}) }
        const process =
          dead && this.name === 'session-gateway'
            ? await this.#world.replaceGateway(dead, settings)
            : await this.#world.start(this.name, settings)
        this.#process = process
        this.instance = process.instance
        return
      } catch (error) {
        if (tries >= 10) throw error
        await pause(200)
      }
    }
  }

  /** Starts it again if it is gone though nobody killed it. */
  async look(): Promise<void> {
    if (this.busy || this.process.alive()) return
    this.busy = true
    this.#endedByItself(this, this.process.log())
    await this.start()
    this.busy = false
  }

  close(): void {
    this.proxy?.close()
  }
}
