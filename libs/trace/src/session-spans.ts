// The spans of one session: a fold of its events, in their order, that gives each span when its closing event comes. Pure: no I/O, no clock,
// and no id that does not follow from the log.
//   TR1. Whoever folds the same events has the same spans, in any process and at any time: what is exported while a session works is what
//        is made again from its log years later.
//   TR2. A span has one closing event. What a later event says of something that is closed changes nothing.
//   TR3. What a turn, a run or a session leaves open when it ends is closed with it, so no span stays without an end.
//   TR4. A child's spans belong to the trace of the call that made it, whose span is the parent of its turn.
//   TR5. What people, models and tools have said stands in no span, unless it was asked for.
import {
  isChild,
  parseTraceparent,
  rootOf,
  runPosition,
  type SessionEvent,
  spanIdOf,
  type TraceContext,
  traceIdOf,
} from '@reins/contracts'
import { callHandlers } from './calls.ts'
import type { Content } from './content.ts'
import { modelHandlers } from './model-calls.ts'
import { modelAttributes } from './model-name.ts'
import { runHandlers } from './runs.ts'
import type { Attribute, Failure, OpenSpan, Span } from './span.ts'
import { turnHandlers } from './turns.ts'
import { waitHandlers } from './waits.ts'

/** When an event was said: what its frame says of it. */
export interface Moment {
  readonly n: number
  readonly at: number
  readonly by: string
  /** W3C traceparent. */
  readonly trace?: string | undefined
}

export interface SpanOptions {
  /** TR5. Default: none. */
  readonly content?: Content
  /** The trace of a call of the session above, where the child's own log does not say it. */
  readonly traceOfCall?: (session: string, call: string) => string | undefined
}

export type Handler<E extends SessionEvent = SessionEvent> = (
  spans: SessionSpans,
  data: E['data'],
  moment: Moment,
) => void
export type Handlers = { readonly [T in SessionEvent['type']]?: Handler<Extract<SessionEvent, { type: T }>> }

/** A tool call, a delegation, or an operation of a run. */
export interface OpenCall {
  readonly span: OpenSpan
  attempt?: { readonly attempt: number; readonly at: number; readonly by: string }
  approval?: OpenSpan
  votes?: number
  quorum?: number
  elicitation?: OpenSpan
  /** Of an operation: what ends it. */
  timer?: string
  event?: string | undefined
  kind?: 'step' | 'call' | 'prompt' | 'sleep' | 'pause' | 'wait'
}

export interface Waiting {
  readonly at: number
  readonly trace: TraceContext | undefined
  readonly content: unknown
}

const handlers: Handlers = { ...turnHandlers, ...modelHandlers, ...callHandlers, ...waitHandlers, ...runHandlers }

export class SessionSpans {
  readonly session: string
  readonly options: SpanOptions
  agent: string | undefined
  model = ''
  digest = ''
  parent: { readonly session: string; readonly call: string } | undefined
  /** Messages that are in no turn yet. */
  readonly inbox = new Map<string, Waiting>()
  turn:
    | { readonly id: string; readonly span: OpenSpan; readonly messages: readonly string[]; modelCalls: number }
    | undefined
  /** The turn before. */
  before: TraceContext | undefined
  run: { readonly traceId: string; span: OpenSpan | undefined; readonly mail: string[] } | undefined
  readonly chats = new Map<string, { readonly attempt: number; readonly span: OpenSpan }>()
  compaction: { readonly attempt: number; readonly span: OpenSpan } | undefined
  toolset: OpenSpan | undefined
  readonly calls = new Map<string, OpenCall>()
  /** As the model has asked for them. */
  readonly names = new Map<string, string>()
  /** Tools of servers: which server has it. */
  readonly servers = new Map<string, string>()
  /** The calls that have made the sessions below, for those that go on with one. */
  readonly below = new Map<string, TraceContext>()
  /** The traces of all such calls, by their spans. */
  readonly belowBySpan = new Map<string, string>()
  #closed: Span[] = []

  constructor(session: string, options: SpanOptions = {}) {
    this.session = session
    this.options = options
  }

