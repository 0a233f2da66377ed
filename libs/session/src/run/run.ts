// Runs: sessions whose decisions come from a file of their owner. The code is run from its beginning, again and again, and is given what
// stands in the log: so it goes on where it was, whichever process runs it.
//   RN1. Each operation has a position and a name. What is recorded at a position never changes; it ends once, and stays in the order in
//        which it ended.
//   RN2. An operation that acts on the world is announced before it acts (run.step-started, run.called), and only on the head that the
//        replay stands on: an append that is refused means that another replay may be under way.
//   RN3. A step that was cut off runs again where it is `safe`, as the next attempt. Any other ends as unknown, and the code is told so.
//   RN4. One thing is under way at a time: a replay, or a turn of the agent. What else comes in waits in the log.
//   RN5. Messages of people begin no turn: the code is given them, one for each pause, in their order.
//   RN6. The code's bundle is named in the first frame. A later version of its file is of other sessions.
//   RN7. What ends beside a replay is told of by the next one, behind all that this one has told: whatever the code did in this one, it did
//        without knowing.
//   RN8. A question of the code has a timer. Whichever of the answer and the timer comes first in the log counts; the other changes nothing.
//   RN9. A line of ctx.log stands in the log once. Lines outside of steps come again with each replay, in the same order: the first so
//        many are those that are recorded. Lines of a step come with its function alone.
//   RN10. After a cancel the code of a workflow runs on, and cleans up. It has so much time; then the run is ended as by a person.
//   RN11. A cancel that comes while nothing of a workflow is open (an operation has ended, and its code was not told of it yet), or whose
//         operations have ended by themselves before it was answered, is that of what the code asks for next.
import { type EventData, type EventOf, questionTimer, runLimits, runMessage, type SessionEvent } from '@reins/contracts'
import { withAnsweredCancel } from '../cancel/answered-cancel.ts'
import { resumedBy } from '../permitted/permitted.ts'
import type { Session, Turn } from '../session.ts'
import type { Meaning, Meanings, Origin, TimerRule } from '../slice.ts'
import { askedResult } from '../turn/asked-tool.ts'
import { traceOfCall } from '../turn/trace.ts'
import { type InvokedEvent, invokedEvents, promptCancelled, promptSettled } from './invoked.ts'
import { OperationList } from './operation-list.ts'
import { added, ended, inLine, opened, told } from './operations.ts'
import {
  answerValue,
  cancelledError,
  cleanUp,
  expiredValue,
  hasStoppable,
  messagePause,
  type Operation,
  type OperationResult,
  openOf,
  type Run,
  runQuestions,
} from './run-state.ts'

type RunEventType = Extract<SessionEvent['type'], `run.${string}`> | InvokedEvent

const eventsOfRuns: Meanings<RunEventType> = {
  ...invokedEvents,
  'run.declared': {
    effective: true,
    evolve: (session, { data }, { trace }) =>
      session.born && !session.run
        ? {
            ...session,
            run: {
              ...{ ...data, operations: OperationList.of(), done: 0, seen: -1, replay: null, lost: 0 },
              ...(trace === undefined ? {} : { trace }),
            },
          }
        : session,
  },
  'run.replay-started': { effective: true, begins: true, evolve: replayStarted },
  'run.replay-ended': { effective: true, evolve: replayEnded },
  'run.recorded': {
    effective: true,
    evolve: (session, { data }, { n }) =>
      added(session, data, (run) => {
        const operation = { name: data.name, operation: data.operation, n, state: 'done' as const, order: run.done }
        return told({
          ...run,
          operations: run.operations.append({ ...operation, result: { kind: 'value', value: data.value } }),
        })
      }),
  },
  'run.step-started': { effective: true, begins: true, evolve: stepStarted },
  'run.step-ended': { effective: true, evolve: stepEnded },
  'run.called': {
    effective: true,
    begins: true,
    evolve: (session, { data }, { n }) => {
      const message = runMessage(data.position)
      const after = opened(session, data, 'call', { kind: 'call', message: data.message }, n)
      if (after === session || data.message !== message) return session
      const may = session.permitted ? { permitted: session.permitted } : {}
      const trace = traceOfCall(after, message)
      const queued = { message, content: data.content, onBusy: 'queue' as const, n, ...may }
      return { ...after, inbox: [...after.inbox, trace === undefined ? queued : { ...queued, trace }] }
    },
  },
  'run.slept': {
    effective: true,
    evolve: (session, { data }, { n }) =>
      opened(session, data, 'sleep', { kind: 'sleep', timer: data.timer, until: data.until }, n),
  },
  'run.paused': {
    effective: true,
    evolve: (session, { data }, { n }) => {
      const until = data.expiresAt === undefined ? {} : { expiresAt: data.expiresAt }
      const after = opened(session, data, 'pause', { kind: 'pause', output: data.output, ...until }, n)
      if (after === session || data.output.type !== 'chat_response') return after
      // For whoever delegated: what the code says is its answer.
      return {
        ...after,
        settled: { turn: `p${data.position}`, status: 'completed', output: data.output.content ?? '' },
      }
    },
  },
  'run.resumed': { effective: true, begins: true, evolve: resumed },
  'run.withdrawn': {
    effective: true,
    evolve: (session, { data: { position } }) => {
      const question = runQuestions(session).find((one) => one.position === position)?.question
      const result: OperationResult = question
        ? answerValue(question, 'cancel')
        : { kind: 'error', error: cancelledError }
      return withAnsweredCancel(
        ended(session, position, ({ kind }) =>
          kind === 'sleep' || kind === 'wait' || question !== undefined ? result : null,
        ),
      )
    },
  },
  'run.logged': {
    effective: true,
    evolve: (session, { data }) => {
      const { run } = session
      if (!run?.replay || run.ended) return session
      const { all, replayed } = run.lines ?? noLines
      return {
        ...session,
        run: { ...run, lines: { all: all + 1, replayed: replayed + (data.step === undefined ? 1 : 0) } },
      }
    },
  },
  'run.ended': {
    effective: true,
    evolve: (session, { data }) => {
      const { run } = session
      if (!run || run.ended) return session
      const { status, error } = data
      const output = status === 'failed' ? (error?.message ?? 'It failed.') : textOf(data.output)
      return withAnsweredCancel({
        ...session,
        run: { ...run, replay: null, ended: data },
        settled: {
          ...{ turn: 'end', status, output },
          ...(Object.hasOwn(data, 'output') ? { result: data.output } : {}),
        },
      })
    },
  },
}

