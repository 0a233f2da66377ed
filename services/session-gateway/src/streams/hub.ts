// One follower per session (or tree) and gateway, shared by all who listen: whoever removes the last one closes it.
//   H1. Each event and each delta is serialised once, however many listen.
//   H2. Deltas are only listened to while somebody wants them.
//   H4. While the gateway has too much to write, the first viewers of a session get each token at once, further ones get theirs some
//       times a second (pace.ts). Each gets everything in its order: what is held back is let go before anything else is shown to
//       them, and before another viewer joins or leaves.
//   H3. A frame of a session is read from the log once for all who join while it is new: the last ones are kept (recent-frames.ts).
//   H5. In a tree several answers are made side by side. Each cursor names how far all of them have been shown, so that whoever comes back
//       with it is told each from there on. Readers who are shown no deltas have read none of them: their cursors name none.
import {
  type AnswerRestarted,
  type Delta,
  type Frame,
  type Head,
  headOf,
  rootOf,
  type SessionQueued,
  type SlowToolCall,
} from '@reins/contracts'
import {
  type Following,
  follow,
  placeBefore,
  type SessionFeed,
  type SessionFrame,
  type SessionLog,
} from '@reins/journal'
import type { QueueBoard } from '../api/operating/queue-board.ts'
import type { SlowCalls } from '../api/operating/slow-calls.ts'
import {
  type At,
  answerRestarted,
  apiDelta,
  apiEvents,
  endOf,
  sessionQueued,
  toolSlow,
  type View,
} from '../api/reads/views.ts'
import type { Appender } from '../api/writes/appender.ts'
import { Batch, Item } from './batch.ts'
import { LiveAnswers } from './answers/live-answers.ts'
import type { OpenBlock } from './answers/open-answers.ts'
import type { Pace } from './readers/pace.ts'
import { backToOpen, openTurnsOf, tellsWhatIsOpen } from './answers/open-turn.ts'
import { RecentFrames } from './answers/recent-frames.ts'
import type { Refills } from './answers/refills.ts'
import type { History, Source } from './viewer.ts'

/** Whoever is told what happens from now on, once it is live. */
export interface Listener {
  readonly live: boolean
  readonly deltas: boolean
  show(batch: Batch): void
  /** `rendered`: the delta as it is for everybody who has read all that came before it. */
  showDelta(session: string, delta: Delta, rendered: Batch): void
  /** Several, one after the other. `joined`: all of them, for everybody who has read all that came before. */
  showDeltas(deltas: readonly HeldDelta[], joined: Batch): void
}

export interface HeldDelta {
  readonly session: string
  readonly delta: Delta
  readonly rendered: Batch
}

/** H4. */
const promptViewers = 2

export interface HubParts {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly appender: Appender
  readonly queues: Pick<QueueBoard, 'of' | 'onQueued'>
  readonly slow: Pick<SlowCalls, 'of' | 'onSlow'>
  readonly refills: Refills
  readonly pace: Pace
  /** epoch ms */
  now(): number
}

export class Hub implements Source {
  readonly view: View
  /** The end of the last frame that was seen. */
  last: At = { seq: 0, n: 0, i: -1 }
  readonly #parts: HubParts
  readonly #listeners = new Set<Listener>()
  readonly #unfollow: () => void
  readonly #queued: { close(): void }
  readonly #slow: { close(): void }
  readonly #recent = new RecentFrames()
  readonly #joined: Promise<void>
  readonly #following: Following
  readonly #held: HeldDelta[] = []
  #lastFrame: Frame | undefined
  #answers: LiveAnswers | undefined
  #closed = false

