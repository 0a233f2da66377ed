// The frames of one session that asked this runner for calls, each with its view: what the log says of its calls, up to the head.
// Reads the log and folds what it reads; it appends nothing and runs nothing. The numbered invariants are those of session-tools.ts.
import {
  type Address,
  type EventOf,
  type Frame,
  type Head,
  headOf,
  type RequestedCall,
  type SessionEvent,
} from '@reins/contracts'
import type { Place, Reading } from '@reins/holder'
import type { SessionLog, Trigger } from '@reins/journal'
import { addressOf, evolveView, isClosed, newerDelayMs, type RunnerCall, type RunnerView, viewOf } from '@reins/session'

export interface RequestsContext {
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'read' | 'head'>
  readonly reading: Reading
  servesPool(pool: string): boolean
}

/** One frame that asked for calls. `trigger` is null where it came from a lost instance's word instead of a delivery. */
export interface Request {
  readonly seq: number
  readonly trace: string | undefined
  readonly turn: string
  readonly digest: string
  /** For whom the calls are. Absent in older sessions that have neither servers nor memory. */
  readonly principal: string | undefined
  readonly calls: readonly RequestedCall[]
  /** The frame that has the files with which it begins. */
  readonly files: number | undefined
  view: RunnerView
  /** T5: whether the view is what the log says, up to the head. */
  known: boolean
  /** Something was appended after it that only a newer version understands: nothing of it is begun here any more. */
  beyond: boolean
  fresh: boolean
  /** It was said long before it was stored: it may be no frame of the log at all (isInPlace). */
  late: boolean
  trigger: Trigger | null
  /** It waits for room to work: nothing of it is begun before it has some. */
  place: Place | null
  askAgain: NodeJS.Timeout | undefined
}

const framesOfPage = 256

export const askedIn = (frame: Frame): EventOf<'tool-calls.requested'> | undefined =>
  frame.events.find((event) => event.type === 'tool-calls.requested')

export class Requests {
  readonly #session: string
  readonly #context: RequestsContext
  readonly #requests = new Map<number, Request>()
  #head: Head | null = null

  constructor(session: string, context: RequestsContext) {
    this.#session = session
    this.#context = context
  }

  get size(): number {
    return this.#requests.size
  }

  /** The latest frame that was read or appended here; null before the first one. */
  get head(): Head | null {
    return this.#head
  }

  get(seq: number): Request | undefined {
    return this.#requests.get(seq)
  }

  /** Those that are open now: may be gone through while they are closed. */
  all(): Request[] {
    return [...this.#requests.values()]
  }

  isOpen(request: Request): boolean {
    return this.#requests.get(request.seq) === request
  }

  stateOf(seq: number, call: string): RunnerCall['state'] | undefined {
    return this.#requests.get(seq)?.view.find((one) => one.call === call)?.state
  }

  open(frame: Frame, asked: EventOf<'tool-calls.requested'>, trigger: Trigger | null, fresh: boolean): Request {
    const { turn, digest, calls, principal, files } = asked.data
    const { seq, trace } = frame
    const request: Request = {
      seq,
      trace,
      turn,
      digest,
      principal,
      calls,
      files,
      view: viewOf(calls),
      known: false,
      beyond: false,
      fresh,
      late: false,
      trigger,
      place: null,
      askAgain: undefined,
    }
    this.#requests.set(seq, request)
    return request
  }

  working(): void {
    for (const { trigger } of this.#requests.values()) trigger?.working()
  }

  /** T3, T7: a call that waits for a person while it runs here (`holds`) keeps the request in view, without its trigger. */
  ackIfDone(request: Request, holds: (call: string) => boolean): void {
    if (request.view.some(({ state }) => !isClosed(state))) return
    if (!this.isOpen(request)) return
    clearTimeout(request.askAgain)
    request.trigger?.ack()
    request.trigger = null
    if (!request.view.some(({ call, state }) => state.kind === 'parked' && holds(call)))
      this.#requests.delete(request.seq)
  }

  /** Nothing of it is due. */
  drop(request: Request): void {
    if (!this.isOpen(request)) return
    clearTimeout(request.askAgain)
    this.#requests.delete(request.seq)
    request.trigger?.ack()
  }

  /** To a newer process, once nothing of it runs here. */
  giveToNewer(request: Request): void {
    if (!this.isOpen(request)) return
    clearTimeout(request.askAgain)
    this.#requests.delete(request.seq)
    request.trigger?.nak(newerDelayMs(request.trigger.ageMs))
  }

  /** All of them, to whoever is there after `delayMs`. */
  giveBack(delayMs: number): void {
    for (const request of this.all()) this.#giveBack(request, delayMs)
  }

  /** Those that wait for room: another runner has some. */
  giveBackWaiting(): void {
    for (const request of this.all()) if (request.place) this.#giveBack(request, 0)
  }

  #giveBack(request: Request, delayMs: number): void {
    clearTimeout(request.askAgain)
    request.place?.leave()
    request.place = null
    request.trigger?.nak(delayMs)
    this.#requests.delete(request.seq)
  }

  forgetHead(): void {
    this.#head = null
  }

  // --- reading ---

  /** The heartbeats of all pools are heard; a call is run by those that its labels ask for. */
  async areOfMyPools(): Promise<boolean> {
    const [first] = await this.#context.reading(() => this.#context.sessions.read(this.#session, { limit: 1 }))
    const born = first?.events.find((event) => event.type === 'session.started')
    return born !== undefined && this.#context.servesPool(born.data.pools.tools)
  }

  async readFrame(seq: number): Promise<Frame | undefined> {
    const [frame] = await this.#context.reading(() =>
      this.#context.sessions.read(this.#session, { after: seq - 1, limit: 1, leader: true }),
    )
    return frame?.seq === seq ? frame : undefined
  }