/** RN11. */
export const runEvents: Meanings<RunEventType> = {
  ...eventsOfRuns,
  'run.step-started': cancelledNext('run.step-started'),
  'run.slept': cancelledNext('run.slept'),
  'run.waited': cancelledNext('run.waited'),
  'run.prompted': cancelledNext('run.prompted'),
}

function cancelledNext<T extends 'run.step-started' | 'run.slept' | 'run.waited' | 'run.prompted'>(
  type: T,
): Meaning<EventOf<T>> {
  const meaning: Meaning<EventOf<T>> = eventsOfRuns[type]
  return {
    ...meaning,
    evolve: (session, event, origin) => {
      const after = meaning.evolve(session, event, origin)
      const { run } = after
      if (!run?.cancelNext || after === session || !hasStoppable(run)) return after
      const { cancelNext: _, ...rest } = run
      return { ...after, run: rest, cancel: after.cancel ?? { kind: 'cancel', n: origin.n, covered: [] } }
    },
  }
}

const noLines = { all: 0, replayed: 0 } as const

const textOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)

function replayStarted(session: Session, { data }: EventOf<'run.replay-started'>, { by, n }: Origin): Session {
  const { run } = session
  if (!run || run.replay || run.ended || session.turn) return session
  return { ...session, run: { ...run, replay: { ...data, by, n }, seen: run.done } }
}

function replayEnded(session: Session, { data }: EventOf<'run.replay-ended'>): Session {
  const { run } = session
  if (run?.replay?.replay !== data.replay || run.replay.attempt !== data.attempt) return session
  const { why: _, ...rest } = inLine(run)
  switch (data.how) {
    case 'suspended':
      return withAnsweredCancel({ ...session, run: { ...rest, replay: null, lost: 0 } })
    case 'held':
    case 'cancelled':
      return withAnsweredCancel({
        ...session,
        run: { ...inLine(run), replay: null, seen: -1, operations: lostSteps(inLine(run)) },
      })
    case 'lost': {
      const why = data.error === undefined ? {} : { why: data.error }
      return {
        ...session,
        run: { ...rest, ...why, replay: null, seen: -1, lost: run.lost + 1, operations: lostSteps(rest) },
      }
    }
    default:
      return data.how satisfies never
  }
}

/** RN3: nobody runs them any more. */
const lostSteps = ({ operations }: Pick<Run, 'operations'>): OperationList =>
  operations.withOpen((waits) => (waits.kind === 'step' ? { ...waits, lost: true } : waits))

function stepStarted(session: Session, { data }: EventOf<'run.step-started'>, { n }: Origin): Session {
  const { position, attempt, replay } = data
  const { run } = session
  const old = run?.operations.at(position)
  if (old === undefined)
    return attempt === 1 ? opened(session, data, 'step', { kind: 'step', attempt, replay }, n) : session
  // RN3.
  if (!run?.replay || old.state !== 'open' || old.waits.kind !== 'step' || !old.waits.lost) return session
  if (old.waits.replay !== 'safe' || attempt !== old.waits.attempt + 1) return session
  const again: Operation = { ...old, n, waits: { kind: 'step', attempt, replay: 'safe' } }
  return { ...session, run: { ...run, operations: run.operations.with(position, again) } }
}