  /** `head`: of the session that is viewed, as it was a moment ago. */
  constructor(parts: HubParts, view: View, head: Pick<Head, 'seq'>) {
    this.#parts = parts
    this.view = view
    this.#unfollow = parts.appender.follows(view.of)
    // From the head's own frame: how many events it holds is part of every cursor that follows.
    this.#following = follow(parts.sessions, parts.feed, this.#followed, placeBefore(head.seq), {
      onFrames: (frames) => this.#onFrames(frames),
    })
    this.#joined = this.#following.joined
    const isViewed = (session: string) => (view.tree ? rootOf(session) === view.of : session === view.of)
    this.#queued = parts.queues.onQueued((session, place) => {
      if (isViewed(session)) this.#onQueued(session, place)
    })
    this.#slow = parts.slow.onSlow((session, call) => {
      if (isViewed(session)) this.#onSlow(session, call)
    })
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
  }

  /** H4: shows what is held back to those who wait for it. */
  letGo(): void {
    if (this.#held.length === 0) return
    const deltas = this.#held.splice(0)
    const joined = new Batch(deltas.flatMap(({ rendered }) => rendered.items))
    let place = 0
    for (const listener of this.#listeners)
      if (++place > promptViewers && listener.live && listener.deltas) listener.showDeltas(deltas, joined)
  }

  /** True when it was the last one: the hub is closed then. */
  remove(listener: Listener): boolean {
    this.letGo()
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return false
    this.close()
    return true
  }

  /** Follows, and with `deltas` knows the open answers. Rejects when the log cannot be read. */
  async ready(deltas: boolean): Promise<void> {
    await this.#joined
    if (!deltas || this.#closed) return
    this.#answers ??= new LiveAnswers(this.#parts, this.#followed, () => this.#openTurn(), {
      onDelta: (session, delta) => this.#onDelta(session, delta),
      onRestarted: (session, data) => this.#onRestarted(session, data),
    })
    const answers = this.#answers
    await answers.ready.catch((error: unknown) => {
      answers.close()
      if (this.#answers === answers) this.#answers = undefined
      throw error
    })
  }

  async history(after: { readonly seq: number; readonly n: number }, limit: number, leader: boolean): Promise<History> {
    const { of, tree } = this.view
    if (tree) {
      const frames = await this.#parts.sessions.readTree(of, { after: after.seq, limit, leader })
      return { frames, more: frames.length === limit }
    }
    const kept = this.#recent.behind(after.n, limit) // H3
    if (kept) return { frames: kept.map((frame) => ({ session: of, frame })), more: kept.length === limit }
    // Up to what is kept, which is not read again.
    const before = (this.#recent.first?.n ?? Number.POSITIVE_INFINITY) - after.n - 1
    const wanted = before > 0 ? Math.min(limit, before) : limit
    const frames = await this.#parts.sessions.read(of, {
      ...{ after: after.seq, afterNumber: after.n },
      ...{ limit: wanted, leader },
    })
    return { frames: frames.map((frame) => ({ session: of, frame })), more: frames.length === wanted }
  }

  offer(frames: readonly SessionFrame[]): void {
    // Of a tree it may be a part: where it does not join, frames of other sessions would come behind it.
    if (this.view.tree) void this.#following.compare()
    else this.#following.offer(frames.filter(({ frame }) => frame.seq > this.last.seq))
  }

  settled(): Promise<void> {
    return this.#following.settled()
  }

  openBlocks(): readonly OpenBlock[] {
    return this.#answers?.blocks() ?? []
  }

  /** Of the session that is viewed, if it waits for a slot. */
  queued(): Item | undefined {
    const place = this.#parts.queues.of(this.view.of)
    return place && new Item(sessionQueued(this.view, this.view.of, this.#here(), place))
  }

  /** Calls of the session that is viewed that have shown nothing for a while. */
  slow(): readonly Item[] {
    const { of } = this.view
    return this.#parts.slow.of(of).map((call) => new Item(toolSlow(this.view, of, this.#here(), call)))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#queued.close()
    this.#slow.close()
    this.#following.close()
    this.#answers?.close()
    this.#unfollow()
  }

  get #followed(): string | { readonly tree: string } {
    return this.view.tree ? { tree: this.view.of } : this.view.of
  }

  /** What has been seen of the turn that is going on, from where on it says which answers are open (open-turn.ts). */
  async #openTurn(): Promise<readonly SessionFrame[]> {
    const { of, tree } = this.view
    const last = this.#lastFrame
    if (last === undefined) return []
    if (tree) return openTurnsOf(this.#parts.sessions, of, last.seq)
    const kept = this.#recent.frames
    const first = kept[0] ?? last
    const older = kept.some(tellsWhatIsOpen) ? [] : await backToOpen(this.#parts.sessions, of, first)
    this.#recent.precede(older)
    return [...older, ...kept].map((frame) => ({ session: of, frame }))
  }

  #onFrames(frames: readonly SessionFrame[]): void {
    for (const one of frames) {
      const { session, frame } = one
      if (session === this.view.of) this.#parts.appender.learn(session, headOf(frame))
      if (!this.view.tree) this.#recent.add(frame)
      this.#lastFrame = frame
      if (frame.seq > this.last.seq) this.last = endOf(session, frame)
      this.#show((places) => apiEvents(this.view, session, frame, -1, places).map((event) => new Item(event)))
      this.#answers?.onFrame(one)
    }
    this.#answers?.flush()
  }

  #onDelta(session: string, delta: Delta): void {
    const listening = this.#listeners.size
    const busy = this.#parts.pace.busyWith(listening) && listening > promptViewers
    if (!busy) this.letGo()
    let rendered: Batch | undefined
    let place = 0
    for (const listener of this.#listeners) {
      place += 1
      if (!listener.live || !listener.deltas) continue
      rendered ??= new Batch([new Item(apiDelta(this.view, session, this.#here(), delta))]) // H1
      if (busy && place > promptViewers) {
        this.#hold({ session, delta, rendered })
        return
      }
      listener.showDelta(session, delta, rendered)
    }
  }

  /** H4 */
  #hold(held: HeldDelta): void {
    this.#held.push(held)
    if (this.#held.length === 1) this.#parts.pace.hold(this)
  }

  #onRestarted(session: string, data: AnswerRestarted['data']): void {
    this.#show((places) => [new Item(answerRestarted(this.view, session, this.#here(places), data))], true)
  }

  #onQueued(session: string, place: SessionQueued): void {
    this.#show((places) => [new Item(sessionQueued(this.view, session, this.#here(places), place))], true)
  }

  #onSlow(session: string, call: SlowToolCall): void {
    this.#show((places) => [new Item(toolSlow(this.view, session, this.#here(places), call))], true)
  }

  /** Where a reader stands who has been shown everything, in a tree also of the answers that are being made (H5). */
  #here(places = this.#places()): At {
    return places ? { ...this.last, places } : this.last
  }

  #places(): At['places'] {
    const places = this.view.tree ? this.#answers?.places() : undefined
    return places && places.length > 0 ? places : undefined
  }

  /** H1: rendered when the first live listener needs it; in a tree, where answers are being made, for those who are shown them apart. */
  #show(render: (places: At['places']) => readonly Item[], deltasOnly = false): void {
    this.letGo()
    const places = this.#places()
    const batches: { plain?: Batch; placed?: Batch } = {}
    for (const listener of this.#listeners) {
      if (!listener.live || (deltasOnly && !listener.deltas)) continue
      const form = listener.deltas && places !== undefined ? 'placed' : 'plain'
      const batch = batches[form] ?? new Batch(render(form === 'placed' ? places : undefined))
      batches[form] = batch
      if (batch.items.length === 0) return
      listener.show(batch)
    }
  }
}
