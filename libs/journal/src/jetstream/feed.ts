// SessionFeed on JetStream: republished frames and live deltas on core subjects; no consumer, nothing to clean up.
//   F1. Deltas have a connection of their own. There are so many of them that the server may cut a reader that falls behind; appends,
//       acks and frames must not be cut with it, nor wait behind deltas.
//   F2. What this process publishes, its own listeners hear at once and not from the server: the connection for deltas has no echo.
//   F3. What the end of a turn of the event loop has given rise to leaves at once; everything else waits for that end, and leaves in one
//       write with what else is said in this turn.
import { type Broker, isPutByBroker, listen, readMessages, storedHeadersOf } from '@reins/broker'
import {
  type Delta,
  decodeDelta,
  liveFilter,
  liveSubject,
  liveTreeFilter,
  parseLiveSubject,
  parseSessionSubject,
  republished,
  sessionFilter,
  rootOf,
  streams,
  treeFilter,
} from '@reins/contracts'
import type { LiveDelta, SessionFeed, Subscription } from '../port.ts'
import { frameOf } from './frames.ts'
import type { FramesHere } from './frames-here.ts'

type Of = string | { readonly tree: string }

const liveFilterOf = (of: Of): string => (typeof of === 'string' ? liveFilter(of) : liveTreeFilter(of.tree))

/** `ownLive`: the connection for deltas (F1), without echo (F2). Where there is none, deltas go over `broker`, which echoes them. */
export function createJetStreamFeed(broker: Broker, framesHere: FramesHere, ownLive?: Broker): SessionFeed {
  const live = ownLive ?? broker
  const here = ownLive && new ListenersHere()
  const names = new Names()
  return {
    frames(of, on) {
      const filter = republished(typeof of === 'string' ? sessionFilter(of) : treeFilter(of.tree))
      return listen(
        broker,
        filter,
        (msg) => {
          const headers = storedHeadersOf(msg)
          const subject = parseSessionSubject(msg.subject)
          if (!headers || !subject) return
          const frame = frameOf({
            subject: msg.subject,
            seq: Number(headers.said('Nats-Sequence')),
            header: headers.header,
            body: msg.string(),
          })
          if (frame) on({ session: subject.session, frame, to: subject.to })
        },
        { ofBroker: true },
      )
    },
    framesHere: (session, on) => framesHere.listen(session, on),
    deltas(of, on) {
      let speaker: { readonly subject: string; readonly of: Speaker | undefined } | undefined
      const listening = listen(live, liveFilterOf(of), (msg) => {
        if (speaker?.subject !== msg.subject) speaker = { subject: msg.subject, of: parseLiveSubject(msg.subject) }
        const one = liveDelta(speaker.of, textOf(msg.data))
        if (one) on(one)
      })
      const local = here?.add(of, on)
      return {
        close: () => {
          listening.close()
          local?.close()
        },
      }
    },
    async recentDeltas(of, options = {}) {
      const { since, withinMs, limit } = options
      const messages = await readMessages(live, streams.live, liveFilterOf(of), {
        ...(since === undefined ? {} : { since }),
        ...(withinMs === undefined ? {} : { withinMs }),
      })
      const deltas = messages.flatMap(({ subject, body, header }) =>
        isPutByBroker(header) ? [] : (liveDelta(parseLiveSubject(subject), body) ?? []),
      )
      return limit === undefined ? deltas : deltas.slice(-limit)
    },
    publishDelta(session: string, role: 'e' | 't', delta: Delta, at: 'any' | 'end-of-turn' = 'any') {
      // Into a connection that is closed for good: what streams past is lost, the log is not.
      const known = names.of(session)
      const subject = role === 'e' ? known.byExecutor : known.byRunner
      const body = Buffer.from(JSON.stringify(delta))
      if (at === 'end-of-turn') live.publishNow(subject, body)
      else live.publish(subject, body) // F3
      here?.tell({ session, role, delta }, known)
    },
    onReconnect: (on) => broker.onReconnect(on),
    onDeltasReconnect: (on) => live.onReconnect(on),
  }
}

/** Who listens in this process (F2). What they hear, they hear later: a callback never runs inside the call that caused it. */
class ListenersHere {
  readonly #of = new Map<string, Set<(delta: LiveDelta) => void>>()
  #told: { readonly delta: LiveDelta; readonly listeners: ReadonlySet<(delta: LiveDelta) => void> }[] = []

  add(of: Of, on: (delta: LiveDelta) => void): Subscription {
    const key = liveFilterOf(of)
    const listeners = this.#of.get(key) ?? new Set()
    this.#of.set(key, listeners)
    // A listener of its own for each subscription, whoever hands the same function in twice.
    const listener = (delta: LiveDelta): void => on(delta)
    listeners.add(listener)
    return {
      close: () => {
        listeners.delete(listener)
        if (listeners.size === 0 && this.#of.get(key) === listeners) this.#of.delete(key)
      },
    }
  }

  tell(delta: LiveDelta, { filter, tree }: SessionNames): void {
    if (this.#of.size === 0) return
    for (const key of [filter, tree]) {
      const listeners = this.#of.get(key)
      if (!listeners) continue
      if (this.#told.push({ delta, listeners }) === 1) queueMicrotask(() => this.#hear())
    }
  }

  #hear(): void {
    const told = this.#told
    this.#told = []
    for (const { delta, listeners } of told) for (const listener of listeners) listener(delta)
  }
}

interface SessionNames {
  readonly byExecutor: string
  readonly byRunner: string
  readonly filter: string
  readonly tree: string
}

const namesKept = 4096

/** Of the sessions that speak: a name is made once and not for each delta. */
class Names {
  #known = new Map<string, SessionNames>()

  of(session: string): SessionNames {
    const known = this.#known.get(session)
    if (known) return known
    if (this.#known.size >= namesKept) this.#known = new Map()
    const made = {
      byExecutor: liveSubject(session, 'e'),
      byRunner: liveSubject(session, 't'),
      filter: liveFilter(session),
      tree: liveTreeFilter(rootOf(session)),
    }
    this.#known.set(session, made)
    return made
  }
}

type Speaker = NonNullable<ReturnType<typeof parseLiveSubject>>

function liveDelta(speaker: Speaker | undefined, body: string): LiveDelta | undefined {
  const delta = speaker && decodeDelta(body)
  return delta ? { session: speaker.session, role: speaker.role, delta } : undefined
}

const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