function stepEnded(session: Session, { data }: EventOf<'run.step-ended'>): Session {
  const { position, attempt, status, error } = data
  const own = session.run?.replay !== null && status !== 'cancelled'
  const after = ended(
    session,
    position,
    (waits) => {
      if (waits.kind !== 'step' || waits.attempt !== attempt) return null
      if (status === 'ok') return { kind: 'value', ...(Object.hasOwn(data, 'value') ? { value: data.value } : {}) }
      return { kind: 'error', error: error ?? { code: status, message: `The step ended: ${status}.` } }
    },
    own,
  )
  return withAnsweredCancel(after)
}

/** RN5. */
function resumed(session: Session, { data: { position, message } }: EventOf<'run.resumed'>): Session {
  const queued = session.inbox.find((one) => one.message === message)
  if (!queued || !session.run || messagePause(session.run)?.position !== position) return session
  const text = queued.content.map((part) => part.text).join('\n\n')
  const after = ended(session, position, ({ kind }) =>
    kind === 'pause' ? { kind: 'value', value: { message: text } } : null,
  )
  if (after === session) return session
  return resumedBy({ ...after, inbox: after.inbox.filter((one) => one !== queued) }, queued)
}

export const runTimer: TimerRule = (session, timer) => {
  if (timer === cleanUp) return cleanUpOver(session)
  const asleep = session.run && openOf(session.run, 'sleep').find(({ waits }) => waits.timer === timer)
  if (asleep) return ended(session, asleep.position, () => ({ kind: 'value' }))
  // RN8.
  const asked = runQuestions(session).find(({ position }) => questionTimer(position) === timer)
  return asked?.expiresAt === undefined ? session : ended(session, asked.position, () => expiredValue(asked.question))
}

/** RN10. */
function cleanUpOver(session: Session): Session {
  const { run, mode, cancel, inbox } = session
  if (!run?.workflow || run.ended || mode.kind === 'ended' || cancel?.kind === 'end') return session
  const reason = `its clean-up took longer than ${runLimits.cleanUpMs / 1_000} s`
  return { ...session, cancel: { kind: 'end', n: 0, covered: inbox.map(({ message }) => message), reason } }
}

type Followed =
  | 'turn.completed'
  | 'turn.failed'
  | 'turn.cancelled'
  | 'elicitation.answered'
  | 'delegation.settled'
  | 'delegation.cancel-requested'

/** What other slices bring about, and code waits for: the end of a turn that it asked for, a person's answer. */
export function followed(meanings: Meanings<SessionEvent['type']>): Meanings<SessionEvent['type']> {
  const follow = <T extends Followed>(
    type: T,
    then: (after: Session, before: Session, data: EventData<T>, origin: Origin) => Session,
  ): Meaning<EventOf<T>> => {
    const meaning: Meaning<EventOf<T>> = meanings[type]
    return {
      ...meaning,
      evolve: (session, event, origin) => {
        const after = meaning.evolve(session, event, origin)
        return session.run ? then(after, session, (event as { readonly data: EventData<T> }).data, origin) : after
      },
    }
  }
  return {
    ...meanings,
    'turn.completed': follow('turn.completed', (after, before, data) =>
      turnEnded(after, before, {
        status: 'completed',
        content: before.lastText,
        reason: data.reason,
        ...(Object.hasOwn(data, 'result') ? { result: data.result } : {}),
      }),
    ),
    'turn.failed': follow('turn.failed', (after, before, { error, text }) =>
      turnEnded(after, before, { status: 'failed', content: text ?? '', error }),
    ),
    'turn.cancelled': follow('turn.cancelled', (after, before, { reason }) =>
      turnEnded(after, before, { status: 'cancelled', content: '', reason }),
    ),
    'delegation.settled': follow('delegation.settled', (after, _before, data) => promptSettled(after, data)),
    'delegation.cancel-requested': follow('delegation.cancel-requested', (after, _before, data) =>
      promptCancelled(after, data),
    ),
    'elicitation.answered': follow('elicitation.answered', (after, before, data, { by }) => {
      const asked = runQuestions(before).find(
        ({ position, question }) =>
          question.elicitation_id === data.elicitation && data.call === runMessage(position) && data.person === by,
      )
      return asked ? ended(after, asked.position, () => answerValue(asked.question, data.action, data.content)) : after
    }),
  }
}

function turnEnded(after: Session, before: Session, value: Readonly<Record<string, unknown>>): Session {
  const { turn } = before
  if (!turn || after.turn || !after.run) return after
  const call = callOf(after.run, turn)
  const given = askedResult(turn, messageOf(value.error)) ?? { ...value, turn: after.turns }
  return call ? ended(after, call.position, () => ({ kind: 'value', value: given })) : after
}

const messageOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined

const callOf = (run: Run, { messages }: Turn) =>
  openOf(run, 'call').find(({ waits }) => messages.includes(waits.message))
