// What a client may cause in a session: start it, send into it, steer it. Every door calls this, and it appends as role `g`.
// What is appended is decided in libs/session; how it gets in, and that it gets in once, is the appender's and idempotency's.
//   W1. A write is four steps: note it, watch for its turn, append, answer. Watching begins before the append, so that the turn of
//       a quick executor is not missed.
//   W2. What comes of it is a value (outcomes.ts): nothing is thrown for what a caller may meet.
//   W3. What is known to be impossible is refused before anything is asked of the broker, which would not answer.
import {
  budgetLimits,
  budgetNames,
  ControlAccepted,
  CreatedSession,
  type CreateSession,
  type EventOf,
  emptyHead,
  encodeCursor,
  formOf,
  type Head,
  hasLimit,
  instanceSessionId,
  isSessionId,
  MessageAccepted,
  makeShortId,
  makeUlid,
  type OnBusy,
  type RaiseBudget,
  ReinsError,
  type SendMessage,
  startCursor,
  type UserContent,
} from '@reins/contracts'
import {
  emptyInfo,
  firstFrame,
  foldInfo,
  goOnWords,
  needsFold,
  pauseTree,
  placeMessage,
  raiseBudget,
  requestCompaction,
  restoreContext,
  steer,
} from '@reins/session'
import type { Static, TSchema } from 'typebox'
import type { Limits } from '../../config.ts'
import type { GatewayConfig } from '../../ports.ts'
import type { Subject } from '../access/needs.ts'
import { permittedTools } from '../access/permitted-tools.ts'
import type { Quotas } from '../../access/quotas.ts'
import type { SessionAgents } from '../access/session-agents.ts'
import { authorize, type Caller } from '../caller.ts'
import { asReinsError } from '../errors.ts'
import { type Operation, operations } from '../operations.ts'
import { firstOf, type Outcome, type Refused, type Repeated, refused, type Settled } from '../outcomes.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import { infoWithCursor } from '../reads/session-info.ts'
import { type Appender, type AppendOutcome, type KnownHead, notFound } from '../writes/appender.ts'
import type { ErasedSessions } from './erasures.ts'
import { type ContextVerb, type ControlVerb, type Decided, decided, isContextVerb } from './decisions.ts'
import { checkKey, type Ids, noteRequest, type Reservation } from '../writes/idempotency.ts'
import { askedOutput } from './asked-output.ts'
import { configuredFor } from './configured-message.ts'
import { contentOf } from './message-content.ts'
import { beginSession, type NewSessionParts } from './new-session.ts'
import { checkImages, decidedByCode, shownImages } from './shown-images.ts'
import { titleApart } from './title-apart.ts'
import { noRoomToWait, waits } from '../writes/waiting-room.ts'
import { type TurnWait, watchTurn } from '../writes/wait-for-turn.ts'

/** How a write is asked for, besides what it says. */
export interface WriteOptions {
  /** The request happens once for one key. */
  readonly key?: string
  /** A traceparent. */
  readonly trace?: string
  /** Of a pause: with everything below. */
  readonly tree?: boolean
  /** Wait for the turn, until it aborts. */
  readonly wait?: AbortSignal
  /** Of an instance's session: refused with session_exists or session_not_found, and nothing is stored, where it is not so. */
  readonly only?: 'new' | 'existing'
}

export type WriteParts = Pick<
  GatewayConfig,
  'sessions' | 'feed' | 'idempotency' | 'clock' | 'log' | 'admission' | 'outputSchemaProblem' | 'outputs'
> &
  NewSessionParts & {
    readonly limits: Limits
    readonly appender: Appender
    readonly folds: SessionFolds
    readonly access: SessionAgents
    readonly erased: ErasedSessions
    readonly quotas: Pick<Quotas, 'write'>
    /** Aborted when the gateway shuts down: nobody waits for a turn any more. */
    readonly stopping: AbortSignal
    /** Whether all executors and tool-runners are in this process, as far as anybody knows. */
    readonly writersHere: () => boolean
  }

