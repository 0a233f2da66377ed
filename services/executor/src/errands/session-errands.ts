// The errands of one session, and which of them are done for good and need not be looked after again.
import type { Trigger } from '@reins/journal'
import { type Errand, errandsOfTrigger, finalErrand, standingErrands } from '@reins/session'
import type { SessionFold } from '../session/session-fold.ts'
import { doErrand, type ErrandContext, type Errands } from './errands.ts'

const maxDoneKept = 256

export class SessionErrands {
  readonly #id: string
  readonly #context: ErrandContext
  readonly #fold: SessionFold
  /** By name, done for good; most sessions have none. */
  #done: Set<string> | undefined

  constructor(id: string, context: ErrandContext, fold: SessionFold) {
    this.#id = id
    this.#context = context
    this.#fold = fold
  }

  /**
   * A frame that asks for something in another session is a trigger for that alone (I9). `newer`: that session is a newer process's to
   * decide on.
   */
  async doFor({ frame, to }: Trigger): Promise<'none' | Errands> {
    // Where its own session is beyond this version, the actor's decision gives it back.
    if (this.#fold.session.beyond) return 'none'
    const errands = errandsOfTrigger(this.#id, frame, to, this.#fold.head)
    return errands.length > 0 ? this.#runAll(errands, to.kind === 'exec' ? to.pool : '') : 'none'
  }

  /** Whoever was to see to it: its open delegations have their children, its parent has its answer (PROTOCOL 4). */
  async seeToStanding(): Promise<Errands> {
    const { session, head } = this.#fold
    return this.#runAll(standingErrands(session), head.pool)
  }

  async #runAll(errands: readonly Errand[], pool: string): Promise<Errands> {
    let all: Errands = 'done'
    for (const errand of errands) if ((await this.#run(errand, pool)) === 'newer') all = 'newer'
    return all
  }

  async #run(errand: Errand, pool: string): Promise<Errands> {
    const name = finalErrand(this.#fold.session, errand)
    if (name !== null && this.#done?.has(name)) return 'done'
    const outcome = await doErrand(this.#context, this.#id, this.#fold.session, errand, pool)
    if (name === null || outcome === 'newer') return outcome
    if (!this.#done || this.#done.size >= maxDoneKept) this.#done = new Set()
    this.#done.add(name)
    return 'done'
  }
}
