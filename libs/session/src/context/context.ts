// The context of a session: what its model is still sent of a conversation that has grown long.
//   CX1. A compaction covers the conversation from its beginning up to a position, and never parts a call from its result. What came
//        after that position is not covered, whatever came in while the summary was made.
//   CX2. At most one compaction is open. Each attempt has an intent and one outcome, as a model call has.
//   CX3. While it is open nothing else of the turn is due. It never keeps a session from going on: where there is no summary, a note
//        stands in its place.
//   CX4. The latest compaction can be undone. What the one before it has covered is in the log, and no more in this state: so the state
//        of a long session stays as small as what its model is sent.
import type {
  CompactionReason,
  ContextSettings,
  EventOf,
  ImagePart,
  ModelCallError,
  UserContent,
} from '@reins/contracts'
import { AppendList } from '../folding/append-list.ts'
import { withAnsweredCancel } from '../cancel/answered-cancel.ts'
import type { Session } from '../session.ts'
import type { Meanings, Origin, TimerRule } from '../slice.ts'
import { askedIn } from './asked-message.ts'
import { repeatable } from './loop-guard.ts'
import { conversationSize } from './projection.ts'
import { isBoundary } from './range.ts'

/** What stands in the place of the messages that a compaction covers. */
export interface Summary {
  readonly compaction: string
  readonly from: number
  readonly to: number
  readonly how: 'summary' | 'dropped'
  readonly text: string
  readonly pins: readonly string[]
  /** The message that the turn is about, word for word, where it is covered. */
  readonly kept?: UserContent
  readonly keptImages?: readonly ImagePart[]
  /** Digests of calls that it covers, for the loop guard. */
  readonly calls: readonly string[]
}

interface Compaction {
  readonly compaction: string
  readonly attempt: number
  readonly lost: number
  readonly throttles: number
  readonly from: number
  readonly to: number
  readonly reason: CompactionReason
  readonly model: string
}

export type OpenCompaction = Compaction &
  (
    | { readonly kind: 'running'; readonly by: string }
    | { readonly kind: 'throttled'; readonly timer: string }
    | { readonly kind: 'retry' }
    | { readonly kind: 'failed'; readonly error: ModelCallError }
  )

export interface Context {
  readonly settings?: ContextSettings
  /** Messages at the beginning that the transcript has no more (CX4). */
  readonly forgotten: number
  /** Results before this position are sent as their beginnings. */
  readonly pruned: number
  readonly summary: Summary | null
  /** What the summary has replaced; null: there is nothing to undo. */
  readonly before: { readonly summary: Summary | null } | null
  readonly open: OpenCompaction | null
  /** The request of a person that is not answered yet. */
  readonly asked: string | null
  /** A person has undone a compaction: only what does not fit at all is compacted by itself. */
  readonly held: boolean
  /** Tokens that a provider has refused as too many; absent: none. */
  readonly refused?: number
}

export const noContext: Context = {
  ...{ forgotten: 0, pruned: 0, summary: null, before: null, open: null, asked: null, held: false },
}

export const contextOf = (session: Session): Context => session.context ?? noContext

const withContext = (session: Session, more: Partial<Context>): Session => ({
  ...session,
  context: { ...contextOf(session), ...more },
})

export const contextEvents: Meanings<
  | 'context.declared'
  | 'context.compaction-requested'
  | 'context.compaction-declined'
  | 'context.pruned'
  | 'context.compaction-started'
  | 'context.compacted'
  | 'context.compaction-failed'
  | 'context.compaction-throttled'
  | 'context.restored'
> = {
  'context.declared': {
    effective: true,
    evolve: (session, { data }) => (session.born ? withContext(session, { settings: data }) : session),
  },
  'context.compaction-requested': {
    evolve: (session, { data }) =>
      session.born && contextOf(session).asked === null ? withContext(session, { asked: data.request }) : session,
  },
  'context.compaction-declined': {
    effective: true,
    evolve: (session, { data }) =>
      contextOf(session).asked === data.request ? withContext(session, { asked: null }) : session,
  },
  'context.pruned': { effective: true, evolve: pruned },
  'context.compaction-started': { effective: true, begins: true, evolve: started },
  'context.compacted': { effective: true, evolve: compacted },
  'context.compaction-failed': {
    effective: true,
    evolve: (session, { data: { compaction, attempt, error } }) => {
      const { open } = contextOf(session)
      if (open?.compaction !== compaction || open.attempt !== attempt) return session
      if (error.code === 'cancelled') return withAnsweredCancel(withContext(session, { open: null, asked: null }))
      if (open.kind !== 'running') return session
      return withContext(session, {
        open:
          error.code === 'lost'
            ? { ...openOf(open), kind: 'retry', lost: open.lost + 1 }
            : { ...openOf(open), kind: 'failed', error },
      })
    },
  },
  'context.compaction-throttled': {
    effective: true,
    evolve: (session, { data: { compaction, attempt, timer } }) => {
      const { open } = contextOf(session)
      if (open?.kind !== 'running' || open.compaction !== compaction || open.attempt !== attempt) return session
      return withContext(session, {
        open: { ...openOf(open), kind: 'throttled', throttles: open.throttles + 1, timer },
      })
    },
  },
  'context.restored': { evolve: restored },
}

