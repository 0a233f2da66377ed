// Hosts, warm, by bundle: whoever has a call of users' code to run asks here. It bounds how many there are, ends those that nobody
// needs, and starts others in the place of those that died.
//   C1. A host is given a call when it has just answered: none waits behind another's loop. While it does not answer, a further host of
//       the same bundle takes the calls.
//   C2. A host that dies takes its own calls with it. One that had not begun is run elsewhere; of one that had, its end is told.
//   C3. A bundle whose hosts die one after the other waits longer and longer for the next one.
//   C4. There are at most `most` hosts. A further one is started in the place of the one that has had nothing to do for longest; where
//       all have something to do, calls wait, in their own time.
//   C5. Every wait ends with the call's signal, and with `close`.
import type { Guard, Sandbox } from '@reins/tools'
import { type HostAnswer, type HostCall, HostProcess } from './host-process.ts'
import { defaultLoadMs, hostLimits, hostMemoryMb } from './limits.ts'
import type { HostLimits } from './messages.ts'

export interface Bundle {
  readonly digest: string
  /** As its owner wrote it, for messages. */
  readonly file: string
  /** Asked for, and allowed by the operator: a host has it or has it not. */
  readonly network: boolean
}

export interface CodeHostsOptions {
  readonly sandbox: Sandbox
  /** What code may not see, whatever the sandbox shows. */
  readonly guard: Guard
  /** The text of a bundle; undefined: there is none of that digest. May reject. */
  readonly textOf: (digest: string) => Promise<string | undefined>
  /** Hosts at once. Default 8. */
  readonly most?: number
  /** Of V8's heap of one host. */
  readonly memoryMb?: number
  /** ms after which a host that has no call ends. Default one minute. */
  readonly idleMs?: number
  readonly limits?: HostLimits
}

export type HostsAnswer =
  | HostAnswer
  /** No code of it ran: the bundle does not load, or this machine cannot run it. */
  | { readonly kind: 'not-run'; readonly message: string }

/** ms in which a host that is well has answered. */
const answersMs = 250
const mostOfOne = 4
const mostCalls = 256
/** A call whose host dies before it begins is not tried for ever. */
const mostStarts = 3
const firstRestMs = 250
const longestRestMs = 10_000

/** The hosts of one bundle. */
interface Room {
  readonly key: string
  /** Calls that wait or run. */
  users: number
  readonly hosts: Set<HostProcess>
  starting: Promise<HostProcess | { readonly message: string }> | undefined
  /** Deaths since a call last ended well. */
  deaths: number
  /** C3: until when the next one waits. */
  resting: Promise<void> | undefined
}

export class CodeHosts {
  readonly #options: CodeHostsOptions
  readonly #most: number
  readonly #rooms = new Map<string, Room>()
  readonly #idle = new Map<HostProcess, NodeJS.Timeout>()
  /** Ends starts that are under way. */
  readonly #closing = new AbortController()
  #changed = Promise.withResolvers<void>()

  /** Whoever makes it closes it. */
  constructor(options: CodeHostsOptions) {
    this.#options = options
    this.#most = options.most ?? 8
  }

