// What one session's actor knows of it: the fold that it holds, brought to a frame, read on, written as snapshots.
//   F1. Nothing is decided on a fold that is older than the frame it is decided about (H1): `reach` gives at least that frame, or throws.
//   F2. A frame that follows on the head is folded from what was delivered; only a gap or a fault costs a read (A2).
//   F4. What it keeps is counted once per message: the transcript only grows.
//   F3. After a failure the log is read, also for a first frame: it may say that the session is quarantined for it.
import type { Frame, Head } from '@reins/contracts'
import {
  emptyFold,
  type Fold,
  foldFrame,
  foldFrames,
  type Session,
  unweighed,
  waitingBytes,
  weigh,
} from '@reins/session'
import { type FoldSource, foldOn, loadFold, worthwhile, writeSnapshot } from './snapshots.ts'

const snapshotEvery = 64
const restMs = 5000

export class SessionFold {
  readonly #id: string
  readonly #context: FoldSource
  #fold: Fold
  /** `unread`: a session's first frame is all that there is, as far as anybody knows. `dropped`: what was known is in doubt (F3). */
  #state: 'unread' | 'known' | 'dropped' = 'unread'
  #snapshotN = 0
  #restTimer: NodeJS.Timeout | undefined
  #weighed = unweighed

  constructor(id: string, context: FoldSource) {
    this.#id = id
    this.#context = context
    this.#fold = emptyFold(id)
  }

  get head(): Head {
    return this.#fold.head
  }

  get session(): Session {
    return this.#fold.session
  }

  /** A beginning of the log, however short. */
  get fold(): Fold {
    return this.#fold
  }

  /** About what it takes in memory (F4). */
  bytes(): number {
    this.#weighed = weigh(this.#fold.session, this.#weighed)
    return this.#weighed.bytes + waitingBytes(this.#fold.session)
  }

  /** Nothing was read or folded yet. */
  unread(): boolean {
    return this.#state === 'unread'
  }

  known(): boolean {
    return this.#state === 'known'
  }

  /** Brings the fold to a head that is not older than `frame` (F1). */
  async reach(frame: Frame): Promise<void> {
    const { head } = this.#fold
    if (frame.seq <= head.seq && this.known()) return
    if (frame.n === head.n + 1 && frame.prev === head.seq && !frame.fault && this.#state !== 'dropped') {
      this.#state = 'known'
      this.#fold = foldFrame(this.#fold, frame)
      return
    }
    if (this.known()) await this.readOn(false)
    else await this.#load(frame.fault === undefined && this.#state === 'unread' ? frame : undefined)
    if (frame.n === this.#fold.head.n + 1 && frame.prev === this.#fold.head.seq) this.add([frame])
    if (this.#fold.head.seq < frame.seq) await this.readOn(true)
    if (this.#fold.head.seq < frame.seq)
      throw new Error(`frame ${frame.n} of ${this.#id} was delivered, but cannot be read`)
  }

  /** To the head that the stream's leader has. */
  async reachHead(): Promise<void> {
    if (!this.known()) await this.#load()
    await this.readOn(true)
  }

  async readOn(leader: boolean): Promise<void> {
    this.#fold = await foldOn(this.#context, this.#fold, leader)
    this.#state = 'known'
  }

  /** What others have appended, up to `frame`, or to wherever the log is. */
  async catchUp(leader: boolean, frame?: Frame): Promise<void> {
    if (frame && frame.seq <= this.#fold.head.seq) return
    if (frame?.prev === this.#fold.head.seq && frame.n === this.#fold.head.n + 1) this.add([frame])
    else await this.readOn(leader)
  }

  /** Frames that are known to follow on the head. */
  add(frames: readonly Frame[]): void {
    this.#fold = foldFrames(this.#fold, frames)
  }

  /** What was appended here: folded from what was sent (A2), with the frames that others put above it. */
  appended(mine: Fold, above: readonly Frame[]): void {
    this.#fold = mine
    this.add(above)
  }

  drop(): void {
    this.#state = 'dropped'
    this.#fold = emptyFold(this.#id)
  }

  async #load(near?: Frame): Promise<void> {
    this.#fold = await loadFold(this.#context, this.#id, near)
    this.#snapshotN = this.#fold.head.n
    this.#state = 'known'
  }

  /** The session does nothing now: the time for a snapshot, at once or when it has rested. */
  rest(busy: () => boolean): void {
    const { head } = this.#fold
    // A long session's state is long too: it is written again when the log has grown by a quarter.
    if (head.n - this.#snapshotN >= Math.max(snapshotEvery, this.#snapshotN / 4)) this.#snapshot()
    else if (head.n > this.#snapshotN && head.n >= worthwhile && !this.#restTimer) {
      this.#restTimer = setTimeout(() => {
        this.#restTimer = undefined
        if (!busy()) this.#snapshot()
      }, restMs)
      this.#restTimer.unref()
    }
  }

  /** It leaves the memory of this process before it has rested long: what it knows is written now. */
  evicted(): void {
    if (this.#restTimer) this.#snapshot()
  }

  #snapshot(): void {
    const { head, session } = this.#fold
    if (head.n <= this.#snapshotN || session.beyond) return // what is incomplete is nobody's to go on from (S5)
    this.#snapshotN = this.#fold.head.n
    void writeSnapshot(this.#context, this.#fold)
  }

  dispose(): void {
    clearTimeout(this.#restTimer)
  }
}