  /** The spans that this event closes, in the order in which they end; children come before the spans that they are in. */
  take(event: SessionEvent, moment: Moment): readonly Span[] {
    const handle = handlers[event.type] as Handler | undefined
    if (!handle) return none
    handle(this, event.data, moment)
    if (this.#closed.length === 0) return none
    const closed = this.#closed
    this.#closed = []
    return closed
  }

  /** What is open, as it stands: it has no end yet, and is exported when it has one. The outermost come first. */
  open(now: number): readonly Span[] {
    const calls = [...this.calls.values()].flatMap(({ span, approval, elicitation }) => [span, approval, elicitation])
    const chats = [...this.chats.values()].map(({ span }) => span)
    return [this.run?.span, this.turn?.span, this.toolset, this.compaction?.span, ...chats, ...calls].flatMap((span) =>
      span ? [span.end(now)] : [],
    )
  }

  /** All that is open, without an end. */
  forget(): void {
    this.parent = undefined
    this.turn = undefined
    this.before = undefined
    this.run = undefined
    this.compaction = undefined
    this.toolset = undefined
    for (const open of [this.inbox, this.chats, this.calls, this.names, this.below, this.belowBySpan]) open.clear()
  }

  get idle(): boolean {
    return !this.turn && !this.run?.span && this.calls.size === 0 && !this.compaction && !this.toolset
  }

  close(span: OpenSpan, at: number, failed?: Failure): void {
    this.#closed.push(span.end(at, failed))
  }

  /** Of every span. */
  base(): Record<string, Attribute | undefined> {
    return {
      'gen_ai.conversation.id': this.session,
      'gen_ai.agent.name': this.agent,
      'reins.root.id': rootOf(this.session),
    }
  }

  modelAttributes(model = this.model): Record<string, Attribute | undefined> {
    return modelAttributes(model)
  }

  /** Where what is asked for now belongs: into the turn, or into the run whose code asks. */
  within(): { readonly traceId: string; readonly parent: string | undefined } | undefined {
    const span = this.turn?.span ?? this.run?.span
    return span && { traceId: span.traceId, parent: span.spanId }
  }

  /** TR4. Where a turn belongs that takes in this message. */
  contextOf(message: string, turn: string): { readonly traceId: string; readonly parent: string | undefined } {
    const trace = this.inbox.get(message)?.trace
    if (this.run && runPosition(message) !== undefined)
      return { traceId: this.run.traceId, parent: spanIdOf(this.session, 'call', message) }
    const call = this.parent && message.startsWith('m-') ? message.slice(2) : undefined
    if (this.parent && call !== undefined) return this.#below(this.parent.session, call, trace, turn)
    return { traceId: trace?.traceId ?? traceIdOf(this.session, 'turn', turn), parent: trace?.spanId }
  }

  /** The same of a run. */
  contextOfRun(moment: Moment): { readonly traceId: string; readonly parent: string | undefined } {
    const trace = parseTraceparent(moment.trace)
    if (this.parent) return this.#below(this.parent.session, this.parent.call, trace, undefined)
    return { traceId: trace?.traceId ?? traceIdOf(this.session, 'run'), parent: trace?.spanId }
  }

  #below(above: string, call: string, trace: TraceContext | undefined, turn: string | undefined) {
    const own = turn === undefined ? traceIdOf(this.session, 'run') : traceIdOf(this.session, 'turn', turn)
    const traceId = trace?.traceId ?? this.options.traceOfCall?.(above, call) ?? own
    return { traceId, parent: spanIdOf(above, 'call', call) }
  }

  /** Of a call that made a session below, or goes on with one, also when it has ended. */
  traceOfCall(call: string): string | undefined {
    const spanId = spanIdOf(this.session, 'call', call)
    return this.calls.get(call)?.span.traceId ?? this.belowBySpan.get(spanId)
  }

  /** TR3. */
  closeCalls(at: number, outcome: string, which: (call: OpenCall) => boolean = () => true): void {
    for (const [call, open] of this.calls)
      if (which(open)) {
        open.span.set({ 'reins.outcome': outcome })
        this.closeCall(call, at)
      }
  }

  /** With what still waits for people in it. */
  closeCall(call: string, at: number, failed?: Failure): void {
    const open = this.calls.get(call)
    if (!open) return
    this.calls.delete(call)
    for (const wait of [open.approval, open.elicitation])
      if (wait) {
        wait.set({ 'reins.outcome': 'withdrawn' })
        this.close(wait, at)
      }
    this.close(open.span, at, failed)
  }

  isChild(): boolean {
    return isChild(this.session)
  }
}

const none: readonly Span[] = []
