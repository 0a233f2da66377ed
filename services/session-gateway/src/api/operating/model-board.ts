// Whose models the executors that are there can call, by what they say in their heartbeats: whoever names a model that none of them can
// call is warned. A hint, never a refusal: keys may come later, and an executor may be about to start.
import { type Heartbeat, type ModelProviders, noModel } from '@reins/contracts'

/** ms of silence after which what an instance said is forgotten: it says so each 2 s. */
const goneAfterMs = 6000

/** An agent, and the models that it names. */
export interface NamedModels {
  readonly agent: string
  readonly models: readonly string[]
}

export class ModelBoard {
  readonly #now: () => number
  readonly #here: ModelProviders | undefined
  readonly #said = new Map<string, { readonly at: number; readonly models: ModelProviders }>()

  /** `here`: of an executor in this process, which goes with it. */
  constructor(now: () => number, here?: ModelProviders) {
    this.#now = now
    this.#here = here
  }

  heard({ instance, models }: Heartbeat): void {
    if (models) this.#said.set(instance, { at: this.#now(), models })
  }

  /** A sentence for each provider that no executor can call, with the agents that name it. None where no executor has said anything. */
  warningsOf(named: readonly NamedModels[]): readonly string[] {
    const there = this.#there()
    if (there.length === 0) return []
    const callable = new Set(there.flatMap((one) => one.callable))
    const settings = new Map(
      there.flatMap(({ keyless }) => keyless.map(({ provider, setting }) => [provider, setting] as const)),
    )
    const lacking = new Map<string, { readonly model: string; readonly agents: Set<string> }>()
    for (const { agent, models } of named)
      for (const model of models) {
        const provider = model.slice(0, Math.max(model.indexOf('/'), 0))
        if (model === noModel || provider === '' || callable.has(provider)) continue
        const known = lacking.get(provider) ?? { model, agents: new Set() }
        known.agents.add(agent)
        lacking.set(provider, known)
      }
    return [...lacking].map(([provider, { model, agents }]) => {
      const setting = settings.get(provider)
      const whose = agents.size === 1 ? `the agent ${[...agents].join()}` : `the agents ${[...agents].join(', ')}`
      return setting === undefined
        ? `No executor has the provider ${provider}, so ${whose} cannot call ${model}. Add it to REINS_MODEL_PROVIDERS where the executor runs, and start that again.`
        : `No executor has a key for ${provider}, so ${whose} cannot call ${model}. Set ${setting} where the executor runs, and start that again.`
    })
  }

  #there(): readonly ModelProviders[] {
    const oldest = this.#now() - goneAfterMs
    for (const [instance, { at }] of this.#said) if (at < oldest) this.#said.delete(instance)
    return [...(this.#here ? [this.#here] : []), ...[...this.#said.values()].map(({ models }) => models)]
  }
}
