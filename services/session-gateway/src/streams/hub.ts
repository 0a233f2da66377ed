// One follower per session (or tree) and gateway, shared by all its viewers: the last one to go closes it.
//   H1. Each event and each delta is serialised once, however many look at it.
//   H2. Deltas are only listened to while somebody wants them.
import { type AnswerRestarted, type Cursor, type Delta, type Frame, headOf } from '@reins/contracts'
import { type Following, follow, readTree, type SessionFrame } from '@reins/journal'
import type { Appender } from '../api/appender.ts'
import { LiveAnswers, type LiveParts } from './live-answers.ts'
import type { OpenBlock } from './open-answers.ts'
import { answerRestarted, apiDelta, apiEvents, endOf, type View } from '../api/views.ts'
import { Batch, Item } from './batch.ts'
import type { Viewer } from './viewer.ts'

export interface HubParts extends LiveParts {
  readonly appender: Appender
}

export class Hub {
  readonly view: View
  /** The end of the last frame that was seen. */
  last: Pick<Cursor, 'seq' | 'n' | 'i'> = { seq: 0, n: 0, i: -1 }
  readonly #parts: HubParts
  readonly #viewers = new Set<Viewer>()
  readonly #unfollow: () => void
  readonly #started: Promise<void>
  #lastFrame: Frame | undefined
  #following: Following | undefined
  #answers: LiveAnswers | undefined
  #closed = false

  constructor(parts: HubParts, view: View) {
    this.#parts = parts
    this.view = view
    this.#unfollow = parts.appender.follows(view.of)
    this.#started = this.#start()
    this.#started.catch(() => {})
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers
  }

  add(viewer: Viewer): void {
    this.#viewers.add(viewer)
  }

  /** True when it was the last one: the hub is closed then. */
  remove(viewer: Viewer): boolean {
    this.#viewers.delete(viewer)
    if (this.#viewers.size > 0) return false
    this.close()
    return true
  }

  /** Follows, and with `deltas` knows the open answers. Rejects when the log cannot be read. */
  async ready(deltas: boolean): Promise<void> {
    await this.#started
    if (!deltas || this.#closed) return
    this.#answers ??= new LiveAnswers(this.#parts, this.#followed, this.#lastFrame, {
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

  async history(after: number, limit: number, leader: boolean): Promise<readonly SessionFrame[]> {
    const { of, tree } = this.view
    if (tree) return readTree(this.#parts.sessions, of, { after })
    const frames = await this.#parts.sessions.read(of, { after, limit, leader })
    return frames.map((frame) => ({ session: of, frame }))
  }

  offer(frames: readonly SessionFrame[]): void {
    this.#following?.offer(frames.filter(({ frame }) => frame.seq > this.last.seq))
  }

  async settled(): Promise<void> {
    await this.#following?.settled()
  }

  openBlocks(): readonly OpenBlock[] {
    return this.#answers?.blocks() ?? []
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#following?.close()
    this.#answers?.close()
    this.#unfollow()
  }

  get #followed(): string | { readonly tree: string } {
    return this.view.tree ? { tree: this.view.of } : this.view.of
  }

  async #start(): Promise<void> {
    const head = await this.#parts.sessions.head(this.view.of)
    if (this.#closed) return
    // From the head's own frame: how many events it holds is part of every cursor that follows.
    this.#following = follow(this.#parts.sessions, this.#parts.feed, this.#followed, Math.max(head.seq - 1, 0), {
      onFrames: (frames) => this.#onFrames(frames),
      onReconnected: () => this.#answers?.refill(),
    })
    await this.#following.joined
  }

  #onFrames(frames: readonly SessionFrame[]): void {
    for (const one of frames) {
      const { session, frame } = one
      if (session === this.view.of) this.#parts.appender.learn(session, headOf(frame))
      this.#lastFrame = frame
      if (frame.seq > this.last.seq) this.last = endOf(frame)
      this.#show(() => apiEvents(this.view, session, frame).map((event) => new Item(event)))
      this.#answers?.onFrame(one)
    }
    this.#answers?.flush()
  }

  #onDelta(session: string, delta: Delta): void {
    let rendered: Batch | undefined
    for (const viewer of this.#viewers) {
      if (!viewer.live || !viewer.deltas) continue
      rendered ??= new Batch([new Item(apiDelta(this.view, session, this.last, delta))]) // H1
      viewer.showDelta(session, delta, rendered)
    }
  }

  #onRestarted(session: string, data: AnswerRestarted['data']): void {
    this.#show(() => [new Item(answerRestarted(this.view, session, this.last, data))], true)
  }

  /** H1: rendered when the first live viewer needs it. */
  #show(render: () => readonly Item[], deltasOnly = false): void {
    let batch: Batch | undefined
    for (const viewer of this.#viewers) {
      if (!viewer.live || (deltasOnly && !viewer.deltas)) continue
      batch ??= new Batch(render())
      if (batch.items.length === 0) return
      viewer.show(batch)
    }
  }
}