  /**
   * Whether it is that frame of the log, by everything before it. A genuine frame that was stored again has its number, and is behind the
   * one that was there first: nothing of it is due. Whoever stores frames can say anything of what a single one stands on.
   */
  async isInPlace({ seq, n }: Frame): Promise<boolean> {
    for (let head = { seq: 0, n: 0 }; ; ) {
      const after = head.seq
      const frames = await this.#context.reading(() =>
        this.#context.sessions.read(this.#session, { after, limit: framesOfPage, leader: true }),
      )
      for (const frame of frames) {
        if (frame.seq === seq) return n === head.n + 1
        head = { seq: frame.seq, n: frame.n === head.n + 1 ? frame.n : head.n }
      }
      if (frames.length < framesOfPage || head.seq > seq) return false
    }
  }

  /** All that was appended after a frame; nothing of it is folded. */
  readAfter(seq: number): Promise<readonly Frame[]> {
    return this.#context.reading(() => this.#context.sessions.read(this.#session, { after: seq, leader: true }))
  }

  /** Frames above the head, of which this is one. They are not folded yet. */
  readUpTo(frame: Frame): Promise<readonly Frame[]> {
    return this.#context.reading(() =>
      this.#context.sessions.read(this.#session, { after: this.#head?.seq ?? frame.seq - 1 }),
    )
  }

  readHead(): Promise<Head> {
    return this.#context.reading(() => this.#context.sessions.head(this.#session, { leader: true }))
  }

  /** T5: from the head on, where other requests have views to keep. */
  async readTail(request: Request, leader: boolean): Promise<void> {
    const others = this.#requests.size > 1 ? this.#head?.seq : undefined
    const after = Math.min(request.seq - 1, others ?? request.seq - 1)
    const frames = await this.#context.reading(() => this.#context.sessions.read(this.#session, { after, leader }))
    const reached = frames.at(-1)?.seq ?? 0
    if (!leader && reached < Math.max(request.seq, this.#head?.seq ?? 0)) return this.readTail(request, true)
    request.fresh = false
    request.known = true
    request.view = viewOf(request.calls)
    for (const frame of frames) evolve(request, frame)
    const known = this.#head?.seq ?? 0
    for (const frame of frames) {
      if (frame.seq <= known) continue
      for (const other of this.#requests.values()) if (other !== request) evolve(other, frame)
      this.#sawHead(headOf(frame))
    }
  }

  // --- folding ---

  saw(frames: readonly Frame[]): void {
    for (const frame of frames) {
      for (const request of this.#requests.values()) evolve(request, frame)
      this.#sawHead(headOf(frame))
    }
  }

  /** What this runner has appended itself, as the frame that is the head now. */
  appended(events: readonly SessionEvent[], head: Head): void {
    const by = this.#context.instance
    for (const request of this.#requests.values())
      request.view = evolveView(request.view, { events, by, seq: head.seq })
    this.#sawHead(head)
  }

  #sawHead(head: Head): void {
    if (!this.#head || head.seq > this.#head.seq) this.#head = head
  }

  /** Of the frame that asked for the first of these calls that one asked for. */
  traceOf(events: readonly SessionEvent[]): string | undefined {
    const calls = new Set(events.flatMap(({ data }) => ('call' in data ? [data.call] : [])))
    return this.all().find((request) => request.calls.some(({ call }) => calls.has(call)))?.trace
  }

  /** Whom these events wake, appended as things stand. */
  addressOf(events: readonly SessionEvent[], pool: string): Address {
    return addressOf(this.all(), events, pool)
  }
}

/** A frame into the view of a request that it came after. */
function evolve(request: Request, frame: Frame): void {
  if (frame.seq <= request.seq) return
  request.view = evolveView(request.view, frame)
  if (frame.beyond !== undefined) request.beyond = true
}
