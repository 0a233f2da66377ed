// `env` of a project's app: the configs and secrets that the project declares, for the code of app.ts, routes and channels.
//   AV1. They are kept for a moment, so that a request does not wait for them; a value that is set or changed counts soon after.
//   AV2. The registry gives the secrets of builds that projects have, to gateways as to whoever else runs their code.
//   AV4. What is kept is bounded by count and size; then all of it is forgotten, and asked for again.
//   AV3. Whoever masks learns them before the code is given them.
import {
  type Config,
  type ProjectEntry,
  projectSecretsVerb,
  type ResolvedSecrets,
  serviceSubject,
} from '@reins/contracts'
import { type ProjectValues, projectValues } from '@reins/secrets'
import type { CallService } from '../../ports.ts'

export interface AppValuesOptions {
  readonly call: CallService
  /** AV3. */
  readonly learnt: (values: readonly string[]) => void
  readonly now: () => number
}

const keptMs = 3000
const askMs = 5000
const mostKept = 200
/** AV4: in characters. */
const mostChars = 16_000_000

export class AppValues {
  readonly #options: AppValuesOptions
  /** By the digest of the build. */
  readonly #kept = new Map<string, { readonly until: number; readonly values: Promise<ProjectValues> }>()

  /** Since it was empty: an upper bound of what it holds. */
  #chars = 0

  constructor(options: AppValuesOptions) {
    this.#options = options
  }

  /** Rejects where the registry does not answer. */
  async of({ digest, manifest }: ProjectEntry): Promise<ProjectValues> {
    const { env = [], secrets = [] } = manifest
    if (env.length + secrets.length === 0) return { kind: 'given', env: {} }
    const { now } = this.#options
    const known = this.#kept.get(digest)
    if (known && now() < known.until) return known.values // AV1
    if (this.#kept.size >= mostKept) this.#clear()
    const values = this.#ask(digest, { env, secrets })
    const entry = { until: now() + keptMs, values }
    this.#kept.set(digest, entry)
    const forget = (): void => {
      if (this.#kept.get(digest) === entry) this.#kept.delete(digest)
    }
    void values.then((found) => {
      if (found.kind === 'missing') forget()
      else this.#weigh(found.env)
    }, forget)
    return values
  }

  /** AV4. */
  #weigh(env: Readonly<Record<string, string>>): void {
    this.#chars += Object.values(env).reduce((sum, value) => sum + value.length, 0)
    if (this.#chars > mostChars) this.#clear()
  }
  #clear(): void {
    this.#kept.clear()
    this.#chars = 0
  }

  #ask(digest: string, declared: { readonly env: readonly string[]; readonly secrets: readonly string[] }) {
    const { call, learnt } = this.#options
    const config = async (name: string): Promise<unknown> => {
      const reply = await call<Config>(serviceSubject('registry', 'configs.get'), { name }, askMs)
      if (reply.ok) return reply.value.value
      if (reply.error.code === 'config_not_found') return undefined
      throw new Error(reply.error.message)
    }
    const resolve = (request: object) =>
      call<ResolvedSecrets>(serviceSubject('registry', projectSecretsVerb), request, askMs)
    return projectValues({ config, resolve, learnt }, declared, digest)
  }
}
