// SessionFeed on JetStream: republished frames and live deltas on core subjects; no consumer, nothing to clean up.
import { type Broker, readMessages } from '@reins/broker'
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
  streams,
  treeFilter,
} from '@reins/contracts'
import type { LiveDelta, SessionFeed } from '../port.ts'
import { frameOf } from './frames.ts'

type Of = string | { readonly tree: string }

const liveFilterOf = (of: Of): string => (typeof of === 'string' ? liveFilter(of) : liveTreeFilter(of.tree))

export function createJetStreamFeed(broker: Broker): SessionFeed {
  return {
    frames(of, on) {
      const filter = republished(typeof of === 'string' ? sessionFilter(of) : treeFilter(of.tree))
      const subscription = broker.nc.subscribe(filter, {
        callback: (error, msg) => {
          const { headers } = msg
          const subject = parseSessionSubject(msg.subject)
          if (error || !headers || !subject) return
          const frame = frameOf({
            subject: msg.subject,
            seq: Number(headers.get('Nats-Sequence')),
            header: (name) => headers.get(name),
            body: msg.string(),
          })
          if (frame) on({ session: subject.session, frame, to: subject.to })
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
    deltas(of, on) {
      const subscription = broker.nc.subscribe(liveFilterOf(of), {
        callback: (error, msg) => {
          if (error) return
          const live = liveDelta(msg.subject, msg.string())
          if (live) on(live)
        },
      })
      return { close: () => subscription.unsubscribe() }
    },
    async recentDeltas(of, options = {}) {
      const { since, withinMs, limit } = options
      const messages = await readMessages(broker, streams.live, liveFilterOf(of), {
        ...(since === undefined ? {} : { since }),
        ...(withinMs === undefined ? {} : { withinMs }),
      })
      const deltas = messages.flatMap(({ subject, body }) => liveDelta(subject, body) ?? [])
      return limit === undefined ? deltas : deltas.slice(-limit)
    },
    publishDelta(session: string, role: 'e' | 't', delta: Delta) {
      // Into a connection that is closed for good: what streams past is lost, the log is not.
      broker.publish(liveSubject(session, role), JSON.stringify(delta))
    },
    onReconnect: (on) => broker.onReconnect(on),
  }
}

function liveDelta(subject: string, body: string): LiveDelta | undefined {
  const parsed = parseLiveSubject(subject)
  const delta = decodeDelta(body)
  return parsed && delta ? { session: parsed.session, role: parsed.role, delta } : undefined
}
