// When the context of a session is compacted, and what becomes of an attempt to do it. Decided from the log alone.
import { estimateTokens, type EventData, type ModelCallError, type SessionEvent, toLog } from '@reins/contracts'
import { maxLostAttempts } from '../model-call/model-call.ts'
import type { Session } from '../session.ts'
import type { CoverRule, Due, DueRule, EffectKind } from '../slice.ts'
import { closedResults } from '../tool-call/tool-call.ts'
import { beginsModelCall } from '../turn/next-call.ts'
import { keepsMessage } from './asked-message.ts'
import { contextOf, mayCompact, type OpenCompaction, refusedOf } from './context.ts'
import { pinned, type PinRule } from './pinned.ts'
import { conversationSize, shortened } from './projection.ts'
import { cutPoint } from './range.ts'

export const contextDefaults = { compactAt: 0.7, keep: 0.2 } as const

/** Of the room that there is at most: a provider counts otherwise than an estimate. */
const roomShare = 0.9
/** Less than this share of the window is not worth a summary. */
const worthwhile = 0.1

export interface Measure {
  /** Tokens that the next request takes, estimated from the last one. */
  readonly size: number
  /** Above it the context is compacted. */
  readonly limit: number
  readonly window: number
  /** The newest messages that stay as they are take at most so many tokens. */
  readonly keep: number
  /** And so does the message that the turn is about, where it is covered and kept word for word. */
  readonly keepAsked: number
}

/** The window of a model, as a definition and its provider's refusals narrow it. */
export function windowOf({ context }: Session, window: number): number {
  const { settings, refused } = context ?? {}
  return Math.min(window, settings?.window ?? window, refused === undefined ? window : Math.floor(refused * 0.8))
}

/** null: nothing was sent yet, so nothing is known of the model's window. */
export function measure(session: Session): Measure | null {
  const { sent, turn } = session
  if (!sent) return null
  const { settings = {}, forgotten, held } = contextOf(session)
  const window = windowOf(session, sent.size.window)
  const since = session.transcript.slice(Math.max(0, sent.upTo - forgotten))
  const results = turn ? closedResults(session, turn.calls) : []
  const size = [...since, ...results].reduce((sum, message) => sum + estimateTokens(message), sent.size.tokens)
  const room = (window - Math.min(sent.size.answer, Math.floor(window / 2))) * roomShare
  const limit = held ? room : Math.min(room, window * (settings.compactAt ?? contextDefaults.compactAt))
  const keep = Math.min(window * (settings.keep ?? contextDefaults.keep), Math.max(0, limit - sent.size.fixed) / 2)
  return { size, limit, window, keep, keepAsked: Math.max(0, room - sent.size.fixed) / 2 }
}

/** As the outcome of a compaction up to this position says it: nothing, where no turn could be about a message. */
export const keepingOf = (session: Session, to: number): { readonly keepsMessage?: boolean } =>
  session.turn ? { keepsMessage: keepsMessage(session, to, measure(session)?.keepAsked ?? Infinity) } : {}

/** Before the rule of model calls: an open compaction holds everything, and a request that was too long has an answer. */
export const compactionDue =
  (pinRules: readonly PinRule[]): DueRule =>
  (session, n) => {
    const { open } = contextOf(session)
    if (!open) return overflowDue(session, n)
    switch (open.kind) {
      case 'running':
      case 'throttled':
        return 'rest'
      case 'retry':
        return open.lost < maxLostAttempts
          ? attempt({ ...open, attempt: open.attempt + 1 })
          : dropped(session, open, pinRules, `the process that was to do it was lost ${open.lost} times`)
      case 'failed':
        return dropped(session, open, pinRules, open.error.message)
      default:
        return open satisfies never
    }
  }

function overflowDue(session: Session, n: number): Due | null {
  const model = session.turn?.model
  if (model?.kind !== 'failed' || model.error.code !== 'context-overflow') return null
  // What was refused shows how much is taken at most.
  const now = measure({ ...session, context: { ...contextOf(session), ...refusedOf(session) } })
  const cut = now && cutPoint(session, now.keep)
  return cut ? begin(session, n, cut.to, 'overflow') : null
}