const openOf = ({ compaction, attempt, lost, throttles, from, to, reason, model }: OpenCompaction): Compaction => ({
  ...{ compaction, attempt, lost, throttles, from, to, reason, model },
})

function pruned(session: Session, { data: { to } }: EventOf<'context.pruned'>): Session {
  const context = contextOf(session)
  if (to <= context.pruned || to > context.forgotten + session.transcript.length) return session
  return resized(withContext(session, { pruned: to }))
}

function started(session: Session, { data }: EventOf<'context.compaction-started'>, { by }: Origin): Session {
  const { open, asked } = contextOf(session)
  const { compaction, attempt, from, to, reason, model } = data
  const running = { kind: 'running' as const, compaction, attempt, by, from, to, reason, model }
  if (open) {
    // CX2.
    if (open.kind !== 'retry' || open.compaction !== compaction || attempt !== open.attempt + 1) return session
    if (from !== open.from || to !== open.to) return session
    return withContext(session, { open: { ...running, lost: open.lost, throttles: open.throttles } })
  }
  if (attempt !== 1 || from !== 0 || !isBoundary(session, to) || !mayCompact(session)) return session
  return withContext(session, {
    open: { ...running, lost: 0, throttles: 0 },
    asked: reason === 'asked' ? null : asked,
  })
}

/** No call of the conversation is open, and no model is being asked. */
export function mayCompact({ turn }: Session): boolean {
  if (!turn) return true
  const { model, calls } = turn
  if (model) return model.kind === 'failed' && model.error.code === 'context-overflow'
  return calls.every(({ state }) => state.kind === 'done')
}

function compacted(session: Session, { data }: EventOf<'context.compacted'>): Session {
  const context = contextOf(session)
  const { open } = context
  const { compaction, attempt, from, to, how, summary: text, pins = [] } = data
  if (open?.compaction !== compaction || open.attempt !== attempt || open.from !== from || open.to !== to)
    return session
  if (how === 'summary' ? open.kind !== 'running' : open.kind !== 'failed' && open.kind !== 'retry') return session
  const before = context.summary
  const covered = session.transcript.slice((before?.to ?? 0) - context.forgotten, to - context.forgotten)
  // Absent: whoever wrote it kept the newest one always.
  const kept = data.keepsMessage === false ? {} : askedIn(session, covered)
  const summary: Summary = {
    ...{ compaction, from, to, how, text, pins },
    ...kept,
    calls: repeatable(before?.calls ?? [], covered),
  }
  const forgotten = before?.to ?? 0
  return resized({
    ...session,
    ...withoutOverflow(session),
    // CX4.
    transcript:
      forgotten > context.forgotten
        ? AppendList.of(session.transcript.slice(forgotten - context.forgotten))
        : session.transcript,
    context: {
      ...context,
      ...(open.reason === 'overflow' ? refusedOf(session) : {}),
      forgotten,
      summary,
      before: { summary: before },
      open: null,
    },
  })
}

/** A request that was refused as too long has its answer: the turn goes on with another one. */
const withoutOverflow = ({ turn }: Session) =>
  turn?.model?.kind === 'failed' ? { turn: { ...turn, model: null, answered: null } } : {}

/** What a provider refused tells how much it takes at most. */
export const refusedOf = ({ sent }: Session): Partial<Context> => (sent ? { refused: sent.size.tokens } : {})

function restored(session: Session, { data }: EventOf<'context.restored'>): Session {
  const context = contextOf(session)
  if (!context.before || context.open || context.summary?.compaction !== data.compaction) return session
  return resized(withContext(session, { summary: context.before.summary, before: null, held: true }))
}

/** What is sent has another size now than what was sent last. */
function resized(session: Session): Session {
  const { sent } = session
  if (!sent) return session
  const tokens = sent.size.fixed + conversationSize(session)
  const upTo = contextOf(session).forgotten + session.transcript.length
  return { ...session, sent: { ...sent, upTo, size: { ...sent.size, tokens } } }
}

/** The attempt after a throttled one is due when its timer has fired. */
export const compactionTimer: TimerRule = (session, timer) => {
  const { open } = contextOf(session)
  if (open?.kind !== 'throttled' || open.timer !== timer) return session
  return withContext(session, { open: { ...openOf(open), kind: 'retry' } })
}
