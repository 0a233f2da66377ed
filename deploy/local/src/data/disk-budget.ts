// How full the disk of the data folder is, and what is refused for it: first new sessions, then every append. Both percentages are
// settings.
//   DB1. Looked at every second and never waited for: a file system that hangs leaves the last figure.
//   DB2. Full is what `df` calls full: of what an ordinary user may use. A file system can run out of files too; the larger share counts.
//   DB3. What was refused is taken again as soon as there is room: nothing is started anew.
import { statfs } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

export interface DiskLimits {
  /** Percent from which on new sessions are refused. */
  readonly newSessionsPercent: number
  /** Percent from which on every append is refused. */
  readonly appendsPercent: number
}

export type DiskLevel = 'roomy' | 'no-new-sessions' | 'no-appends'

export interface DiskState {
  readonly level: DiskLevel
  /** undefined: not known yet. */
  readonly usedPercent: number | undefined
  /** `ok`, or what is refused and what to do. */
  readonly text: string
}

export interface Space {
  readonly blocks: number
  readonly bfree: number
  readonly bavail: number
  readonly files: number
  readonly ffree: number
}

export interface DiskWatchOptions extends DiskLimits {
  readonly folder: string
  readonly changed?: (state: DiskState) => void
  /** Default: statfs. */
  readonly measure?: (folder: string) => Promise<Space>
}

const everyMs = 1000

export class DiskWatch {
  readonly #options: DiskWatchOptions
  readonly #stop = new AbortController()
  readonly #waiting = new Set<() => void>()
  #state: DiskState = { level: 'roomy', usedPercent: undefined, text: 'ok' }
  #running: Promise<void> = Promise.resolve()

  constructor(options: DiskWatchOptions) {
    this.#options = options
  }

  /** Resolves after the first look. The caller closes it. */
  async start(): Promise<void> {
    await this.look()
    this.#running = this.#run()
  }

  state(): DiskState {
    return this.#state
  }

  /** undefined: there is room for appends. Otherwise resolves when there is (DB3), or when `signal` is aborted. */
  room(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#state.level !== 'no-appends' || signal?.aborted) return undefined
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(go)
        signal?.removeEventListener('abort', go)
        resolve()
      }
      this.#waiting.add(go)
      signal?.addEventListener('abort', go)
    })
  }

  async look(): Promise<void> {
    const { folder, measure = statfs, changed } = this.#options
    const space = await measure(folder).catch(() => undefined)
    if (space === undefined) return // DB1: a folder that is gone is for others to say
    const before = this.#state.level
    this.#state = diskState(space, this.#options)
    if (before !== this.#state.level) changed?.(this.#state)
    if (this.#state.level !== 'no-appends') for (const go of [...this.#waiting]) go()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const go of [...this.#waiting]) go()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await pause(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
      // A look that hangs must not keep the process from closing.
      if (!signal.aborted) await Promise.race([this.look(), aborted(signal)])
    }
  }
}

/** DB2. */
export function diskState({ blocks, bfree, bavail, files, ffree }: Space, limits: DiskLimits): DiskState {
  const used = blocks - bfree
  const share = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0)
  const [ofBytes, ofFiles] = [share(used, used + bavail), share(files - ffree, files)]
  const usedPercent = Math.max(ofBytes, ofFiles)
  const { newSessionsPercent, appendsPercent } = limits
  // Whoever looks with df sees room where files have run out.
  const what = ofFiles > ofBytes ? ' of files (df -i counts them)' : ''
  const full = `the disk of the data folder is ${Math.floor(usedPercent)} % full${what}`
  if (usedPercent >= appendsPercent)
    return {
      ...{ level: 'no-appends', usedPercent },
      text: `${full}: nothing is appended from ${appendsPercent} % on. Make room; everything goes on by itself.`,
    }
  if (usedPercent >= newSessionsPercent)
    return {
      ...{ level: 'no-new-sessions', usedPercent },
      text: `${full}: no session is started from ${newSessionsPercent} % on, those that are there go on. Make room.`,
    }
  return { level: 'roomy', usedPercent, text: 'ok' }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  )
