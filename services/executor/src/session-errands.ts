// The errands of one session, and which of them are done for good and need not be looked after again.
import type { Trigger } from '@reins/journal'
import { type Errand, errandsOfTrigger, finalErrand, standingErrands } from '@reins/session'
import { doErrand, type ErrandContext } from './errands.ts'
import type { SessionFold } from './session-fold.ts'

const maxDoneKept = 256

export class SessionErrands {
  readonly #id: string
  readonly #context: ErrandContext
  readonly #fold: SessionFold
  /** By name, done for good. */
  readonly #done = new Set<string>()

  constructor(id: string, context: ErrandContext, fold: SessionFold) {
    this.#id = id
    this.#context = context
    this.#fold = fold
  }

  /** A frame that asks for something in another session is a trigger for that alone (I9). true: it was one, and that is done. */
  async doneFor({ frame, to }: Trigger): Promise<boolean> {
    const errands = errandsOfTrigger(this.#id, frame, to, this.#fold.head)
    for (const errand of errands) await this.#run(errand, to.kind === 'exec' ? to.pool : '')
    return errands.length > 0
  }

  /** Whoever was to see to it: its open delegations have their children, its parent has its answer (PROTOCOL 4). */
  async seeToStanding(): Promise<void> {
    const { session, head } = this.#fold
    for (const errand of standingErrands(session)) await this.#run(errand, head.pool)
  }

  async #run(errand: Errand, pool: string): Promise<void> {
    const name = finalErrand(this.#fold.session, errand)
    if (name !== null && this.#done.has(name)) return
    await doErrand(this.#context, this.#id, this.#fold.session, errand, pool)
    if (name === null) return
    if (this.#done.size >= maxDoneKept) this.#done.clear()
    this.#done.add(name)
  }
}
