// Following a session, or a whole tree, without a consumer at the broker (PROTOCOL 11). It reads; it never appends.
//   L1. Subscribe first, then read: what is appended between is in one of the two, and what is in both is handed over once.
//   L2. Frames are handed over in order: one that does not continue what is known waits until the log has been read.
//   L3. The feed may lose anything: the log is compared after joining, after each reconnect and at each heartbeat.
//   L4. Reads are bounded pages. One that fails is tried again; nothing is handed over past a gap.
//   L5. A tree has one order, that of its sequences. Its log is read as one, up to one end: so what is handed over behind a frame of one
//       session is never of before it in another, and a cursor that names a sequence of a tree has nothing behind it that lies before.
//   L6. Where all writers are in this process, the broker is asked late, and before the log is compared: L1 holds from there on.
//   L7. A frame that continues a session shows that nothing before it was lost, so the comparison after joining waits for a silence.
import type { Frame } from '@reins/contracts'
import type { LiveDelta, RepublishedFrame, SessionFeed, SessionFrame, SessionLog, Subscription } from './port.ts'

export interface FollowHandlers {
  /** In order, each frame once; must not throw. */
  onFrames(frames: readonly SessionFrame[]): void
  /** Deltas as they were published: at most once, not yet checked against the log. */
  onDelta?(delta: LiveDelta): void
  /** A read failed; it is tried again by itself. */
  onTrouble?(error: unknown): void
}

export interface FollowOptions {
  /** ms after joining, and after trouble, until the log is compared again; of one session, ms in which no frame came. Default 250. */
  readonly joinCheckMs?: number
  /** ms between comparisons. Default 15 000. */
  readonly heartbeatMs?: number
  /** Frames of one read. Default 256. */
  readonly pageSize?: number
  /**
   * `fromSeq` was the head a moment ago, and the caller appends on it over this very connection: there is nothing to read first.
   * What came in between is a gap before the first frame that arrives, and is read then, or at the comparison after joining.
   */
  readonly atHead?: boolean
  /**
   * With `atHead`: whoever appends to this session does it in this process, as far as anybody knows. Its frames are heard where they are
   * acked, and the broker is asked to tell them only if somebody still follows at the comparison after joining. One session, no tree.
   */
  readonly writersHere?: boolean
}

export interface Following {
  /** Everything up to the head at the time of joining was handed over. Rejects when the first read failed (it goes on trying). */
  readonly joined: Promise<void>
  /** The highest sequence that was handed over, or the one that it began after. */
  position(): number
  /** Frames that somebody else has read: as good as from the feed. */
  offer(frames: readonly SessionFrame[]): void
  /** Resolves when no read is under way. */
  settled(): Promise<void>
  /** Compares with the log, and reads on where it is ahead. */
  compare(): Promise<void>
  /** Idempotent; nothing is handed over after it. */
  close(): void
}

export type Followed = string | { readonly tree: string }

const maxHeld = 1024

/** Hands over every frame with a sequence above `fromSeq`, then every new one. The caller closes it. */
export function follow(
  sessions: SessionLog,
  feed: SessionFeed,
  of: Followed,
  fromSeq: number,
  handlers: FollowHandlers,
  options: FollowOptions = {},
): Following {
  return new Follower(sessions, feed, of, fromSeq, handlers, options)
}