type Done = Extract<AppendOutcome, { kind: 'appended' | 'unchanged' }>

/** What people said is kept in their session alone. */
export interface Apart<R> {
  /** The receipt, as it is kept. */
  out(receipt: R): R
  /** A receipt that was kept, as it is given again. */
  back(receipt: R): Promise<R>
}

/** One request, ready for its four steps (W1). */
export interface Write<R> {
  readonly session: string
  /** Its route (K4 of idempotency.ts). */
  readonly asked: string
  readonly body: unknown
  /** The session's head, where it has been read: appended on. */
  readonly on: KnownHead | undefined
  /** Reads a receipt that was kept. */
  readonly receiptOf: (kept: unknown) => R | undefined
  /** What of a receipt is not kept. Default: all of it is. */
  readonly apart?: Apart<R>
  /**
   * Gathers what deciding needs; not done for a request that is settled already. Rejects with ReinsError to refuse. `isNew`: nothing of
   * it can be in the log by now.
   */
  prepare(ids: Ids, isNew: boolean): Promise<(head: Head) => Decided | Promise<Decided>>
  settle(ids: Ids, done: Done): Promise<Settled<R>>
}

export class SessionWrites {
  readonly #parts: WriteParts
  constructor(parts: WriteParts) {
    this.#parts = parts
  }

