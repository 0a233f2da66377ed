// What attacks are made on: a whole product whose services are processes of their own, with one agent, `helper`.
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

export const deadline = 240_000

export class AttackedProduct {
  readonly world: World
  /** All but the gateway. */
  services: readonly ServiceProcess[]

  private constructor(world: World, services: readonly ServiceProcess[]) {
    this.world = world
    this.services = services
  }

  /** Whoever opens it closes it. */
  static async open(): Promise<AttackedProduct> {
    const world = await World.open()
    const product = new AttackedProduct(world, await started(world))
    await world.start('session-gateway')
    await world.agent('helper')
    return product
  }

  close(): Promise<void> {
    return this.world.close()
  }

  /** kill -9, and all of them anew. */
  async restart(): Promise<void> {
    await Promise.all(this.services.map((service) => service.kill()))
    this.services = await started(this.world)
  }

  /** In the place of one that is killed. */
  async replace(name: ServiceProcess['name'], environment: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const old = this.services.find((service) => service.name === name)
    await old?.kill()
    const fresh = await this.world.start(name, { environment })
    this.services = this.services.map((service) => (service === old ? fresh : service))
    return fresh
  }

  /** How a turn of the session ends; of a new one without. */
  async answers(session?: string): Promise<string> {
    const id = session ?? (await this.world.api.create('helper')).session.id
    return (await this.world.api.turn(id, 'shell echo done')).turn.status
  }

  shown(session: string) {
    return this.world.api.once<{ status?: string; quarantine?: { reason: string } }>('GET', `/v1/sessions/${session}`)
  }

  becomes(session: string, status: string): Promise<unknown> {
    return eventually(async () => (await this.shown(session)).body.status === status)
  }
}

const started = async (world: World): Promise<readonly ServiceProcess[]> => [
  await world.start('registry'),
  ...(await Promise.all((['tool-runner', 'memory', 'executor'] as const).map((name) => world.start(name)))),
]