class Follower implements Following {
  readonly joined: Promise<void>
  readonly #sessions: SessionLog
  readonly #of: Followed
  readonly #fromSeq: number
  readonly #handlers: FollowHandlers
  readonly #pageSize: number
  readonly #checkMs: number
  readonly #subscriptions: Subscription[]
  /** Not asked for yet: what the broker tells. */
  #ask: (() => Subscription) | undefined
  readonly #heartbeat: NodeJS.Timeout
  /** The last sequence and n known of each session. `n` is unknown where it began in the middle. */
  readonly #known = new Map<string, { seq: number; n: number | undefined }>()
  #position: number
  /** Of a tree: up to there the log was read, and everything was handed over. */
  #level: number
  #held: SessionFrame[] = []
  #reading: Promise<void> | undefined
  #again = false
  /** A gap stayed after a reading: a replica lags, so the next reading asks the leader. */
  #suspect = false
  #check: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    sessions: SessionLog,
    feed: SessionFeed,
    of: Followed,
    fromSeq: number,
    handlers: FollowHandlers,
    options: FollowOptions,
  ) {
    this.#sessions = sessions
    this.#of = of
    this.#fromSeq = fromSeq
    this.#position = fromSeq
    this.#level = fromSeq
    this.#handlers = handlers
    this.#pageSize = options.pageSize ?? 256
    this.#checkMs = options.joinCheckMs ?? 250
    if (typeof of === 'string') this.#known.set(of, { seq: fromSeq, n: fromSeq === 0 ? 0 : undefined })
    const ask = () => feed.frames(of, (frame) => this.#onLive(frame))
    const here = typeof of === 'string' && options.atHead && options.writersHere
    if (here) this.#ask = ask
    this.#subscriptions = [
      here ? feed.framesHere(of, (frame) => this.#onLive(frame)) : ask(), // L1
      feed.onReconnect(() => void this.#readOn()),
    ]
    if (handlers.onDelta) {
      const onDelta = handlers.onDelta.bind(handlers)
      this.#subscriptions.push(feed.deltas(of, (delta) => this.#closed || onDelta(delta)))
    }
    this.#heartbeat = setInterval(() => void this.compare(), options.heartbeatMs ?? 15_000)
    this.#heartbeat.unref()
    if (options.atHead) this.#compareSoon()
    this.joined = options.atHead ? Promise.resolve() : this.#join()
    this.joined.catch(() => {})
  }

  position(): number {
    return this.#position
  }

  offer(frames: readonly SessionFrame[]): void {
    for (const frame of frames) this.#onLive(frame)
  }

  async settled(): Promise<void> {
    while (this.#reading) await this.#reading
  }

  async compare(): Promise<void> {
    if (this.#closed || this.#reading) return
    // What a feed lost of one session of a tree is not shown by what came of another.
    if (typeof this.#of !== 'string') return this.#readOn()
    try {
      const head = await this.#sessions.head(this.#of, { leader: this.#suspect })
      if (head.seq > this.#position) await this.#readOn()
    } catch (error) {
      this.#trouble(error)
    }
  }

  close(): void {
    this.#closed = true
    for (const subscription of this.#subscriptions) subscription.close()
    clearInterval(this.#heartbeat)
    clearTimeout(this.#check)
    this.#held = []
  }

  async #join(): Promise<void> {
    let failed: { readonly error: unknown } | undefined
    await this.#readOn((error) => {
      failed = { error }
    })
    if (failed) throw failed.error
    this.#compareSoon()
  }

  #compareSoon(): void {
    if (this.#closed) return
    clearTimeout(this.#check)
    const heard = this.#position
    this.#check = setTimeout(() => {
      if (typeof this.#of === 'string' && !this.#suspect && this.#position > heard) return this.#compareSoon() // L7
      this.#askBroker()
      void this.compare()
    }, this.#checkMs)
    this.#check.unref()
  }

  #onLive({ session, frame }: SessionFrame | RepublishedFrame): void {
    if (this.#closed) return
    if (this.#reading) {
      this.#hold({ session, frame })
      return
    }
    const kind = this.#place(session, frame)
    if (kind === 'next') this.#handOver([{ session, frame }])
    else if (kind === 'gap') {
      this.#hold({ session, frame })
      void this.#readOn()
    }
  }

  #hold(frame: SessionFrame): void {
    // What is held is in the log too: when there is too much of it, it is simply read.
    if (this.#held.length < maxHeld) this.#held.push(frame)
    else this.#again = true
  }

  #place(session: string, frame: Frame): 'next' | 'had' | 'gap' {
    const known = this.#known.get(session)
    if (!known) {
      // Of a session of a tree of which nothing came yet behind the place that it was read to.
      if (frame.seq <= this.#level) return 'had'
      return frame.prev <= this.#level ? 'next' : 'gap'
    }
    if (frame.seq <= known.seq) return 'had'
    if (known.n === undefined) return frame.prev === known.seq ? 'next' : 'gap'
    return frame.n === known.n + 1 ? 'next' : 'gap'
  }

  /** Notes what is known now, and hands over what the caller has not had. */
  #handOver(frames: readonly SessionFrame[]): void {
    for (const { session, frame } of frames) this.#known.set(session, { seq: frame.seq, n: frame.n })
    const fresh = frames.filter(({ frame }) => frame.seq > this.#fromSeq)
    const last = fresh.at(-1)
    if (!last) return
    this.#position = Math.max(this.#position, last.frame.seq)
    this.#handlers.onFrames(fresh)
  }

  /** One reading at a time; a call while one is under way makes it go round again. */
  #readOn(failed?: (error: unknown) => void): Promise<void> {
    if (this.#closed) return Promise.resolve()
    if (this.#reading) {
      this.#again = true
      return this.#reading
    }
    // Not begun before it is noted: what arrives while it begins must be held.
    const reading = Promise.resolve().then(() => this.#readUntilLevel())
    this.#reading = reading.then(
      () => this.#release(),
      (error: unknown) => {
        this.#reading = undefined
        failed?.(error)
        this.#trouble(error)
      },
    )
    return this.#reading
  }

  async #readUntilLevel(): Promise<void> {
    do {
      this.#again = false
      await (typeof this.#of === 'string' ? this.#readSession(this.#of) : this.#readTree(this.#of.tree))
      if (this.#closed) return
    } while (this.#again)
  }

  async #readSession(session: string): Promise<void> {
    const leader = this.#suspect
    for (;;) {
      const after = this.#known.get(session)?.seq ?? 0
      const page = await this.#sessions.read(session, { after, limit: this.#pageSize, leader })
      if (this.#closed) return
      this.#handOver(page.map((frame) => ({ session, frame })))
      if (page.length < this.#pageSize) return
    }
  }

  /** L5 */
  async #readTree(root: string): Promise<void> {
    const leader = this.#suspect
    for (;;) {
      const page = await this.#sessions.readTree(root, { after: this.#level, limit: this.#pageSize, leader })
      if (this.#closed) return
      const had = ({ session, frame }: SessionFrame) => frame.seq <= (this.#known.get(session)?.seq ?? 0)
      this.#handOver(page.filter((one) => !had(one)))
      this.#level = page.at(-1)?.frame.seq ?? this.#level
      if (page.length < this.#pageSize) return
    }
  }

  /** After a reading: what arrived meanwhile, as far as it continues. */
  #release(): void {
    this.#reading = undefined
    if (this.#closed) return
    const held = this.#held.sort((a, b) => a.frame.seq - b.frame.seq)
    this.#held = []
    this.#suspect = false
    for (const one of held) {
      const place = this.#place(one.session, one.frame)
      if (place === 'next') this.#handOver([one])
      else if (place === 'gap') {
        // L2: the log has it, and a stale replica has not shown it yet.
        this.#suspect = true
        this.#compareSoon()
      }
    }
  }

  #trouble(error: unknown): void {
    if (this.#closed) return
    this.#handlers.onTrouble?.(error)
    clearTimeout(this.#check)
    this.#check = setTimeout(() => {
      this.#askBroker()
      void this.#readOn()
    }, this.#checkMs)
    this.#check.unref()
  }

  /** L6 */
  #askBroker(): void {
    if (this.#ask) this.#subscriptions.push(this.#ask())
    this.#ask = undefined
  }
}
