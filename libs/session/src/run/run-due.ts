// What is due about the code that decides for a session, what covers it, and what a cancel closes. RN1 to RN6 stand in run.ts.
import { questionTimer, type SessionEvent, type Status, runLimits, toExec, toLog } from '@reins/contracts'
import type { AgentDefinition } from '@reins/contracts'
import type { Cancel, Session } from '../session.ts'
import type { Cover, CoverRule, Due, DueRule, EffectKind } from '../slice.ts'
import { promptToStop } from './invoked.ts'
import { cancelledError, cleanUp, hasNews, messagePause, openOf, type Run, runQuestions } from './run-state.ts'

/** Empty: the definition has no code that decides. */
export function runDeclared({ workflow_file: code }: AgentDefinition): readonly SessionEvent[] {
  if (typeof code !== 'object' || code.digest === undefined) return []
  return [
    {
      type: 'run.declared',
      data: { file: code.file, digest: code.digest, ...(code.network ? { network: true } : {}) },
    },
  ]
}

/** RN4. Nothing else begins while the code is run. */
export const replayRests: DueRule = ({ run }) => (run?.replay ? 'rest' : null)

/** Between turns, in the place of the next turn: the code decides what is next. */
export const runDue: DueRule = (session, n) => {
  const { run, turn } = session
  if (!run || turn) return null
  if (run.ended) return stopsPrompt(session) ?? endedBy(session, run)
  if (run.lost >= runLimits.lostReplays) {
    const error = run.why ?? { code: 'crashed', message: lostText(run.lost) }
    return { events: [{ type: 'run.ended', data: { status: 'failed', error } }], to: toLog }
  }
  const unknown = openOf(run, 'step').find(({ waits }) => waits.lost && waits.replay === 'never')
  if (unknown) {
    const { position, name, waits } = unknown
    const error = { code: 'outcome-unknown', message: unknownText(name) }
    const data = { position, attempt: waits.attempt, status: 'unknown' as const, error }
    return { events: [{ type: 'run.step-ended', data }], to: toLog }
  }
  const pause = messagePause(run)
  const next = people(session)[0]
  if (pause && next) {
    const data = { position: pause.position, message: next.message }
    return { events: [{ type: 'run.resumed', data }], to: toLog, needsTrigger: true }
  }
  if (hasNews(run)) return replayed(run, n)
  return calledTurn(session, run, n) ?? 'rest'
}

const lostText = (times: number): string => `The process that ran the code was lost ${times} times in a row.`
const unknownText = (name: string): string =>
  `The step ${name} was cut off. It may or may not have taken effect, and was not run again.`

/** What nobody's code has said. */
const people = ({ inbox, run }: Session) => {
  const own = new Set(run ? openOf(run, 'call').map(({ waits }) => waits.message) : [])
  return inbox.filter(({ message }) => !own.has(message))
}

function replayed({ lost }: Run, n: number): Due {
  const replay = { replay: `r${n}`, attempt: lost + 1 }
  return {
    events: [{ type: 'run.replay-started', data: replay }],
    to: toLog,
    effect: { kind: 'replay-run', call: replay.replay, attempt: replay.attempt },
  }
}

/** The turn that the code has asked for; null: there is none, or the limit of turns ends the session. */
function calledTurn(session: Session, run: Run, n: number): Due | null {
  const called = openOf(run, 'call').find(({ waits }) => session.inbox.some(({ message }) => message === waits.message))
  if (!called) return null
  const { maxTurns } = session.born?.limits ?? {}
  if (maxTurns !== undefined && session.turns >= maxTurns) return ends(session, 'max_turns')
  const data = { turn: `t${n}`, messages: [called.waits.message] }
  return { events: [{ type: 'turn.started', data }], to: toLog, needsTrigger: true }
}

/** A prompt that is open asks its session below to cancel, before it is closed or left behind; null: there is none (left). */
export function stopsPrompt(session: Session, until = Number.POSITIVE_INFINITY): Due | null {
  const prompt = promptToStop(session, until)
  if (!prompt) return null
  const { call, child, pool } = prompt.waits
  return { events: [{ type: 'delegation.cancel-requested', data: { call, child, pool } }], to: toExec(pool) }
}

const ends = (session: Session, reason: string): Due => ({
  events: [
    ...session.inbox.map(
      ({ message }): SessionEvent => ({ type: 'message.dropped', data: { message, reason: 'ended' } }),
    ),
    { type: 'session.ended', data: { reason } },
  ],
  to: toLog,
})

const endedBy = (session: Session, run: Run): Due => {
  const { status } = run.ended ?? { status: 'failed' as const }
  const last = openOf(run, 'pause').find(({ waits }) => waits.output.type === 'session_end')?.waits.output
  const reason = last?.type === 'session_end' ? last.reason : status === 'failed' ? 'error' : 'completed'
  return ends(session, reason)
}

