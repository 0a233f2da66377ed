// Databases of the provider postgresql, by the secrets that hold their URLs.
//   DB1. The registry opens a secret for a version of an agent that names it, and for no other. The value is known to whoever masks before
//        it is used, and is asked for again after a while, so that a changed secret counts.
//   DB2. A database is opened once, and closed when nobody has asked for it for long, or with the service.
import { type Broker, callService } from '@reins/broker'
import {
  fieldsOf,
  jsonValue,
  ReinsError,
  type ResolvedSecrets,
  resolveSecretsVerb,
  serviceSubject,
} from '@reins/contracts'
import { makeRecipient } from '@reins/secrets'
import type { EntryStore } from '../store.ts'
import { postgresStore } from './postgres-store.ts'

export interface DatabasesOptions {
  /** The value of a secret that a version of an agent names. Rejects with a ReinsError. */
  readonly secret: (name: string, digest: string) => Promise<string>
  readonly now: () => number
}

const askAgainMs = 60_000
const mostOpen = 16

export class Databases {
  readonly #options: DatabasesOptions
  readonly #urls = new Map<string, { readonly url: string; readonly until: number }>()
  readonly #open = new Map<string, EntryStore>()

  constructor(options: DatabasesOptions) {
    this.#options = options
  }

  async store(secret: string, digest: string | undefined): Promise<EntryStore> {
    if (digest === undefined)
      throw new ReinsError('memory_unusable', 'A database of your own is reached through an agent that uses it.', {
        next: 'Name the agent: reins memory list --agent NAME',
      })
    const url = await this.#url(secret, digest)
    const store = this.#open.get(url) ?? postgresStore(url)
    // The latest that was asked stands last.
    this.#open.delete(url)
    this.#open.set(url, store)
    const [oldest] = this.#open
    if (this.#open.size > mostOpen && oldest) {
      this.#open.delete(oldest[0])
      void oldest[1].close().catch(() => undefined)
    }
    return store
  }

  /** DB1. */
  async #url(secret: string, digest: string): Promise<string> {
    const at = `${digest} ${secret}`
    const now = this.#options.now()
    const known = this.#urls.get(at)
    if (known && now < known.until) return known.url
    const url = await this.#options.secret(secret, digest)
    if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
      throw new ReinsError('memory_unusable', `The secret ${secret} holds no URL of a Postgres database.`, {
        next: `Set it to one such as postgresql://user:password@host:5432/name: reins secret set ${secret}`,
      })
    if (this.#urls.size > 1000) this.#urls.clear()
    this.#urls.set(at, { url, until: now + askAgainMs })
    return url
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((store) => store.close().catch(() => undefined)))
  }
}

/** Asks the registry. `learnt`: is told the value first (DB1). */
export function secretsOver(broker: Broker, learnt: (values: readonly string[]) => void): DatabasesOptions['secret'] {
  return async (name, digest) => {
    const recipient = makeRecipient()
    const reply = await callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), {
      ...{ names: [name], digest, to: recipient.key },
    })
    if (!reply.ok) {
      const { code, message, next } = reply.error
      if (code === 'unavailable') throw new ReinsError(code, message)
      throw new ReinsError('memory_unusable', `The secret ${name} cannot be had: ${message}`, next ? { next } : {})
    }
    const value = fieldsOf(jsonValue(recipient.open(fieldsOf(reply.value).values as ResolvedSecrets['values']) ?? ''))[
      name
    ]
    if (typeof value !== 'string')
      throw new ReinsError('memory_unusable', `There is no secret ${name}.`, {
        next: `Set it: reins secret set ${name}`,
      })
    const password = URL.canParse(value) ? decodeURIComponent(new URL(value).password) : ''
    learnt([value, ...(password === '' ? [] : [password])])
    return value
  }
}
