// All open streams of this gateway: how many there may be, which share a hub, their heartbeats, their end.
import { type Cursor, errorTable, type Head, isSessionId, ReinsError } from '@reins/contracts'
import type { Metrics } from '@reins/telemetry'
import type { Credential, Leases, Still } from '../access/leases.ts'
import { type Alternatives, allowsAll, everything } from '../api/access/needs.ts'
import type { Quotas } from '../access/quotas.ts'
import type { SessionAgents } from '../api/access/session-agents.ts'
import { allowedTo, asOfNow, type Caller } from '../api/caller.ts'
import { asReinsError } from '../api/errors.ts'
import { operations } from '../api/operations.ts'
import { resolveCursor, viewOf } from '../api/reads/cursors.ts'
import type { View } from '../api/reads/views.ts'
import { notFound } from '../api/writes/appender.ts'
import type { ErasedSessions } from '../api/sessions/erasures.ts'
import type { Limits } from '../config.ts'
import { Hub, type HubParts } from './hub.ts'
import { Pace } from './readers/pace.ts'
import { type Cut, ReaderWatch } from './readers/reader-watch.ts'
import type { LookAtSendQueues } from './readers/send-queues.ts'
import { shownSink } from './shown-sink.ts'
import type { Sink } from './sink.ts'
import { Viewer } from './viewer.ts'

export interface StreamRequest {
  readonly session: string
  readonly after: string | undefined
  readonly deltas: boolean
  readonly tree: boolean
}

/** Ends what a token has opened, when the token ends (access/leases.ts). */
export type StreamLeases = Pick<Leases<Credential>, 'hold'>

/** Checked, and ready to be given a connection. */
export interface Opening {
  start(sink: Sink): void
}

export class Streams {
  readonly #parts: HubParts
  readonly #access: SessionAgents
  readonly #limits: Limits
  readonly #erased: ErasedSessions
  readonly #pace: Pace
  readonly #hubs = new Map<string, Hub>()
  readonly #viewers = new Set<Viewer>()
  readonly #heartbeat: NodeJS.Timeout
  readonly #watch: ReaderWatch
  readonly #open: { inc(): void; dec(): void }
  readonly #slow: { inc(): void }
  readonly #leases: StreamLeases
  readonly #quotas: Pick<Quotas, 'mayStream' | 'streamOpened'>
  #closed = false