/** Asked where nothing is due. */
export const runCover: CoverRule = (session) => {
  const { run, turn } = session
  if (!run || turn) return null
  if (run.replay) return [{ kind: 'exec-trigger', why: 'its code is run' }]
  const waits = run.operations.open().flatMap(([position, one]): Cover[] => {
    switch (one.waits.kind) {
      case 'pause':
        // For the next message, as any session between turns.
        return one.waits.output.type === 'chat_response'
          ? [{ kind: 'rest' }]
          : [
              { kind: 'person', why: `its code waits at ${one.name}` },
              ...(one.waits.expiresAt === undefined
                ? []
                : [{ kind: 'timer' as const, timer: questionTimer(position) }]),
            ]
      case 'sleep':
        return [{ kind: 'timer', timer: one.waits.timer }]
      case 'prompt':
        return [{ kind: 'child', call: one.waits.call, child: one.waits.child }]
      case 'wait':
        return [{ kind: 'person', why: `its code waits at ${one.name}` }]
      case 'step':
      case 'call':
        return [{ kind: 'exec-trigger', why: `${one.name} is open` }]
      default:
        return one.waits satisfies never
    }
  })
  return waits.length > 0 ? waits : [{ kind: 'exec-trigger', why: 'its code waits for nothing' }]
}

/** Of an open session whose code decides, between turns; null: its code says nothing about it. */
export function runStatus(session: Session): Status | null {
  const { run, turn } = session
  if (!run || turn) return null
  if (run.replay || run.ended || session.cancel || hasNews(run)) return 'running'
  const own = openOf(run, 'call').some(({ waits }) => session.inbox.some(({ message }) => message === waits.message))
  if (own) return 'running'
  if (!messagePause(run)) return 'waiting'
  return people(session).length > 0 ? 'running' : 'idle'
}

/** A workflow of which nothing was recorded yet: there is nothing to clean up. */
const unbegun = ({ workflow, ended, replay, operations }: Run): boolean =>
  workflow !== undefined && !ended && !replay && operations.length === 0

/** What a cancel stops besides the turn: the replay with its steps, sleeps, and questions to people. */
const stoppable = (session: Session, until: number): readonly SessionEvent[] => {
  const { run } = session
  if (!run) return []
  const events: SessionEvent[] = []
  if (unbegun(run)) events.push({ type: 'run.ended', data: { status: 'failed', error: cancelledError } })
  for (const { position, n, waits } of openOf(run, 'step'))
    if (n <= until && !waits.lost)
      events.push({
        type: 'run.step-ended',
        data: {
          ...{ position, attempt: waits.attempt, status: 'cancelled' },
          error: { code: 'cancelled', message: 'It was cancelled while it ran. It may or may not have taken effect.' },
        },
      })
  for (const { position, n } of openOf(run, 'sleep'))
    if (n <= until) events.push({ type: 'run.withdrawn', data: { position } })
  for (const { position, n } of openOf(run, 'wait'))
    if (n <= until) events.push({ type: 'run.withdrawn', data: { position } })
  for (const { n, waits } of openOf(run, 'prompt'))
    if (n <= until) {
      const { call, child } = waits
      events.push({
        type: 'delegation.settled',
        data: { call, child, status: 'cancelled', output: cancelledError.message },
      })
    }
  for (const { position } of runQuestions(session)) events.push({ type: 'run.withdrawn', data: { position } })
  if (run.replay && run.replay.n <= until) {
    const { replay, attempt } = run.replay
    events.push({ type: 'run.replay-ended', data: { replay, attempt, how: 'cancelled' } })
  }
  return events
}

export const stopsRun = (session: Session, cancel: Cancel): boolean =>
  cancel.kind === 'cancel' && stoppable(session, cancel.n).length > 0

export const stoppedRun = (session: Session): readonly SessionEvent[] => {
  const { cancel } = session
  if (!cancel) return []
  return cancel.kind === 'cancel' || cancel.kind === 'end'
    ? stoppable(session, cancel.kind === 'end' ? Number.POSITIVE_INFINITY : cancel.n)
    : []
}

/** RN10. A second cancel gives no more time. */
export const cleanUpTimer = ({ run, cancel, timers }: Session, at: number): readonly SessionEvent[] =>
  cancel?.kind === 'cancel' &&
  run?.workflow &&
  !run.ended &&
  !unbegun(run) &&
  !timers.some(({ timer }) => timer === cleanUp)
    ? [{ type: 'timer.armed', data: { timer: cleanUp, at: at + runLimits.cleanUpMs } }]
    : []

export const replayEffect: EffectKind = {
  isOpen: ({ run }, { call, attempt }) => run?.replay?.replay === call && run.replay.attempt === attempt,
  isOwn: (session, effect, instance) => replayEffect.isOpen(session, effect) && session.run?.replay?.by === instance,
}