  send(
    caller: Caller,
    session: string,
    message: SendMessage,
    options: WriteOptions = {},
  ): Promise<Outcome<MessageAccepted>> {
    return this.write(caller, operations.sendMessage, { session }, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      const content = contentOf(message.content, this.#parts.limits.maxMessageBytes)
      checkImages(message.images)
      const on = await this.#parts.appender.existing(session)
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/messages`, body: message, receiptOf: messageAccepted },
        on,
        prepare: async (ids) => {
          const event = received(ids, content, message.onBusy ?? 'queue')
          const configured = await configuredFor(this.#parts, session, on.head, caller.principal)
          const permitted = permittedTools(caller, ids.subject)
          const asked = [
            ...(await askedOutput(this.#parts, ids, message)),
            ...permitted,
            ...(await shownImages(this.#parts, ids, message.images, on.head.seq)),
          ]
          return async (head) => {
            if (head.seq === 0) return missing(session)
            const anew = await configured(head)
            const folded = needsFold(head, event)
              ? (await this.#parts.folds.toDecide(session, head.seq)).session
              : undefined
            const full = waits(head) ? await this.#noRoom(session, head, content) : undefined
            if (full) return refused(full)
            return decided(placeMessage(head, event, asked, { folded, anew }))
          }
        },
        settle: async (ids, done) => ({
          kind: 'accepted',
          receipt: { messageId: ids.subject, cursor: cursorBefore(session, done) },
        }),
      }
    })
  }

  /** Unchanged: the instance's session is there already, and no message came with the request. */
  create(caller: Caller, request: CreateSession, options: WriteOptions = {}): Promise<Outcome<CreatedSession>> {
    return this.write(caller, operations.createSession, { agent: request.agent }, options, async () => {
      const { agent, instance, session: name, message } = request
      if (name !== undefined && instance === undefined)
        throw new ReinsError('invalid_request', 'The body is not valid: session: needs instance beside it.')
      if (message === undefined && request.images !== undefined)
        throw new ReinsError('invalid_request', 'The body is not valid: images need a message beside them.')
      checkImages(request.images)
      if (message === undefined && (request.output_schema ?? request.output_retries) !== undefined)
        throw new ReinsError(
          'invalid_request',
          'The body is not valid: output_schema and output_retries need a message beside them: they say what the answer to it has to be.',
        )
      if (options.wait && message === undefined)
        throw new ReinsError('invalid_request', 'wait=turn needs a message in the body: there is no turn without one.')
      const content = message === undefined ? undefined : contentOf(message, this.#parts.limits.maxMessageBytes)
      const { now, random } = this.#parts.clock
      const session =
        instance === undefined ? makeUlid(now(), random) : instanceSessionId(agent, instance, name ?? 'default')
      const on =
        instance === undefined
          ? { head: emptyHead(session), remembered: false }
          : await this.#parts.appender.fresh(session)
      return {
        ...{ session, asked: 'POST /v1/sessions', body: request, on, receiptOf: createdSession },
        apart: titleApart(this.#parts.folds),
        prepare: async (ids) => {
          if (on.head.seq === 0 && options.only === 'existing') throw notFound(session)
          const obstacle = on.head.seq > 0 ? undefined : this.#parts.admission?.newSessions()
          if (obstacle) throw obstacle
          const begun =
            on.head.seq > 0 ? undefined : await beginSession(this.#parts, session, request, caller.principal)
          const event = content && received(ids, content, 'queue')
          if (request.images && begun?.declared.some(({ type }) => type === 'run.declared')) throw decidedByCode()
          const asked = event
            ? [
                ...(await askedOutput(this.#parts, ids, request)),
                ...permittedTools(caller, ids.subject),
                ...(await shownImages(this.#parts, ids, request.images, on.head.seq)),
              ]
            : []
          const configured = event && (await configuredFor(this.#parts, session, on.head, caller.principal))
          return async (head) => {
            if (head.seq > 0 && options.only === 'new')
              return refused(new ReinsError('session_exists', `There is a session ${session} already.`))
            if (head.seq > 0)
              return event
                ? decided(placeMessage(head, event, asked, { anew: await configured?.(head) }))
                : { kind: 'unchanged' }
            return begun
              ? {
                  kind: 'append',
                  decision: firstFrame(begun.started, event, [...begun.declared, ...permittedTools(caller)], asked),
                }
              : missing(session)
          }
        },
        settle: (ids, done) => this.#created(ids, content !== undefined, done),
      }
    })
  }

  /** Unchanged: the session is in that state already. */
  control(
    caller: Caller,
    session: string,
    verb: ControlVerb | ContextVerb,
    options: WriteOptions = {},
  ): Promise<Outcome<ControlAccepted>> {
    const tree = verb === 'pause' && options.tree === true
    return this.write(caller, operations[verb], { session }, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/${verb}`, body: tree ? { tree } : {} },
        receiptOf: controlAccepted,
        on: await this.#needed(session, options),
        prepare: async (ids) => (head) => {
          if (head.seq === 0) return missing(session)
          return isContextVerb(verb) || tree
            ? this.#decidedOnFold(session, head, verb, ids.subject)
            : decided(steer(verb, ids.subject, head))
        },
        settle: (_ids, done) => this.#controlled(session, done),
      }
    })
  }

  /** Unchanged: the limits are as they are asked for. */
  raiseBudget(
    caller: Caller,
    session: string,
    request: RaiseBudget,
    options: WriteOptions = {},
  ): Promise<Outcome<ControlAccepted>> {
    return this.write(caller, operations.raiseBudget, { session }, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      const raise = budgetLimits(request)
      if (!hasLimit(raise))
        throw new ReinsError(
          'invalid_request',
          `The body is not valid: give at least one of ${budgetNames.join(', ')}, with its new limit.`,
        )
      return {
        ...{ session, asked: `POST /v1/sessions/${session}/budget`, body: request, receiptOf: controlAccepted },
        on: await this.#needed(session, options),
        prepare: async (ids) => async (head) => {
          if (head.seq === 0) return missing(session)
          const fold = await this.#parts.folds.toDecide(session, head.seq)
          const goOn = received(ids, [{ type: 'text', text: goOnWords }], 'queue')
          const ceiling = this.#parts.budgetCeiling ?? {}
          const asked = permittedTools(caller, ids.subject)
          return decided(raiseBudget(fold, raise, ceiling, request.go_on === false ? null : goOn, asked))
        },
        settle: (_ids, done) => this.#controlled(session, done),
      }
    })
  }

  async #controlled(session: string, done: Done): Promise<Settled<ControlAccepted>> {
    if (done.kind === 'appended')
      return {
        kind: 'accepted',
        receipt: { id: session, status: done.frame.status, cursor: cursorBefore(session, done) },
      }
    const { cursor = cursorBefore(session, done) } = await this.#parts.folds.info(session)
    return { kind: 'unchanged', receipt: { id: session, status: done.head.status, cursor } }
  }

  /** What a head does not tell: whether there is anything to compact, or to undo; whether what is paused is paused with all below it. */
  async #decidedOnFold(
    session: string,
    head: Head,
    verb: ContextVerb | ControlVerb,
    subject: string,
  ): Promise<Decided> {
    const fold = await this.#parts.folds.toDecide(session, head.seq)
    if (verb === 'compact') return decided(requestCompaction(fold, subject))
    return decided(verb === 'restore' ? restoreContext(fold) : pauseTree(fold))
  }

  /** Nobody counts what waits in a session that is beyond this process: a message goes there without a fold (PROTOCOL 2). */
  async #noRoom(session: string, head: Head, content: UserContent): Promise<ReinsError | undefined> {
    const { fold } = await this.#parts.folds.folded(session, head.seq)
    return fold.session.beyond ? undefined : noRoomToWait(fold.session, content, this.#parts.limits)
  }

  /** W2 around W1. `about`: what the operation needs a permission for. */
  async write<R extends Receipt>(
    caller: Caller,
    operation: Operation,
    about: Subject | (() => Promise<Subject>),
    options: WriteOptions,
    plan: () => Promise<Write<R>>,
  ): Promise<Outcome<R>> {
    try {
      const subject = typeof about === 'function' ? await about() : about
      if (subject.session === undefined) authorize(caller, operation, subject)
      else await this.#parts.access.authorize(caller, operation, subject.session, subject)
      const obstacle = this.#parts.admission?.writes()
      if (obstacle) return refused(obstacle) // W3
      const planned = await plan()
      const opens = opening.has(operation) ? 'session' : 'nothing'
      this.#parts.quotas.write(caller, Buffer.byteLength(JSON.stringify(planned.body ?? null)), opens)
      const outcome = await this.#perform(caller, options, planned)
      if (outcome.kind === 'refused' && outcome.code === 'session_ended')
        await this.#parts.erased.mustBeThere(planned.session, await this.#parts.sessions.head(planned.session))
      return outcome
    } catch (error) {
      const known = asReinsError(error)
      if (known.code === 'internal') throw error
      return refused(known)
    }
  }

  /** W1. */
  async #perform<R extends Receipt>(caller: Caller, options: WriteOptions, write: Write<R>): Promise<Outcome<R>> {
    const reservation = await this.#note(caller, options, write)
    if (reservation.kind === 'refused') return reservation
    const watch = options.wait && this.#watch(reservation)
    try {
      const settled = await this.#append(caller, options, write, reservation)
      return watch && options.wait ? await this.#answer(settled, watch, options.wait) : settled
    } finally {
      watch?.close()
    }
  }

  /** The ids of its frame, kept under its key if it has one, or what is kept there from an earlier time. */
  #note<R>(caller: Caller, { key }: WriteOptions, write: Write<R>): Promise<Reservation<R>> {
    const { clock, idempotency, log } = this.#parts
    const ids: Ids = {
      session: write.session,
      frame: makeShortId(clock.random),
      subject: makeShortId(clock.random),
      prev: write.on?.head.seq ?? 0,
    }
    const keyed = key === undefined ? undefined : { key: checkKey(key), asked: write.asked, body: write.body }
    return noteRequest(idempotency, log, caller, keyed, ids, write.receiptOf)
  }

  #watch({ kind, ids }: Accepted<unknown>): TurnWait {
    // A new message is appended just behind `prev`: there is no history to read.
    return watchTurn(this.#parts, ids.session, ids.prev, ids.subject, kind === 'new')
  }

  async #append<R>(
    caller: Caller,
    { key, trace }: WriteOptions,
    write: Write<R>,
    reservation: Accepted<R>,
  ): Promise<Settled<R> | Repeated<R> | Refused> {
    const { apart } = write
    if (reservation.kind === 'settled') {
      const { kind, receipt } = reservation.settled
      return { kind: 'repeated', first: { kind, receipt: apart ? await apart.back(receipt) : receipt } }
    }
    const { ids, note } = reservation
    const decide = await write.prepare(ids, reservation.kind === 'new').catch(async (error: unknown) => {
      await note.forget()
      throw error
    })
    const done = await this.#parts.appender.append({
      ...{ session: ids.session, frame: ids.frame, by: caller.by, decide },
      ...(trace === undefined ? {} : { trace }),
      ...(key === undefined ? {} : { searchAfter: ids.prev }),
      ...(write.on && reservation.kind === 'new' ? { on: write.on } : {}),
    })
    if (done.kind === 'in-doubt') return refused(inDoubt(this.#parts.admission?.writes()))
    if (done.kind === 'refused') {
      await note.forget()
      return done
    }
    const settled = await write.settle(ids, done)
    note.settle(apart ? { ...settled, receipt: apart.out(settled.receipt) } : settled)
    return settled
  }

  async #answer<R extends Receipt>(
    settled: Settled<R> | Repeated<R> | Refused,
    watch: TurnWait,
    wait: AbortSignal,
  ): Promise<Outcome<R>> {
    if (settled.kind === 'refused') return settled
    const { cursor } = firstOf(settled).receipt
    const result = await watch.ended(cursor, this.#parts.limits.turnWithinMs, wait)
    return 'kind' in result ? result : { kind: 'turn-ended', settled, result }
  }

  /** A keyed request, or one that waits, needs to know what its frame comes after; the others leave that to the append. */
  async #needed(session: string, { key, wait }: WriteOptions): Promise<KnownHead | undefined> {
    return key === undefined && wait === undefined ? undefined : this.#parts.appender.existing(session)
  }

  async #created({ session, subject }: Ids, withMessage: boolean, done: Done): Promise<Settled<CreatedSession>> {
    const first = done.kind === 'appended' && done.frame.n === 1 ? done.frame : undefined
    const info = first ? infoWithCursor(session, foldInfo(emptyInfo, first)) : await this.#parts.folds.info(session)
    const cursor = done.kind === 'appended' ? cursorBefore(session, done) : (info.cursor ?? cursorBefore(session, done))
    return {
      kind: first ? 'started' : done.kind === 'appended' ? 'accepted' : 'unchanged',
      receipt: { session: info, ...(withMessage ? { messageId: subject } : {}), cursor },
    }
  }
}

