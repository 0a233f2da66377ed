// A session that goes on behind a frame of another one. What its first frame says is decided in libs/session (fork-frame.ts), on the other
// session as it was there; here that place is found, and the frame is got in.
//   FO1. The other session is read, and never written to. Nothing of it is copied: the fork names the frame, and its hash.
//   FO2. A fork names the session that wrote the frame: a fork of what a fork has from another session is a fork of that one.
//   FO3. Before a message: where nobody had taken it in. What else waited there, or was open, is not the fork's (FK1 of fork.ts).
import {
  CreatedSession,
  encodeCursor,
  type EventOf,
  emptyHead,
  type ForkSession,
  isSessionId,
  knownEvents,
  makeUlid,
  ReinsError,
  type SessionEvent,
  type UserContent,
} from '@reins/contracts'
import { maxForkDepth } from '@reins/journal'
import {
  agentConfigured,
  comingDigest,
  emptyFold,
  emptyInfo,
  type Fold,
  foldFrame,
  foldInfo,
  forkFrame,
  type Session,
} from '@reins/session'
import { permittedTools } from '../access/permitted-tools.ts'
import type { Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import { type Outcome, refused } from '../outcomes.ts'
import { type FoldParts, foldBefore } from '../reads/fold-before.ts'
import { framesOf, newerDecides } from '../reads/session-folds.ts'
import { infoWithCursor } from '../reads/session-info.ts'
import { notFound } from '../writes/appender.ts'
import { decided } from './decisions.ts'
import type { Ids } from '../writes/idempotency.ts'
import { contentOf } from './message-content.ts'
import { agentFor, startOf } from './new-session.ts'
import { receipts, type SessionWrites, type WriteOptions, type WriteParts } from './session-writes.ts'
import { titleApart } from './title-apart.ts'

export interface ForkParts extends WriteParts, FoldParts {
  readonly writes: SessionWrites
}

/** Where a fork begins, and the message that it was asked to begin before. */
interface Point {
  readonly at: Fold
  readonly message?: EventOf<'message.received'>
  /** Shown with it. */
  readonly images?: EventOf<'images.attached'>['data']['images']
}

const latest = 'latest'

export class Forks {
  readonly #parts: ForkParts
  constructor(parts: ForkParts) {
    this.#parts = parts
  }

  fork(
    caller: Caller,
    source: string,
    request: ForkSession,
    options: WriteOptions = {},
  ): Promise<Outcome<CreatedSession>> {
    const { writes, clock, limits } = this.#parts
    return writes.write(caller, operations.forkSession, { session: source }, options, async () => {
      if (!isSessionId(source)) throw notFound(source)
      checkRequest(request, options)
      const content = request.message === undefined ? undefined : contentOf(request.message, limits.maxMessageBytes)
      const session = makeUlid(clock.now(), clock.random)
      return {
        ...{ session, asked: `POST /v1/sessions/${source}/fork`, body: request, receiptOf: createdSession },
        apart: titleApart(this.#parts.folds),
        on: { head: emptyHead(session), remembered: false },
        prepare: async (ids) => {
          const obstacle = this.#parts.admission?.newSessions()
          if (obstacle) throw obstacle
          await this.#parts.erased.mustBeThere(source, await this.#parts.sessions.head(source, { leader: true }))
          const decision = await this.#decision(caller, source, request, ids, content)
          // A request that is repeated finds its frame by its id: what stands there without that is somebody else's.
          return (head) =>
            head.seq > 0
              ? refused(new ReinsError('session_exists', `There is a session ${ids.session} already.`))
              : decision
        },
        settle: async (ids, done) => {
          if (done.kind !== 'appended')
            throw new Error(`the fork ${ids.session} was decided about on a head of its own`)
          const { frame } = done
          const info = infoWithCursor(ids.session, foldInfo(emptyInfo, frame))
          const cursor = encodeCursor({ of: ids.session, tree: false, seq: frame.seq, n: frame.n, i: -1 })
          const withMessage = frame.events.some(({ type }) => type === 'message.received')
          return {
            kind: 'started',
            receipt: { session: info, ...(withMessage ? { messageId: ids.subject } : {}), cursor },
          }
        },
      }
    })
  }

  async #decision(
    caller: Caller,
    source: string,
    request: ForkSession,
    ids: Ids,
    given: UserContent | undefined,
  ): Promise<ReturnType<typeof decided>> {
    const { at, message: said, images } = await this.#point(source, request)
    const { session, head } = at
    if (session.beyond) throw newerDecides(session.beyond)
    const content = given ?? (request.again === true ? said?.data.content : undefined)
    const message: EventOf<'message.received'> | undefined = content && {
      type: 'message.received',
      data: { message: ids.subject, content: [...content], onBusy: 'queue' },
    }
    const outcome = decided(
      forkFrame(at, {
        from: await this.#writerOf(source, head.n),
        principal: caller.principal,
        title: request.title ?? (await this.#parts.folds.folded(source)).info.title?.slice(0, 200) ?? undefined,
        message,
        before: message ? await this.#configured(session, caller) : [],
        behind: message ? [...(given ? [] : shown(ids.subject, images)), ...permittedTools(caller, ids.subject)] : [],
      }),
    )
    return outcome.kind === 'append' ? { ...outcome, on: { ...head, seq: 0 } } : outcome
  }

  /** FO2. */
  async #writerOf(source: string, n: number): Promise<string> {
    const { sessions } = this.#parts
    let writer = source
    for (let fork = await sessions.forkOf(writer); fork && n <= fork.n; fork = await sessions.forkOf(writer))
      writer = fork.from
    let depth = 1
    for (let fork = await sessions.forkOf(writer); fork; fork = await sessions.forkOf(fork.from)) depth++
    if (depth > maxForkDepth)
      throw new ReinsError(
        'invalid_request',
        `A fork can be a fork of at most ${maxForkDepth} forks, one of the other. Fork an earlier frame, or start a new session.`,
      )
    return writer
  }

  /** The agent of a project is configured for each message, and so for this one. */
  async #configured({ code, born, ...session }: Session, { principal }: Caller): Promise<readonly SessionEvent[]> {
    if (!code || !born) return []
    const found = await agentFor(this.#parts, {
      agent: born.agent,
      id: born.instance ?? session.id,
      code,
      by: principal,
    })
    if (comingDigest({ ...session, born }) === found.digest) return []
    const { start, pools } = await startOf(this.#parts, found, born.agent, principal)
    await pools()
    return agentConfigured(start)
  }

  async #point(source: string, request: ForkSession): Promise<Point> {
    const { folds, sessions } = this.#parts
    const before = request.before ?? (request.again === true ? latest : undefined)
    if (before === undefined && request.at === undefined) return { at: (await folds.folded(source)).fold }
    const { fold } = await folds.folded(source)
    if (request.at !== undefined) {
      if (request.at > fold.head.n)
        throw new ReinsError(
          'invalid_request',
          `The session ${source} has ${fold.head.n} frames, so it cannot be forked at frame ${request.at}.`,
        )
      return { at: await this.#foldTo(source, request.at) }
    }
    let found:
      | {
          readonly event: EventOf<'message.received'>
          readonly n: number
          free: boolean
          taken?: number
          images?: Point['images']
        }
      | undefined
    let turn = false
    for await (const frame of framesOf(sessions, source, 0))
      for (const event of knownEvents(frame)) {
        if (
          event.type === 'message.received' &&
          frame.role !== 't' &&
          (before === latest || event.data.message === before)
        )
          found = { event, n: frame.n, free: !turn }
        if (event.type === 'images.attached' && found?.event.data.message === event.data.message)
          found.images = event.data.images
        if (found && found.taken === undefined && takesIn(event, found.event.data.message)) found.taken = frame.n
        turn = opensTurn(event, turn)
      }
    if (!found)
      throw new ReinsError(
        'invalid_request',
        before === latest
          ? `Nobody has said anything in the session ${source} yet.`
          : `The session ${source} has no message ${before}.`,
      )
    const { event, n, free, taken, images } = found
    return {
      at: await this.#foldTo(source, Math.max(1, free ? n - 1 : (taken ?? n) - 1)),
      message: event,
      ...(images ? { images } : {}),
    }
  }

  async #foldTo(source: string, n: number): Promise<Fold> {
    // The frame itself is always folded: its hash and its pool are the fork's.
    let fold = await foldBefore(this.#parts, source, n)
    if (fold.head.n >= n) fold = emptyFold(source)
    for await (const frame of framesOf(this.#parts.sessions, source, fold.head.seq, n - fold.head.n)) {
      fold = foldFrame(fold, frame)
      if (frame.n >= n) break
    }
    return fold
  }
}

/** FO3. */
const takesIn = (event: SessionEvent, message: string): boolean =>
  (event.type === 'turn.started' && event.data.messages.includes(message)) ||
  (event.type === 'message.joined' && event.data.message === message)

function opensTurn({ type }: SessionEvent, open: boolean): boolean {
  if (type === 'turn.started') return true
  return open && !['turn.completed', 'turn.failed', 'turn.cancelled', 'session.ended', 'session.forked'].includes(type)
}

/** Throws invalid_request. */
function checkRequest({ at, before, message, again }: ForkSession, { wait }: WriteOptions): void {
  const wrong =
    at !== undefined && before !== undefined
      ? 'give at or before, not both: each of them says where the fork begins'
      : message !== undefined && again === true
        ? 'give message or again, not both: each of them says what is said in the fork'
        : at !== undefined && again === true
          ? 'again needs before, and not at: it says again what the fork begins before'
          : undefined
  if (wrong !== undefined) throw new ReinsError('invalid_request', `The body is not valid: ${wrong}.`)
  if (wait && message === undefined && again !== true)
    throw new ReinsError(
      'invalid_request',
      'wait=turn needs a message, or again, in the body: there is no turn without one.',
    )
}

const createdSession = receipts(CreatedSession)

/** What is said again shows again what it showed. */
const shown = (message: string, images: Point['images']): readonly SessionEvent[] =>
  images ? [{ type: 'images.attached', data: { message, images } }] : []
