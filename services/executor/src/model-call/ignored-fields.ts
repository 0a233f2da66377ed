// What models send that no schema knows, for whoever looks after this Reins: each name once in the log, and never what stood in it.
import type { Log } from '@reins/telemetry'

/** Of names: a server that makes up new ones for each answer must not fill the memory, nor the log. */
const mostKnown = 500

export class IgnoredFields {
  readonly #log: Pick<Log, 'info'>
  readonly #known = new Set<string>()

  constructor(log: Pick<Log, 'info'>) {
    this.#log = log
  }

  note(model: string, names: readonly string[]): void {
    const fresh = names.filter((name) => this.#known.size < mostKnown && !this.#known.has(`${model} ${name}`))
    if (fresh.length === 0) return
    for (const name of fresh) this.#known.add(`${model} ${name}`)
    this.#log.info(
      { model, fields: fresh },
      'a model sent fields that are not understood; its answer was read without them',
    )
  }
}