/** Between the calls of a turn and its next model call, or at rest where a person asks for it. */
export const contextDue: DueRule = (session, n) => {
  const { asked, open } = contextOf(session)
  if (open || !mayCompact(session)) return null
  if (asked !== null && (!session.turn || beginsModelCall(session))) return askedDue(session, n, asked)
  if (!session.turn || !beginsModelCall(session)) return null
  const now = measure(session)
  if (!now || now.size <= now.limit) return null
  const cut = cutPoint(session, now.keep)
  if (!cut) return null
  const pruned = prunedDue(session, cut.to, now)
  if (pruned) return pruned
  return cut.covers >= now.window * worthwhile ? begin(session, n, cut.to, 'threshold') : null
}

/** The newest quarter stays at most, however little that is. */
function askedDue(session: Session, n: number, request: string): Due {
  const cut = cutPoint(session, Math.min(measure(session)?.keep ?? 0, conversationSize(session) / 4))
  if (cut) return begin(session, n, cut.to, 'asked')
  const why = 'There is nothing before the newest messages that could be summarised.'
  return { events: [{ type: 'context.compaction-declined', data: { request, why } }], to: toLog }
}

/** Old results first, where that alone makes enough room for a while. */
function prunedDue(session: Session, to: number, { size, limit }: Measure): Due | null {
  const { pruned, forgotten, summary } = contextOf(session)
  if (to <= pruned) return null
  const from = Math.max(pruned, summary?.to ?? 0)
  const saved = session.transcript
    .slice(from - forgotten, to - forgotten)
    .reduce(
      (sum, message) =>
        message.role === 'tool' ? sum + estimateTokens(message) - estimateTokens(shortened(message)) : sum,
      0,
    )
  return size - saved <= limit * 0.75 ? { events: [{ type: 'context.pruned', data: { to } }], to: toLog } : null
}

const begin = (
  session: Session,
  n: number,
  to: number,
  reason: EventData<'context.compaction-started'>['reason'],
): Due => attempt({ compaction: `x${n}`, attempt: 1, from: 0, to, reason, model: summaryModel(session) })

const summaryModel = (session: Session): string =>
  contextOf(session).settings?.summaryModel ?? session.born?.model ?? ''

function attempt(data: EventData<'context.compaction-started'>): Due {
  const { compaction, attempt: which, from, to, reason, model } = data
  return {
    events: [{ type: 'context.compaction-started', data: { compaction, attempt: which, from, to, reason, model } }],
    to: toLog,
    effect: { kind: 'compact', call: compaction, attempt: which },
  }
}

/** CX3. */
function dropped(session: Session, open: OpenCompaction, pinRules: readonly PinRule[], why: string): Due {
  const { compaction, attempt: which, from, to } = open
  const pins = pinned(session, pinRules)
  const earlier = contextOf(session).summary
  // What an earlier summary says is not lost with the messages after it.
  const said = earlier?.how === 'summary' ? `\n\nA summary of what came first:\n${earlier.text}` : ''
  const summary = `${to} messages were left out, and could not be summarised: ${why.slice(0, 500)}${said}`
  return {
    events: [
      {
        type: 'context.compacted',
        data: {
          ...{ compaction, attempt: which, from, to, how: 'dropped', summary },
          ...(pins.length > 0 ? { pins: [...pins] } : {}),
          ...keepingOf(session, to),
        },
      },
    ],
    to: toLog,
  }
}

const cancelledError: ModelCallError = { code: 'cancelled', message: 'It was cancelled.' }

/** The outcome of an open compaction, where whoever can cancels what runs. */
export function cancelledCompaction(session: Session): readonly SessionEvent[] {
  const { open } = contextOf(session)
  if (!open) return []
  const { compaction, attempt: which } = open
  return [{ type: 'context.compaction-failed', data: { compaction, attempt: which, error: cancelledError } }]
}

export const compactionCover: CoverRule = (session) => {
  const { open } = contextOf(session)
  if (!open) return null
  return open.kind === 'throttled'
    ? [{ kind: 'timer', timer: open.timer }]
    : [{ kind: 'exec-trigger', why: 'a summary is being made' }]
}

export const compactionEffect: EffectKind = {
  isOpen: (session, { call, attempt: which }) => {
    const { open } = contextOf(session)
    return open?.kind === 'running' && open.compaction === call && open.attempt === which
  },
  isOwn: (session, effect, instance) => {
    const { open } = contextOf(session)
    return compactionEffect.isOpen(session, effect) && open?.kind === 'running' && open.by === instance
  },
}
