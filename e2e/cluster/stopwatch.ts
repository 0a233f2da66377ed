// What people wait for: whole turns through HTTP, one after the other, each at any gateway until one has answered it.
import { randomUUID } from 'node:crypto'
import type { Accepted } from '../chaos/load.ts'
import type { Api } from '../harness/api.ts'
import { eventually, pause } from '../harness/eventually.ts'
import type { CreatedSession } from '@reins/contracts'

export interface Turn {
  /** performance.now() */
  readonly from: number
  readonly to: number
}

const lengthOf = ({ from, to }: Turn): number => to - from

export interface StopwatchOptions {
  readonly api: Api
  readonly agent: string
  /** Clients, each with its turns in a session of its own: new sessions lie in all streams. */
  readonly hands: number
}

const answerWithinMs = 120_000
const betweenMs = 150
/** What a gateway that lives takes longer for is its fault, and is seen. */
const patienceMs = 60_000

export class Stopwatch {
  readonly accepted: Accepted[] = []
  readonly #options: StopwatchOptions
  readonly #turns: Turn[][]
  #over = false
  #failure: unknown

  constructor(options: StopwatchOptions) {
    this.#options = options
    this.#turns = Array.from({ length: options.hands }, () => [])
  }

  /** Until `stop`. */
  async run(): Promise<void> {
    await Promise.all(this.#turns.map((turns, hand) => this.#hand(turns, hand)))
    if (this.#failure !== undefined) throw this.#failure
  }

  stop(): void {
    this.#over = true
  }

  /** Resolves when each hand has had a turn that began after this call. */
  async goesOn(): Promise<void> {
    const now = performance.now()
    await eventually(
      () => this.#failure !== undefined || this.#turns.every((turns) => (turns.at(-1)?.from ?? 0) > now),
      { withinMs: answerWithinMs, describe: () => 'every client has a turn again' },
    )
    if (this.#failure !== undefined) throw this.#failure
  }

  /** The longest turn of which some part lies after `from`. */
  longestSince(from: number): Turn | undefined {
    return this.#all()
      .filter(({ to }) => to >= from)
      .reduce<Turn | undefined>(
        (longest, turn) => (longest && lengthOf(longest) >= lengthOf(turn) ? longest : turn),
        undefined,
      )
  }

  /** ms of the middle one of all turns. */
  median(): number {
    const all = this.#all()
      .map(lengthOf)
      .sort((a, b) => a - b)
    return Math.round(all[Math.floor(all.length / 2)] ?? 0)
  }

  #all(): readonly Turn[] {
    return this.#turns.flat()
  }

  async #hand(turns: Turn[], hand: number): Promise<void> {
    const { api, agent } = this.#options
    try {
      for (let gateway = hand; !this.#over; gateway++) {
        const from = performance.now()
        const { body } = await api.stubborn<CreatedSession>(
          'POST',
          '/v1/sessions?wait=turn',
          { agent, message: 'say tick' },
          { key: randomUUID(), gateway, withinMs: answerWithinMs, patienceMs },
        )
        turns.push({ from, to: performance.now() })
        await pause(betweenMs)
        const { id } = body.session
        if (body.messageId !== undefined) this.accepted.push({ session: id, message: body.messageId })
      }
    } catch (error) {
      this.#failure = error
    }
  }
}
