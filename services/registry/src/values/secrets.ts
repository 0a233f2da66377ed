// Secrets: written encrypted, listed by name, given to the one process that uses them.
//   SE1. A value is in clear only between a person's request and its encryption, and between its decryption and its sealing for the asker.
//        It is in no record, reply, error or line of the log.
//   SE2. A process is given what the agent's version, or the build of a project, for which it asks names, and nothing else.
import {
  maxSecretBytes,
  ReinsError,
  type ResolvedSecrets,
  type ResolveSecrets,
  type SecretAnswer,
  SecretEntry,
  type SecretInfo,
  type SecretList,
} from '@reins/contracts'
import { parseBundle, parseProject, parseVersion } from '@reins/journal'
import { handOver, openSecret, sealSecret, secretNamesIn } from '@reins/secrets'
import type { RegistryLog } from '../registry-log.ts'
import { Entries, pageOf } from './entries.ts'
import { type Rotated, rotateKey, type Wrapped } from './key-rotation.ts'
import type { Keys } from './keys.ts'

export interface SecretsOptions {
  readonly log: RegistryLog
  readonly keys: Keys
  readonly now: () => number
  /** Whose secrets are under the same keys: they change with them. */
  readonly beside?: readonly Wrapped[]
  /** Tests stop here. */
  readonly pauseAt?: (point: string) => Promise<void> | undefined
}

type Kept = Extract<SecretEntry, { kind: 'kept' }>
const versionsKept = 500

export class Secrets {
  readonly #options: SecretsOptions
  readonly #entries: Entries<typeof SecretEntry, SecretEntry>
  /** Which secrets a version names (SE2). */
  readonly #named = new Map<string, ReadonlySet<string>>()

  constructor(options: SecretsOptions) {
    this.#options = options
    this.#entries = new Entries({ log: options.log, kind: 'secret', schema: SecretEntry, now: options.now })
  }

