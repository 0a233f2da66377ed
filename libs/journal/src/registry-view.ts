// What every service knows of the registry: agents and tokens from a watch of REG, versions by digest when they are needed.
//   V1. Ready means: the watch has passed the sequence that was REG's last when it began (PROTOCOL 10).
//   V2. An entity's state is its record with the highest sequence, whichever way it came here: a deleted agent stays deleted.
//   V3. A record that is none makes its entity unknown (a token is no token) and stands in `faults`; the others go on.
//   V5. What has no sound seal of the registry is no record (registry-seals.ts): it changes nothing, and stands in `faults`.
//   V4. One ordered consumer a process; after a lost connection it goes on behind the last record that it has seen.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import {
  type Broker,
  BrokerUnavailable,
  headersOf,
  lastMessage,
  nextMessage,
  readMessages,
  type StoredMessage,
  untilAnswered,
} from '@reins/broker'
import {
  type AgentEntry,
  BuildInDevelopment,
  type BundleEntry,
  definitionDigest,
  encodeToken,
  fieldsOf,
  formOf,
  jsonValue,
  type KeptWebhook,
  PrincipalEntry,
  ProjectEntry,
  type RegistryKind,
  RoleEntry,
  registryKindFilter,
  registrySubject,
  streams,
  TokenEntry,
  type VersionEntry,
  WebhookEntry,
} from '@reins/contracts'

import {
  believedOf,
  isBelieved,
  isForged,
  readSealedMark,
  registryIdHeader,
  sealedMarkSubject,
  standingOf,
} from './registry-seals.ts'

/** The kinds that can be watched; versions are immutable and large, and are read when they are needed. */
export type WatchedKind = Extract<RegistryKind, 'agent' | 'token' | 'webhook' | 'role' | 'principal' | 'project'>

export interface RegistryFault {
  readonly seq: number
  readonly subject: string
  /** `unreadable`: no record of its kind. `unsealed`: the registry has not written it. */
  readonly why: 'unreadable' | 'unsealed'
}

export interface RegistryView {
  /** The last sequence of REG that this view accounts for, counting the watched kinds only. */
  readonly seq: number
  readonly faults: readonly RegistryFault[]
  /** undefined: unknown, or deleted. */
  agent(name: string): AgentEntry | undefined
  /** Those that were not deleted. */
  agents(): readonly AgentEntry[]
  /** As `agent`, but asks REG once before it says undefined. Rejects with BrokerUnavailable. */
  agentFresh(name: string): Promise<AgentEntry | undefined>
  /** From the cache, else from REG. Rejects with BrokerUnavailable, or an Error where the record is damaged. */
  version(digest: string): Promise<VersionEntry | undefined>
  /** By the hex sha256 of its text. Revoked ones are undefined. */
  token(hash: string): TokenEntry | undefined
  /** undefined: unknown, or deleted. Built-in roles are not among them. */
  role(name: string): RoleEntry | undefined
  /** Banned ones too. */
  principal(name: string): PrincipalEntry | undefined
  roles(): readonly RoleEntry[]
  principals(): readonly PrincipalEntry[]
  /** Those that are not revoked. */
  tokens(): readonly TokenEntry[]
  /** Those that were not removed. */
  webhooks(): readonly KeptWebhook[]
  /** Those that were not deleted, by name. */
  projects(): readonly ProjectEntry[]
  /** undefined: unknown, or deleted. */
  project(name: string): ProjectEntry | undefined
  /** The project whose agent has this name; undefined: none. */
  codeAgent(name: string): CodeModule<'agents'> | undefined
  codeWorkflow(name: string): CodeModule<'workflows'> | undefined
  /** True once the view has passed `seq`, a sequence of a watched kind; false after `withinMs`, or when closed. */
  waitFor(seq: number, withinMs: number): Promise<boolean>
  close(): Promise<void>
}

/** A module of a project, as the manifest tells of it. */
export interface CodeModule<Kind extends 'agents' | 'workflows'> {
  readonly project: ProjectEntry
  readonly module: ProjectEntry['manifest'][Kind][number]
}

/** A record of REG as it lies there. `id`: what its writer called it, to recognise it after a lost ack. */
export interface RegistryRecord {
  readonly seq: number
  readonly id: string
  readonly value: unknown
}