  constructor(
    {
      access,
      erased,
      ...parts
    }: Omit<HubParts, 'pace'> & { readonly access: SessionAgents; readonly erased: ErasedSessions },
    limits: Limits,
    look: LookAtSendQueues,
    metrics: Metrics,
    leases: StreamLeases,
    quotas: Pick<Quotas, 'mayStream' | 'streamOpened'>,
  ) {
    this.#quotas = quotas
    this.#leases = leases
    this.#pace = new Pace({ busyAbove: limits.promptTokensPerSecond, now: () => performance.now() })
    this.#parts = { ...parts, pace: this.#pace }
    this.#access = access
    this.#erased = erased
    this.#limits = limits
    this.#open = metrics.gauge('reins_gateway_streams')
    this.#slow = metrics.counter('reins_gateway_slow_consumers_total')
    const waiting = metrics.gauge('reins_gateway_stream_buffer_bytes')
    this.#watch = new ReaderWatch({
      maxBytes: limits.maxStreamBufferBytes,
      maxTotalBytes: limits.maxStreamsBufferBytes,
      stalledMs: limits.drainWithinMs,
      lookEveryMs: limits.lookEveryMs,
      look,
      looked: (total) => waiting.set(total),
      now: () => performance.now(),
    })
    this.#heartbeat = setInterval(() => this.#beat(), limits.heartbeatMs)
    this.#heartbeat.unref()
  }

  /** What may wait for a reader in one connection. */
  get maxBufferedBytes(): number {
    return this.#limits.maxStreamBufferBytes
  }

  countSlow(): void {
    this.#slow.inc()
  }

  /** Throws forbidden, session_not_found, invalid_cursor, too_many_streams: all before the first byte. */
  async open(caller: Caller, request: StreamRequest): Promise<Opening> {
    if (!isSessionId(request.session)) throw notFound(request.session)
    await this.#access.authorize(caller, operations.readEvents, request.session)
    const view = viewOf(request.session, request.tree)
    this.#mustHaveRoom()
    this.#quotas.mayStream(caller)
    const { head } = await this.#parts.appender.existing(request.session)
    await this.#erased.mustBeThere(request.session, head)
    const cursor = await resolveCursor(this.#parts.sessions, view, request.after)
    const last = view.tree ? await this.#parts.sessions.head({ tree: view.of }) : head
    this.#mustHaveRoom()
    const allowed = view.tree ? allowedTo(caller, operations.readEvents) : everything
    return {
      start: (sink) => this.#start(caller, view, last, cursor, request.deltas, this.#shown(sink, allowed)),
    }
  }

  /** Ends every stream: clients come back with their cursors, here or elsewhere. */
  close(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
    for (const viewer of [...this.#viewers]) viewer.end()
    this.#watch.close()
    this.#pace.close()
    for (const hub of this.#hubs.values()) hub.close()
    this.#hubs.clear()
  }

  #shown(sink: Sink, allowed: Alternatives): Sink {
    return allowsAll(allowed) ? sink : shownSink(sink, allowed, this.#access)
  }

  #mustHaveRoom(): void {
    if (this.#closed) throw new ReinsError('unavailable', 'The gateway is shutting down.')
    if (this.#viewers.size < this.#limits.maxStreams) return
    throw new ReinsError('too_many_streams', `The gateway holds ${this.#viewers.size} streams, as many as it may.`)
  }

  #start(caller: Caller, view: View, head: Head, cursor: Cursor, deltas: boolean, sink: Sink): void {
    if (sink.closed) return
    try {
      // Others of the same caller may have been opened since this was asked for.
      this.#mustHaveRoom()
      this.#quotas.mayStream(caller)
    } catch (error) {
      sink.fail(asReinsError(error))
      return
    }
    const key = view.tree ? `${view.of}*` : view.of
    const hub = this.#hubs.get(key) ?? new Hub(this.#parts, view, head)
    this.#hubs.set(key, hub)
    const slow = (why: Cut) => {
      this.countSlow()
      return tooSlow(why, this.#limits)
    }
    const viewer = new Viewer(hub, sink, cursor, { deltas, watch: this.#watch, slow })
    hub.add(viewer)
    this.#viewers.add(viewer)
    this.#open.inc()
    const closed = this.#quotas.streamOpened(caller)
    const still = this.#stillShown(caller, view)
    const letGo = caller.credential && this.#leases.hold(caller.credential, (why) => viewer.fail(why), still)
    sink.onClose(() => {
      letGo?.()
      closed()
      this.#viewers.delete(viewer)
      this.#open.dec()
      viewer.left()
      if (hub.remove(viewer) && this.#hubs.get(key) === hub) this.#hubs.delete(key)
    })
    void viewer.join()
  }

  /** Whether what the caller may read of the view is what it was. Who may read less comes back and is shown that. */
  #stillShown(caller: Caller, view: View): Still {
    let { permissions } = caller
    const shown = JSON.stringify(allowedTo(caller, operations.readEvents))
    const lookAgain = async (now: Caller): Promise<ReinsError | undefined> => {
      const may = await this.#access.authorize(now, operations.readEvents, view.of).then(
        () => true,
        (error: unknown) => !(error instanceof ReinsError && lacks.has(error.code)),
      )
      const same = !view.tree || JSON.stringify(allowedTo(now, operations.readEvents)) === shown
      if (may && same) return undefined
      return new ReinsError('unauthorized', `What ${caller.principal} may read has changed.`, {
        details: { reason: 'permissions' },
        next: 'Connect again: what may still be read is shown.',
      })
    }
    return () => {
      const now = asOfNow(caller)
      if (now.permissions === permissions) return undefined
      permissions = now.permissions
      return lookAgain(now)
    }
  }

  #beat(): void {
    for (const viewer of this.#viewers) viewer.heartbeat()
  }
}

/** What somebody is told who may not read a session. */
const lacks: ReadonlySet<string> = new Set(['forbidden', 'session_not_found'])

/** What a reader that was let go is told. */
function tooSlow(why: Cut, limits: Limits): ReinsError {
  const reason = {
    behind: `More than ${limits.maxStreamBufferBytes} bytes waited for you.`,
    stalled: `You took nothing for ${limits.drainWithinMs / 1000} s although something waited.`,
    budget: `More than ${limits.maxStreamsBufferBytes} bytes waited for all readers, and you had taken nothing for the longest.`,
  }[why]
  return new ReinsError('slow_consumer', `${errorTable.slow_consumer.meaning} ${reason}`, { details: { why } })
}