  put(name: string, value: string, by: string, limited?: boolean): Promise<{ value: SecretAnswer; seq: number }> {
    return this.#options.keys.inTurn(async () => {
      this.#entries.checkName(name)
      checkValue(value)
      const { keys } = this.#options
      const keyring = keys.read()
      const make = (stamps: Pick<SecretEntry, 'createdAt' | 'updatedAt'>): SecretEntry => ({
        ...{ kind: 'kept', name, by, ...stamps },
        ...sealSecret(name, value, keyring, keys.random),
      })
      const { entry, outcome, seq } = await this.#entries.write(name, make, limited ? by : undefined)
      return { value: { secret: infoOf(entry), outcome }, seq }
    })
  }

  async get(name: string): Promise<{ value: SecretInfo }> {
    return { value: infoOf(await this.#entries.kept(name)) }
  }

  /** `only`: of these names. */
  async list(limit: number, after: string | undefined, only?: readonly string[]): Promise<{ value: SecretList }> {
    const all = (await this.#entries.all()).filter(({ name }) => !only || only.includes(name))
    const { items, next } = pageOf(all.map(infoOf), { limit, after })
    return { value: { secrets: [...items], ...(next === undefined ? {} : { next }) } }
  }

  delete(name: string, by: string): Promise<{ value: { name: string }; seq: number }> {
    return this.#options.keys.inTurn(async () => {
      const seq = await this.#entries.change(name, (entry) => {
        if (entry?.kind !== 'kept') throw this.#entries.missing(name)
        const { createdAt } = entry
        return { kind: 'removed', name, createdAt, updatedAt: this.#options.now(), by }
      })
      return { value: { name }, seq: seq ?? 0 }
    })
  }

  /** Wraps the data keys of all secrets under a new key. It may be asked for again whatever became of it before. */
  rotate(): Promise<{ value: Rotated }> {
    return this.#options.keys.inTurn(async () => {
      const { keys, beside = [], pauseAt } = this.#options
      return { value: await rotateKey({ all: [this.#wrapped(), ...beside], keys, pauseAt }) }
    })
  }

  #wrapped(): Wrapped {
    return {
      all: () => this.#entries.all(),
      rewrap: (name, make) =>
        this.#entries.change(name, (entry) => {
          const envelope = entry?.kind === 'kept' ? make(entry) : undefined
          return entry?.kind === 'kept' && envelope ? { ...entry, ...envelope } : undefined
        }),
      labelOf: (name) => name,
      again: (name) => `reins secret set ${name}`,
    }
  }

  /** Of a build that a project has now, or may go back to. */
  async resolveForProject(request: ResolveSecrets): Promise<{ value: ResolvedSecrets }> {
    const { log } = this.#options
    for (const { value } of (await log.all('project')).values()) {
      const project = parseProject(value)
      if (!project || project.deleted) continue
      if ([project, ...project.previous].some(({ digest }) => digest === request.digest)) return this.resolve(request)
    }
    throw new ReinsError('forbidden', 'No project has this build.')
  }

  /** SE1, SE2. */
  async resolve({ names, digest, to }: ResolveSecrets): Promise<{ value: ResolvedSecrets }> {
    const named = await this.#namedIn(digest)
    for (const name of names) if (!named.has(name)) throw notNamed(name, digest)
    const values: Record<string, string> = {}
    const missing: string[] = []
    for (const name of names) {
      const entry = await this.#entries.find(name)
      if (entry) values[name] = this.#open(entry)
      else missing.push(name)
    }
    const sealed = handOver(JSON.stringify(values), to, this.#options.keys.random)
    if (!sealed) throw new ReinsError('invalid_request', '"to" is no key to seal the answer for.')
    return { value: { values: sealed, missing } }
  }

  /** What keeps secrets from being used; undefined: nothing. Rejects with BrokerUnavailable. */
  async problem(): Promise<string | undefined> {
    const keys = this.#options.keys.known
    if (!keys) return undefined
    const { current, older } = keys.read()
    const known = new Set([current, ...older].map(({ id }) => id))
    const lost = (await this.#entries.all()).filter(({ key }) => !known.has(key)).map(({ name }) => name)
    return lost.length === 0
      ? undefined
      : `no key of ${keys.where} opens ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ', …' : ''}: bring the key back, or set them anew`
  }

  #open(entry: Kept): string {
    const { store } = this.#options.keys
    const opened = openSecret(entry.name, entry, store.read())
    switch (opened.kind) {
      case 'open':
        return opened.value
      case 'no-key':
        throw cannotOpen(entry.name, `${store.where} does not hold the key ${opened.key} any more.`)
      case 'damaged':
        throw cannotOpen(entry.name, 'its record was changed.')
      default:
        return opened satisfies never
    }
  }

  async #namedIn(digest: string): Promise<ReadonlySet<string>> {
    const known = this.#named.get(digest)
    if (known) return known
    const names = await this.#namesOf(digest)
    if (this.#named.size >= versionsKept) this.#named.clear()
    this.#named.set(digest, names)
    return names
  }

  async #namesOf(digest: string): Promise<ReadonlySet<string>> {
    const { log } = this.#options
    if (digest.startsWith('sha256-')) {
      const bundle = parseBundle((await log.last('bundle', digest))?.value)
      if (!bundle?.project) throw new ReinsError('invalid_request', 'There is no build of a project with this digest.')
      return new Set(bundle.project.secrets)
    }
    const version = parseVersion((await log.last('version', digest))?.value)
    if (!version) throw new ReinsError('invalid_request', 'There is no version of an agent with this digest.')
    return secretNamesIn(version.definition)
  }
}

const infoOf = ({ name, createdAt, updatedAt, by }: SecretEntry): SecretInfo => ({ name, createdAt, updatedAt, by })

function checkValue(value: string): void {
  const bytes = Buffer.byteLength(value)
  if (bytes > 0 && bytes <= maxSecretBytes) return
  throw new ReinsError(
    'invalid_request',
    bytes === 0
      ? 'The value of the secret is empty.'
      : `The value of the secret has ${bytes} bytes; a secret has at most ${maxSecretBytes}.`,
  )
}

const notNamed = (name: string, digest: string): ReinsError =>
  new ReinsError('forbidden', `The agent's version ${digest} does not name the secret ${JSON.stringify(name)}.`, {
    next: `Name it in the definition of the agent, and apply it with reins agent apply. See docs/secrets.md.`,
  })

const cannotOpen = (name: string, why: string): ReinsError =>
  new ReinsError('unavailable', `The secret ${name} cannot be read: ${why}`, {
    next: `Bring the key back, or set the secret anew: reins secret set ${name}`,
  })