const answerMs = 5000
const apiMs = 2000
const versionsKept = 500

/**
 * The last record of an entity, or with `after` the first one behind that sequence, by direct get (which on a replicated
 * stream may be stale). A body that is no JSON has the value undefined. A record that is not believed has no id, and the value of the last
 * one before it that is; its sequence is that of the entity all the same. Rejects with BrokerUnavailable.
 */
export const readRegistry = (
  broker: Broker,
  kind: RegistryKind,
  name: string,
  options?: ReadRecordOptions,
): Promise<RegistryRecord | undefined> => readRecord(broker, registrySubject(kind, name), options)

export interface ReadRecordOptions {
  readonly after?: number
  readonly leader?: boolean
  readonly withinMs?: number
}

/** As `readRegistry`. */
export async function readRecord(
  broker: Broker,
  subject: string,
  { after, leader = false, withinMs = answerMs }: ReadRecordOptions = {},
): Promise<RegistryRecord | undefined> {
  const found = await (after === undefined
    ? lastMessage(broker, streams.registry, subject, { leader, withinMs })
    : nextMessage(broker, streams.registry, subject, { after, leader, withinMs }))
  if (!found) return undefined
  if (await isBelieved(broker, found))
    return { seq: found.seq, id: found.header(registryIdHeader), value: jsonValue(found.body) }
  const before = after === undefined ? await lastBelieved(broker, subject, { leader, withinMs }) : undefined
  return { seq: found.seq, id: '', value: before && jsonValue(before.body) }
}

const askedAtOnce = 32

async function eachOf<T>(all: readonly T[], what: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += askedAtOnce)
    await Promise.all(all.slice(from, from + askedAtOnce).map(what))
}

async function lastBelieved(
  broker: Broker,
  subject: string,
  options: { readonly leader?: boolean; readonly withinMs?: number },
): Promise<StoredMessage | undefined> {
  const all = await readMessages(broker, streams.registry, subject, options)
  return believedOf(broker.seals, all).at(-1)
}

/** Watches `kinds`. Resolves when the view is ready (V1); rejects with BrokerUnavailable when that takes longer than `withinMs`. */
export async function watchRegistry(
  broker: Broker,
  kinds: readonly WatchedKind[],
  { withinMs }: { readonly withinMs: number },
): Promise<RegistryView> {
  const view = new Watch(broker, kinds)
  const late = new AbortController()
  try {
    await Promise.race([
      view.start(withinMs),
      pause(withinMs, undefined, { signal: late.signal }).then(() => {
        throw new BrokerUnavailable(`watching ${streams.registry} (is the stream there?)`)
      }),
    ])
    return view
  } catch (error) {
    await view.close()
    throw error instanceof BrokerUnavailable
      ? error
      : new BrokerUnavailable(`watching ${streams.registry}`, { cause: error })
  } finally {
    late.abort()
  }
}

interface Known<T> {
  readonly seq: number
  /** false: it was believed because nothing was sealed yet. */
  readonly sealed: boolean
  readonly entry: T | undefined
}

interface Waiting {
  readonly seq: number
  readonly resolve: (passed: boolean) => void
}

class Watch implements RegistryView {
  readonly #broker: Broker
  readonly #filters: readonly string[]
  readonly #agents = new Map<string, Known<AgentEntry>>()
  readonly #tokens = new Map<string, Known<TokenEntry>>()
  readonly #webhooks = new Map<string, Known<WebhookEntry>>()
  readonly #roles = new Map<string, Known<RoleEntry>>()
  readonly #principals = new Map<string, Known<PrincipalEntry>>()
  readonly #projects = new Map<string, Known<ProjectEntry>>()
  readonly #versions = new Map<string, VersionEntry>()
  readonly #waiting = new Set<Waiting>()
  readonly #faults = new Map<string, RegistryFault>()
  /** While it starts: subjects whose last record is not believed. */
  #doubtful: Set<string> | undefined = new Set()
  /** The last record of each subject, believed or not. */
  readonly #ends = new Map<string, number>()
  #messages: ConsumerMessages | undefined
  #caughtUp: (() => void) | undefined
  #closed = false
  #seq = 0

  constructor(broker: Broker, kinds: readonly WatchedKind[]) {
    this.#broker = broker
    this.#filters = [...kinds, 'sealed' as const].map(registryKindFilter)
  }

