// Which agent a session is of: what a permission for sessions names. It is the session's first event, and never changes.
//   SA1. Who may an operation on every session is not made to wait for the look-up.
//   SA3. Who may not read a session is not told that it is there, nor of which agent it is.
//   SA2. A session of a delegation is of its own agent, not of the one that its tree began with.
import { isSessionId } from '@reins/contracts'
import { isUnreadable, type SessionLog } from '@reins/journal'
import { erasedIn } from '@reins/session'
import { allowedTo, authorizeSome, type Caller, mustBeAmong } from '../caller.ts'
import { type Operation, operations } from '../operations.ts'
import { notFound } from '../writes/appender.ts'
import { type Alternatives, allowsAll, among, type Subject } from './needs.ts'

const kept = 20_000

export class SessionAgents {
  readonly #sessions: Pick<SessionLog, 'read'>
  readonly #agents = new Map<string, string>()

  constructor(sessions: Pick<SessionLog, 'read'>) {
    this.#sessions = sessions
  }

  /** undefined: there is no such session. */
  async agentOf(session: string): Promise<string | undefined> {
    const known = this.#agents.get(session)
    if (known !== undefined || !isSessionId(session)) return known
    const [first] = await this.#sessions.read(session, { after: 0, limit: 1 })
    const started = first?.events.find((event) => event.type === 'session.started')
    const agent = started?.type === 'session.started' ? started.data.agent : first && erasedIn(first)?.agent
    if (agent !== undefined) this.learn(session, agent)
    return agent
  }

  learn(session: string, agent: string): void {
    if (this.#agents.size >= kept) {
      const [oldest] = this.#agents.keys()
      if (oldest !== undefined) this.#agents.delete(oldest)
    }
    this.#agents.set(session, agent)
  }

  /** What is known at once; undefined: it has to be looked up. */
  known(session: string): string | undefined {
    return this.#agents.get(session)
  }

  /** Rejects with forbidden, or where the caller may the operation on some session, with session_not_found. */
  async authorize(
    caller: Caller,
    operation: Pick<Operation, 'needs'>,
    session: string,
    subject: Subject = {},
  ): Promise<void> {
    const allowed = authorizeSome(caller, operation, { ...subject, session })
    if (allowsAll(allowed)) return // SA1
    const agent = await this.agentOf(session)
    if (agent === undefined) throw notFound(session)
    const about = { ...subject, session, agent }
    if (!among(allowed, about) && !this.#mayRead(caller, about)) throw notFound(session) // SA3
    mustBeAmong(caller, operation, allowed, about)
  }

  #mayRead(caller: Caller, subject: Subject): boolean {
    return among(allowedTo(caller, operations.showSession), subject)
  }

  /** Of many: whether each may be shown. */
  async among(allowed: Alternatives, session: string): Promise<boolean> {
    if (allowsAll(allowed)) return true
    // One that cannot be read hides no other: whose it is, nobody knows.
    const agent = await this.agentOf(session).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error
      return undefined
    })
    return agent !== undefined && among(allowed, { session, agent })
  }
}
