// Builds of `reins dev` that nobody needs are taken away: those that are not among the builds of their project that can be rolled back to,
// that no session or run goes by, and that no agent names.
//   DV1. A build goes in two steps, of two clean-ups. First its record says that it is retired: it is all there. What is seen to need it
//        then makes it `kept` again. Only a later clean-up that finds it retired, and not needed, writes that it is removed.
//   DV2. That it is removed goes in where nothing was written to the registry since what was read of it: a project, a version or an agent
//        that names it in between is first, and the build stays.
//   DV3. Its bytes go behind that record. Whoever puts the same build again loads it again, stores it, and writes its record over this one.
//   DV4. A process that dies between the record and the bytes leaves bytes that nobody finds; the first clean-up of the next one takes them.
//   DV5. What is not known is needed. What a process reads for the first time may come from a replica that is behind: it removes nothing yet.
import { type BundleEntry, registrySubject } from '@reins/contracts'
import { type BundleStore, parseAgent, parseBundle, parseProject } from '@reins/journal'
import { noPausePoints, type PausePoint } from '@reins/service'
import type { RegistryLog } from '../registry-log.ts'
import type { NeededBuilds } from './needed-builds.ts'

export interface DevelopmentBuildsOptions {
  readonly log: RegistryLog
  readonly store: Pick<BundleStore, 'remove'>
  readonly needed: () => Promise<NeededBuilds>
  /** Of a clean-up that nobody waits for. */
  readonly failed: (error: unknown) => void
  /** For tests, which stop the process there. */
  readonly pauseAt?: PausePoint
}

interface Build {
  readonly seq: number
  readonly entry: BundleEntry
}

export class DevelopmentBuilds {
  readonly #options: DevelopmentBuildsOptions
  readonly #pauseAt: PausePoint
  #cleaning: Promise<void> | undefined
  #again = false
  #closed = false
  /** All that is said to be removed is. */
  #whole = false
  #hasRead = false

  constructor(options: DevelopmentBuildsOptions) {
    this.#options = options
    this.#pauseAt = options.pauseAt ?? noPausePoints
  }

  /** Nobody waits for it. What is asked for while it works is one more clean-up. */
  cleanSoon(): void {
    if (this.#cleaning) this.#again = true
    if (this.#cleaning || this.#closed) return
    this.#cleaning = this.clean()
      .catch(this.#options.failed)
      .finally(() => {
        this.#cleaning = undefined
        if (this.#again) {
          this.#again = false
          this.cleanSoon()
        }
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#cleaning
  }

  /** Rejects with BrokerUnavailable. */
  async clean(): Promise<void> {
    const { log, needed: read } = this.#options
    const builds = await this.#builds()
    if (!this.#whole)
      for (const { seq, entry } of builds) if (entry.development === 'removed') await this.#takeAway(entry.digest, seq) // DV4
    this.#whole = true
    const there = builds.filter(({ entry }) => entry.development !== 'removed')
    if (there.length === 0) return
    let end = await log.end() // DV2
    const listed = await this.#listed()
    if (there.every(({ entry }) => listed.has(entry.digest) && entry.development === 'kept')) return
    const agents = await this.#agents()
    const { bySessions, byVersion } = await read()
    const named = new Set(agents.flatMap(byVersion))
    const mayRemove = this.#hasRead
    this.#hasRead = true
    const isNeeded = (digest: string): boolean =>
      listed.has(digest) || named.has(digest) || bySessions === undefined || bySessions.has(digest) // DV5
    for (const { seq, entry } of there) {
      if (this.#closed) return
      if (!mayRemove) break
      if (entry.development !== 'retired' || isNeeded(entry.digest)) continue
      const { digest, size, at, by } = entry
      const removed: BundleEntry = { digest, size, at, by, tools: [], development: 'removed' }
      const written = await log.write('bundle', digest, removed, seq, end)
      if (written.kind === 'refused') break
      end = written.seq
      await this.#pauseAt('registry.build-removed')
      this.#whole = false
      await this.#takeAway(digest, written.seq) // DV3
      this.#whole = true
    }
    for (const { seq, entry } of there) {
      const next = isNeeded(entry.digest) ? 'kept' : 'retired'
      if (entry.development === next) continue
      await log.write('bundle', entry.digest, { ...entry, development: next }, seq) // refused: somebody needs it just now
    }
  }

  #takeAway(digest: string, removal: number): Promise<void> {
    return this.#options.store.remove(digest, removal)
  }

  async #builds(): Promise<readonly Build[]> {
    return [...(await this.#options.log.all('bundle'))].flatMap(([subject, { seq, value }]): Build[] => {
      const entry = parseBundle(value)
      const own = entry?.development !== undefined && registrySubject('bundle', entry.digest) === subject
      return entry && own ? [{ seq, entry }] : []
    })
  }

  /** What projects stand for now, and can be rolled back to. */
  async #listed(): Promise<ReadonlySet<string>> {
    const projects = [...(await this.#options.log.all('project')).values()].flatMap(
      ({ value }) => parseProject(value) ?? [],
    )
    const alive = projects.filter(({ deleted }) => !deleted)
    return new Set(alive.flatMap(({ digest, previous }) => [digest, ...previous.map((one) => one.digest)]))
  }

  /** The versions that agents stand for now. */
  async #agents(): Promise<readonly string[]> {
    return [...(await this.#options.log.all('agent')).values()].flatMap(({ value }) => {
      const agent = parseAgent(value)
      return agent && !agent.deleted ? [agent.digest] : []
    })
  }
}
