// What goes wrong: one fault at a time in a place, several places at once. Each is undone by itself.
import { pause } from '../harness/eventually.ts'
import type { World } from '../harness/world.ts'
import type { Random } from './random.ts'
import type { Slot } from './slot.ts'

type FaultOfService = 'kill' | 'stall' | 'terminate' | 'cut' | 'freeze'
type FaultOfServer = 'nats-server kill' | 'postgres kill'
/** Of one node of three (e2e/cluster). */
type FaultOfNode = 'leader kill' | 'node freeze' | 'node replaced'
export type FaultKind = FaultOfService | FaultOfServer | FaultOfNode

/** What goes wrong, until it says that it is over. */
export interface Trouble {
  readonly hits: readonly Hit[]
  /** Resolves when everything is whole again. */
  run(over: AbortSignal): Promise<void>
}

/** Who was hit, and when: for what it held then. */
export interface Hit {
  readonly kind: FaultKind
  /** epoch ms */
  readonly at: number
  readonly instance: string | undefined
}

const weights: readonly (readonly [number, FaultOfService | FaultOfServer])[] = [
  [30, 'kill'],
  [25, 'stall'],
  [15, 'terminate'],
  [12, 'cut'],
  [12, 'freeze'],
  [5, 'nats-server kill'],
  [1, 'postgres kill'],
]

export interface FaultsOptions {
  readonly world: World
  readonly slots: readonly Slot[]
  readonly random: Random
  /** ms from one fault to the next, about. */
  readonly everyMs: number
  now(): number
  failed(error: unknown): void
}

export class Faults implements Trouble {
  readonly hits: Hit[] = []
  readonly #options: FaultsOptions
  readonly #running = new Set<Promise<void>>()
  #server: Promise<void> = Promise.resolve()

  constructor(options: FaultsOptions) {
    this.#options = options
  }

  /** Until `over` aborts; then everything is whole again. */
  async run(over: AbortSignal): Promise<void> {
    const { random, everyMs, slots } = this.#options
    while (!over.aborted) {
      await pause(random.between(Math.floor(everyMs * 0.4), Math.floor(everyMs * 1.6)))
      for (const slot of slots) this.#track(slot.look())
      if (over.aborted) break
      this.#one()
    }
    await Promise.all(this.#running)
    await this.#server
    for (const slot of slots) await slot.look()
  }

  #one(): void {
    const { random, slots } = this.#options
    const kind = random.weighted(weights)
    const ms = random.between(200, 3200)
    const slot = random.pick(slots)
    if (kind === 'nats-server kill' || kind === 'postgres kill') {
      this.#track(this.#hitServer(kind, ms / 2))
      return
    }
    // A place that is hit already is left alone: so is the choice that the seed makes.
    if (slot.busy || !slot.process.alive()) return
    this.hits.push({ kind, at: this.#options.now(), instance: slot.instance() })
    slot.busy = true
    this.#track(
      this.#hit(slot, kind, ms).finally(() => {
        slot.busy = false
      }),
    )
  }

  async #hit(slot: Slot, kind: FaultOfService, ms: number): Promise<void> {
    switch (kind) {
      case 'kill':
        await slot.process.kill()
        await pause(ms / 4)
        return slot.start()
      case 'terminate':
        await slot.process.terminate()
        return slot.start()
      case 'stall':
        slot.process.stop()
        await pause(ms)
        return slot.process.continue()
      case 'cut':
        slot.proxy?.cut()
        await pause(ms / 2)
        return slot.proxy?.heal()
      case 'freeze':
        slot.proxy?.freeze()
        await pause(ms)
        return slot.proxy?.heal()
      default:
        kind satisfies never
    }
  }

  #hitServer(kind: FaultOfServer, ms: number): Promise<void> {
    const { servers } = this.#options.world
    this.#server = this.#server.then(async () => {
      this.hits.push({ kind, at: this.#options.now(), instance: undefined })
      if (kind === 'nats-server kill') {
        await servers.killNats()
        await pause(ms)
        await servers.restartNats()
      } else {
        await servers.killPostgres()
        await pause(ms)
        await servers.restartPostgres()
      }
    })
    return this.#server
  }

  #track(work: Promise<void>): void {
    const done = work.catch((error) => this.#options.failed(error)).finally(() => this.#running.delete(done))
    this.#running.add(done)
  }
}
