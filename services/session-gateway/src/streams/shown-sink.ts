// A sink that shows what its reader may read: of a tree, the sessions of some agents and not of others.
//   SS1. Order stays: what comes while it is looked up whose a session is waits for that, its end as well.
//   SS2. Where that cannot be found out, nothing of the session is shown.
import type { Alternatives } from '../api/access/needs.ts'
import { among } from '../api/access/needs.ts'
import type { SessionAgents } from '../api/access/session-agents.ts'
import { Batch, type Item } from './batch.ts'
import type { Sink } from './sink.ts'

/** `allowed` names agents, or sessions; who may read all needs none of this. */
export function shownSink(sink: Sink, allowed: Alternatives, agents: SessionAgents): Sink {
  let tail: Promise<void> | undefined
  let waits = 0
  const after = (next: () => void) => {
    if (tail === undefined) return next()
    const mine: Promise<void> = tail.then(next).then(() => {
      if (tail === mine) tail = undefined
    })
    tail = mine
  }
  const lookUp = async (sessions: readonly string[]) => {
    for (const session of sessions) await agents.agentOf(session).catch(() => undefined) // SS2
  }
  const shows = ({ session }: Item): boolean => {
    const agent = session === undefined ? undefined : agents.known(session)
    return session === undefined || (agent !== undefined && among(allowed, { session, agent }))
  }
  const show = (batch: Batch) => {
    const items = batch.items.filter(shows)
    if (items.length > 0 && !sink.closed) sink.write(items.length === batch.items.length ? batch : new Batch(items))
  }
  return {
    write(batch) {
      const unknown = [
        ...new Set(
          batch.items.flatMap(({ session }) => (session && agents.known(session) === undefined ? [session] : [])),
        ),
      ]
      if (unknown.length === 0) return after(() => show(batch))
      const size = batch.items.reduce((sum, { json }) => sum + json.length, 0)
      waits += size
      const mine: Promise<void> = (tail ?? Promise.resolve())
        .then(() => lookUp(unknown))
        .then(() => {
          waits -= size
          show(batch)
          if (tail === mine) tail = undefined
        })
      tail = mine // SS1
    },
    sent: () => sink.sent(),
    buffered: () => sink.buffered() + waits,
    get ends() {
      return sink.ends
    },
    heartbeat: () => sink.heartbeat(),
    fail: (error) => after(() => sink.fail(error)),
    end: () => after(() => sink.end()),
    get closed() {
      return sink.closed
    },
    onClose: (on) => sink.onClose(on),
  }
}