const opening: ReadonlySet<Operation> = new Set([operations.createSession, operations.forkSession, operations.startRun])

export interface Receipt {
  /** Before the first event that the request caused; where it caused none, at the end. */
  readonly cursor: string
}

type Accepted<R> = Exclude<Reservation<R>, Refused>

export function receipts<S extends TSchema>(schema: S): (kept: unknown) => Static<S> | undefined {
  const fits = formOf(schema)
  return (kept) => (fits(kept) ? kept : undefined)
}

const messageAccepted = receipts(MessageAccepted)
const createdSession = receipts(CreatedSession)
const controlAccepted = receipts(ControlAccepted)

const received = (ids: Ids, content: UserContent, onBusy: OnBusy): EventOf<'message.received'> => ({
  type: 'message.received',
  data: { message: ids.subject, content, onBusy },
})

const missing = (session: string): Refused => refused(notFound(session))

const inDoubt = (obstacle: ReinsError | undefined): ReinsError =>
  obstacle
    ? new ReinsError(obstacle.code, `${obstacle.message} The event may be stored all the same.`)
    : new ReinsError(
        'unavailable',
        'The event store did not confirm the event in time. The event may be stored all the same.',
      )

function cursorBefore(session: string, done: Done): string {
  if (done.kind === 'unchanged' || done.frame.n === 1) return encodeCursor(startCursor(session))
  const { seq, n } = done.frame
  return encodeCursor({ of: session, tree: false, seq, n, i: -1 })
}