  /** Those that live, also those that are ending. */
  get size(): number {
    let count = 0
    for (const { hosts, starting } of this.#rooms.values()) count += hosts.size + (starting ? 1 : 0)
    return count
  }

  /** Rejects with the signal's reason where it aborts first. */
  async run(bundle: Bundle, call: HostCall, signal: AbortSignal): Promise<HostsAnswer> {
    const room = this.#roomOf(bundle)
    room.users += 1
    try {
      for (let starts = 1; ; starts += 1) {
        const host = await this.#hostFor(bundle, room, signal)
        if (!(host instanceof HostProcess)) return { kind: 'not-run', message: host.message }
        this.#busy(host)
        try {
          const answer = await host.run(call, signal)
          if (answer.kind !== 'lost') room.deaths = 0
          else if (!answer.began && starts < mostStarts) continue // C2
          return answer
        } finally {
          this.#free(host)
        }
      }
    } finally {
      room.users -= 1
      this.#leaveRoom(room)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#notify()
    const hosts = [...this.#rooms.values()].flatMap((room) => [...room.hosts])
    const starting = [...this.#rooms.values()].map((room) => room.starting)
    for (const host of hosts) host.end()
    for (const timer of this.#idle.values()) clearTimeout(timer)
    await Promise.all([...hosts.map((host) => host.gone), ...starting])
  }

  #roomOf({ digest, network }: Bundle): Room {
    const key = `${digest}${network ? ' with network' : ''}`
    const known = this.#rooms.get(key)
    if (known) return known
    const room: Room = { key, users: 0, hosts: new Set(), starting: undefined, deaths: 0, resting: undefined }
    this.#rooms.set(key, room)
    return room
  }

  /** Of a bundle that nobody uses nothing is known any more. */
  #leaveRoom({ key, users, hosts, starting }: Room): void {
    if (users === 0 && hosts.size === 0 && starting === undefined) this.#rooms.delete(key)
  }

  /** C1, C4. */
  async #hostFor(bundle: Bundle, room: Room, signal: AbortSignal): Promise<HostProcess | { readonly message: string }> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#closing.signal.aborted) return { message: 'this process is being ended' }
      const able = [...room.hosts].filter((host) => host.usable && host.load < mostCalls)
      for (const host of able.sort((a, b) => a.load - b.load)) {
        if (await until(host.answers(answersMs), signal)) return host
        // What keeps it is the code of a call that has ended.
        if (host.load === 0) host.end()
      }
      const living = [...room.hosts].filter((host) => host.usable).length
      const isRoom = living < mostOfOne && (room.starting !== undefined || this.#makeRoom())
      if (isRoom) {
        room.starting ??= this.#start(bundle, room)
        const started = await until(room.starting, signal)
        if (!(started instanceof HostProcess)) return started
        if (started.usable && started.load === 0) return started
      } else await until(Promise.race([this.#changed.promise, afterMs(answersMs)]), signal)
    }
  }

  /** C4. Whether one more may be started. */
  #makeRoom(): boolean {
    if (this.size < this.#most) return true
    const [longest] = this.#idle.keys()
    if (!longest) return false
    // It counts until its process is gone: the call waits for that.
    this.#busy(longest)
    longest.end()
    return false
  }

  /** Never rejects. */
  async #start(bundle: Bundle, room: Room): Promise<HostProcess | { readonly message: string }> {
    try {
      await room.resting // C3
      const text = await this.#options.textOf(bundle.digest)
      if (text === undefined) return { message: `the code of ${bundle.file} is not in the object store` }
      const { sandbox, guard, memoryMb = hostMemoryMb, limits = hostLimits } = this.#options
      const { file, network } = bundle
      const options = { sandbox, guard, network, memoryMb, limits, loadMs: defaultLoadMs }
      const start = await HostProcess.start({ ...options, bundle: { file, text } }, this.#closing.signal)
      if (start.kind === 'refused') return { message: start.message }
      if (start.kind === 'not-loaded') {
        this.#died(room)
        return { message: `${file} cannot be loaded: ${start.message}` }
      }
      this.#add(room, start.host)
      return start.host
    } catch (error) {
      return { message: `the code of ${bundle.file} cannot be had: ${error instanceof Error ? error.message : error}` }
    } finally {
      room.starting = undefined
      this.#leaveRoom(room)
      this.#notify()
    }
  }

  #add(room: Room, host: HostProcess): void {
    room.hosts.add(host)
    this.#free(host)
    void host.gone.then((death) => {
      room.hosts.delete(host)
      this.#busy(host)
      if (death !== 'ended') this.#died(room)
      this.#leaveRoom(room)
      this.#notify()
    })
  }

  /** C3. */
  #died(room: Room): void {
    room.deaths += 1
    if (room.deaths > 1)
      room.resting = afterMs(Math.min(firstRestMs * 2 ** Math.min(room.deaths - 2, 10), longestRestMs))
  }

  /** It does not end for having nothing to do. */
  #busy(host: HostProcess): void {
    clearTimeout(this.#idle.get(host))
    this.#idle.delete(host)
  }

  #free(host: HostProcess): void {
    if (host.load > 0 || !host.usable) return
    this.#busy(host)
    const timer = setTimeout(() => {
      if (host.load === 0) host.end()
    }, this.#options.idleMs ?? 60_000)
    this.#idle.set(host, timer.unref())
    this.#notify()
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

const afterMs = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })

/** C5. */
async function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) throw signal.reason
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    aborted.promise.catch(() => {})
  }
}