  get seq(): number {
    return this.#seq
  }

  get faults(): readonly RegistryFault[] {
    return [...this.#faults.values()]
  }

  async start(withinMs: number): Promise<void> {
    const manager = await jetstreamManager(this.#broker.nc, { checkAPI: false, timeout: apiMs })
    const last = (await untilAnswered(() => manager.streams.info(streams.registry), withinMs)).state.last_seq
    const caughtUp = new Promise<void>((resolve) => {
      this.#caughtUp = resolve
    })
    await untilAnswered(() => readSealedMark(this.#broker), withinMs)
    if ((await untilAnswered(() => this.#open(0), withinMs)) > 0) await caughtUp
    const doubtful = this.#doubtful ?? []
    this.#doubtful = undefined
    await eachOf([...doubtful], async (subject) => {
      const found = await lastBelieved(this.#broker, subject, {})
      if (found) this.#read(found.subject, found.seq, found.body, true)
    })
    this.#pass(last)
  }

  /** Opens the consumer behind `after`, and gives the number of records that it is going to deliver. */
  async #open(after: number): Promise<number> {
    const consumer = await jetstream(this.#broker.nc, { timeout: apiMs }).consumers.get(streams.registry, {
      filter_subjects: [...this.#filters],
      ...(after === 0
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
    })
    const pending = (await consumer.info(true)).num_pending
    // The client's own timing lets an ordered consumer stall for 44 s after a killed server; with these it is 2.4 s.
    const messages = await consumer.consume({
      max_messages: 500,
      expires: 5000,
      idle_heartbeat: 1000,
      callback: (message) => this.#take(message),
    })
    if (this.#closed) {
      await messages.close()
      return pending
    }
    this.#messages = messages
    void messages.closed().then(() => this.#reopen())
    return pending
  }

  /** A consumer that ended by itself (the client gives up after 30 failures) is opened again. */
  async #reopen(): Promise<void> {
    while (!this.#closed && !this.#broker.nc.isClosed()) {
      await pause(250)
      try {
        if (!this.#closed) await this.#open(this.#seq)
        return
      } catch {
        // Not back yet.
      }
    }
  }

  #take(message: JsMsg): void {
    const { subject, seq } = message
    const { seals } = this.#broker
    const body = message.string()
    // Of what came before this watch began, the broker is asked; nothing else comes twice.
    const before = this.#doubtful ? undefined : (this.#ends.get(subject) ?? 0)
    const record = { subject, seq, body, header: headersOf(message) ?? (() => '') }
    const { state, believed } = standingOf(seals, record, before)
    this.#ends.set(subject, Math.max(seq, this.#ends.get(subject) ?? 0))
    if (subject === sealedMarkSubject) this.#seal(seq)
    else if (believed) this.#read(subject, seq, body, state !== 'none')
    else {
      this.#doubtful?.add(subject)
      if (isForged(seals, { state, believed }, seq)) this.#faults.set(subject, { seq, subject, why: 'unsealed' }) // V5
    }
    this.#pass(seq)
    if (message.info.pending === 0) this.#caughtUp?.()
  }

  /** From now on. What was believed without a seal, and was not sealed before the mark, is not the registry's. */
  #seal(seq: number): void {
    if (this.#broker.seals.check('r', '', '') === 'unknown') return // RS3: nothing can be checked here
    this.#broker.seals.sealedFrom ??= seq
    const all = [this.#agents, this.#tokens, this.#webhooks, this.#roles, this.#principals, this.#projects]
    for (const known of all)
      for (const [subject, { seq: at, sealed }] of known) if (!sealed && at < seq) known.delete(subject)
  }

  #read(subject: string, seq: number, body: string, sealed: boolean): void {
    const [, kind] = subject.split('.')
    const value = jsonValue(body)
    const at = { subject, seq, sealed }
    if (kind === 'agent') this.#learn(this.#agents, at, parseAgent(value), (entry) => entry.name)
    else if (kind === 'token') this.#learn(this.#tokens, at, parseToken(value), (entry) => entry.hash)
    else if (kind === 'role') this.#learn(this.#roles, at, parseRole(value), (entry) => entry.name)
    else if (kind === 'principal') this.#learn(this.#principals, at, parsePrincipal(value), (entry) => entry.name)
    else if (kind === 'webhook') this.#learn(this.#webhooks, at, parseWebhook(value), (entry) => entry.name)
    else if (kind === 'project') this.#learn(this.#projects, at, parseProject(value), (entry) => entry.name)
  }

  /** V2, V3. Entities are keyed by their subject, which even a damaged record has. */
  #learn<T>(
    known: Map<string, Known<T>>,
    { seq, subject, sealed }: { readonly seq: number; readonly subject: string; readonly sealed: boolean },
    parsed: T | undefined,
    nameOf: (t: T) => string,
  ) {
    const entry = parsed && subject.endsWith(`.${encodeToken(nameOf(parsed))}`) ? parsed : undefined
    if (seq <= (known.get(subject)?.seq ?? 0)) return
    known.set(subject, { seq, entry, sealed })
    // Evidence of somebody's doing is younger than the record that is believed, where there is any.
    if (entry && (this.#faults.get(subject)?.seq ?? 0) < seq) this.#faults.delete(subject)
    else if (!entry) this.#faults.set(subject, { seq, subject, why: 'unreadable' })
  }

  #pass(seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    for (const waiting of this.#waiting) if (waiting.seq <= seq) waiting.resolve(true)
  }

  agent(name: string): AgentEntry | undefined {
    const entry = this.#agents.get(registrySubject('agent', name))?.entry
    return entry?.deleted === false ? entry : undefined
  }

  agents(): readonly AgentEntry[] {
    return [...this.#agents.values()].flatMap(({ entry }) => (entry?.deleted === false ? [entry] : []))
  }

  async agentFresh(name: string): Promise<AgentEntry | undefined> {
    const known = this.agent(name)
    if (known) return known
    const record = await readRegistry(this.#broker, 'agent', name)
    const entry = parseAgent(record?.value)
    if (!record || entry?.name !== name) return undefined
    const subject = registrySubject('agent', name)
    if (record.seq > (this.#agents.get(subject)?.seq ?? 0))
      this.#agents.set(subject, { seq: record.seq, entry, sealed: true })
    return this.agent(name)
  }

  async version(digest: string): Promise<VersionEntry | undefined> {
    const known = this.#versions.get(digest)
    if (known) return known
    const record = await readRegistry(this.#broker, 'version', digest)
    if (!record) return undefined
    const entry = parseVersion(record.value)
    if (entry?.digest !== digest)
      throw new Error(`The definition ${digest} (sequence ${record.seq} of ${streams.registry}) is damaged.`)
    if (this.#versions.size >= versionsKept) this.#versions.delete(this.#versions.keys().next().value ?? '')
    this.#versions.set(digest, entry)
    return entry
  }

  token(hash: string): TokenEntry | undefined {
    const entry = this.#tokens.get(registrySubject('token', hash))?.entry
    return entry?.revoked === false ? entry : undefined
  }

  role(name: string): RoleEntry | undefined {
    const entry = this.#roles.get(registrySubject('role', name))?.entry
    return entry?.deleted === false ? entry : undefined
  }

  principal(name: string): PrincipalEntry | undefined {
    return this.#principals.get(registrySubject('principal', name))?.entry
  }

  roles(): readonly RoleEntry[] {
    return [...this.#roles.values()].flatMap(({ entry }) => (entry?.deleted === false ? [entry] : []))
  }

  principals(): readonly PrincipalEntry[] {
    return [...this.#principals.values()].flatMap(({ entry }) => entry ?? [])
  }

  tokens(): readonly TokenEntry[] {
    return [...this.#tokens.values()].flatMap(({ entry }) => (entry?.revoked === false ? [entry] : []))
  }

  webhooks(): readonly KeptWebhook[] {
    return [...this.#webhooks.values()].flatMap(({ entry }) => (entry?.kind === 'kept' ? [entry] : []))
  }

  projects(): readonly ProjectEntry[] {
    const alive = [...this.#projects.values()].flatMap(({ entry }) => (entry?.deleted === false ? [entry] : []))
    return alive.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  project(name: string): ProjectEntry | undefined {
    const entry = this.#projects.get(registrySubject('project', name))?.entry
    return entry?.deleted === false ? entry : undefined
  }

  codeAgent(name: string): CodeModule<'agents'> | undefined {
    return this.#module('agents', name)
  }

  codeWorkflow(name: string): CodeModule<'workflows'> | undefined {
    return this.#module('workflows', name)
  }

  #module<Kind extends 'agents' | 'workflows'>(kind: Kind, name: string): CodeModule<Kind> | undefined {
    for (const { entry: project } of this.#projects.values()) {
      if (project?.deleted !== false) continue
      const module = project.manifest[kind].find((one) => one.name === name)
      if (module) return { project, module }
    }
    return undefined
  }

  waitFor(seq: number, withinMs: number): Promise<boolean> {
    if (seq <= this.#seq) return Promise.resolve(true)
    if (this.#closed) return Promise.resolve(false)
    return new Promise((resolve) => {
      const done = (passed: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        resolve(passed)
      }
      const waiting: Waiting = { seq, resolve: done }
      const timer = setTimeout(() => done(false), withinMs)
      this.#waiting.add(waiting)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const waiting of this.#waiting) waiting.resolve(false)
    // Its consumer is left to the server, which forgets it after five minutes: closing must not wait for the broker.
    void this.#messages?.close()
  }
}

/** undefined: not a record of this kind. */
export function parseAgent(value: unknown): AgentEntry | undefined {
  const { name, digest, version, deleted, createdAt, updatedAt, by } = fieldsOf(value)
  if (typeof name !== 'string' || typeof digest !== 'string' || typeof by !== 'string') return undefined
  if (!isCount(version) || !isCount(createdAt) || !isCount(updatedAt) || typeof deleted !== 'boolean') return undefined
  return { name, digest, version, deleted, createdAt, updatedAt, by }
}

/** undefined: not a record of this kind. The digest is checked: a definition that has it is one that the registry let in. */
export function parseVersion(value: unknown): VersionEntry | undefined {
  const { digest, at, by, definition } = fieldsOf(value)
  if (typeof digest !== 'string' || !isCount(at) || typeof by !== 'string') return undefined
  if (typeof definition !== 'object' || definition === null) return undefined
  const entry = { digest, at, by, definition: definition as VersionEntry['definition'] }
  return definitionDigest(entry.definition) === digest ? entry : undefined
}

const isDevelopment = formOf(BuildInDevelopment)
/** undefined: not a record of this kind. */
export function parseBundle(value: unknown): BundleEntry | undefined {
  const { digest, size, at, by, tools, skills, workflow, project, development } = fieldsOf(value)
  if (typeof digest !== 'string' || !isCount(size) || !isCount(at) || typeof by !== 'string') return undefined
  if (!Array.isArray(tools) || (skills !== undefined && !Array.isArray(skills))) return undefined
  const entry = {
    ...{ digest, size, at, by, tools: tools as BundleEntry['tools'] },
    ...(workflow === undefined ? {} : { workflow: workflow as NonNullable<BundleEntry['workflow']> }),
    ...(project === undefined ? {} : { project: project as NonNullable<BundleEntry['project']> }),
    ...(isDevelopment(development) ? { development } : {}),
  }
  return skills === undefined ? entry : { ...entry, skills: skills as NonNullable<BundleEntry['skills']> }
}

const isTokenEntry = formOf(TokenEntry)
/** undefined: not a record of this kind. */
export const parseToken = (value: unknown): TokenEntry | undefined => (isTokenEntry(value) ? value : undefined)

const isRoleEntry = formOf(RoleEntry)
/** undefined: not a record of this kind. */
export const parseRole = (value: unknown): RoleEntry | undefined => (isRoleEntry(value) ? value : undefined)

const isPrincipalEntry = formOf(PrincipalEntry)
/** undefined: not a record of this kind. */
export const parsePrincipal = (value: unknown): PrincipalEntry | undefined =>
  isPrincipalEntry(value) ? value : undefined

const isProjectEntry = formOf(ProjectEntry)
/** undefined: not a record of this kind. */
export const parseProject = (value: unknown): ProjectEntry | undefined => (isProjectEntry(value) ? value : undefined)

const isWebhookEntry = formOf(WebhookEntry)
/** undefined: not a record of this kind. */
const parseWebhook = (value: unknown): WebhookEntry | undefined => (isWebhookEntry(value) ? value : undefined)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
