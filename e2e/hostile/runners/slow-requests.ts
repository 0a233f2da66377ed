// A gateway that waits a second for a request, and a client that takes its time. Whoever starts it closes it.
import { World } from '../../../services/session-gateway/test/world.ts'
import type { SlowRequest } from '../cases/doors/slow-requests.ts'
import { sendRaw } from './raw-requests.ts'

const everyMs = 100

export class SlowDoor {
  readonly #world: World

  private constructor(world: World) {
    this.#world = world
  }

  static async start(): Promise<SlowDoor> {
    return new SlowDoor(await World.start({ limits: { requestWithinMs: 1000 } }))
  }

  /** Meanwhile others are served. */
  async try({ first, again }: SlowRequest): Promise<string> {
    const { url } = this.#world
    const host = new URL(url).host
    const answer = sendRaw(url, first.replaceAll('{host}', host), { text: again, everyMs })
    const { status } = await fetch(`${url}/health`)
    return status === 200 ? answer : `others are not served: ${status}`
  }

  close = (): Promise<readonly string[]> => this.#world.close()
}
