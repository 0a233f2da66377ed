// Which bundles and versions sessions and runs go by, as their frames name them. Pure: frames in, digests out.
//   SP1. Whatever stands in a frame and looks like a digest counts, whoever wrote it: a build too many is kept, and never one too few.
//   SP2. What a session named stays named, but for two things: an upgrade of a session at rest leaves behind all that the session went by
//        (CG3 of libs/session), and an erased session goes by nothing. What runs below it are sessions with frames of their own.
//   SP3. A fork goes by whatever the session ever named from which it was made.
//   SP4. Of a session whose older frames lie in the archive, it is not known what it goes by: then nothing is known, and nobody may conclude
//        that something is not needed.
import type { StoredMessage } from '@reins/broker'
import {
  type EventType,
  eventsOf,
  fieldsOf,
  frameHeaders,
  jsonValue,
  ownSessionSubject,
  type Status,
} from '@reins/contracts'

interface Named {
  now: ReadonlySet<string>
  readonly ever: Set<string>
  from: string | undefined
}

const digests = /sha256-[0-9a-f]{64}|\b[0-9a-f]{32}\b/g
export const digestsIn = (text: string): readonly string[] => text.match(digests) ?? []
const turning = /"session\.(upgraded|forked|archived|erased|erasure-completed)"/

export class SessionPins {
  readonly #sessions = new Map<string, Named>()
  readonly #archived = new Set<string>()

  /** `counts`: whether a digest is worth remembering. */
  take(
    { subject, body, header }: Pick<StoredMessage, 'subject' | 'body' | 'header'>,
    counts: (digest: string) => boolean,
  ): void {
    const { session, role } = ownSessionSubject(subject) ?? {}
    if (session === undefined) return
    const events = turning.test(body) ? eventsIn(body) : new Map<unknown, unknown>()
    const has = (type: EventType): boolean => events.has(type)
    if (
      (has('session.erased') && (role === 'g' || role === 'm')) ||
      (has('session.erasure-completed') && role === 'm')
    ) {
      this.#archived.delete(session)
      this.#sessions.delete(session)
      return
    }
    if (has('session.archived') && role === 'm') this.#archived.add(session) // SP4
    const named = new Set(digestsIn(body).filter(counts))
    const known = this.#sessions.get(session)
    if (!known && named.size === 0 && !has('session.forked')) return
    const of: Named = known ?? { now: new Set(), ever: new Set(), from: undefined }
    this.#sessions.set(session, of)
    const atRest: Status = 'idle'
    if (has('session.upgraded') && role === 'g' && header(frameHeaders.status) === atRest) {
      of.now = named // SP2
      of.from = undefined
    } else if (named.size > 0) of.now = new Set([...of.now, ...named])
    for (const one of named) of.ever.add(one)
    const { from } = fieldsOf(events.get('session.forked'))
    if (typeof from === 'string') of.from = from
  }

  /** undefined: it is not known (SP4). */
  pinned(): ReadonlySet<string> | undefined {
    if (this.#archived.size > 0) return undefined
    const found = new Set<string>()
    for (const { now, from } of this.#sessions.values()) {
      for (const one of now) found.add(one)
      for (const one of this.#everOf(from)) found.add(one)
    }
    return found
  }

  /** SP3. */
  *#everOf(session: string | undefined): Generator<string> {
    const seen = new Set<string>()
    for (let at = session; at !== undefined && !seen.has(at); at = this.#sessions.get(at)?.from) {
      seen.add(at)
      yield* this.#sessions.get(at)?.ever ?? []
    }
  }
}

function eventsIn(body: string): ReadonlyMap<unknown, unknown> {
  const events = jsonValue(eventsOf(body) ?? '')
  return new Map((Array.isArray(events) ? events : []).map((event) => [fieldsOf(event).type, fieldsOf(event).data]))
}
