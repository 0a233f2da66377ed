// Model calls: attempts of one request to a model. An attempt has an intent and one outcome; a lost one is followed by the next.
import { type AssistantBlock, addUsage, type EventOf, type SessionEvent, toLog } from '@reins/contracts'
import { closingAddress } from '../delegation/closing-address.ts'
import { answeredOutput, corrected, correctionOf } from '../output/output.ts'
import type { Call, ModelCall, Session, Turn } from '../session.ts'
import type { Cover, Due, EffectKind, Meanings, Origin, TimerRule } from '../slice.ts'
import { closedResults } from '../tool-call/tool-call.ts'
import { counted, withSent } from './sent.ts'

/** Lost attempts of one model call before the session is quarantined. */
export const maxLostAttempts = 5

type Running = ModelCall & { readonly kind: 'running' }

export const modelCallEvents: Meanings<
  'model-call.started' | 'model-call.completed' | 'model-call.failed' | 'model-call.throttled'
> = {
  'model-call.started': { effective: true, begins: true, evolve: started },
  'model-call.completed': {
    effective: true,
    evolve: (session, event) =>
      outcome(session, event.data, (turn, { final }) =>
        completed(counted(session, event.data.call, event.data.usage.inputTokens), turn, event, final),
      ),
  },
  'model-call.failed': {
    effective: true,
    evolve: (session, { data }) =>
      outcome(session, data, (turn, running) => withModel(session, turn, failed(running, data.error))),
  },
  'model-call.throttled': {
    effective: true,
    evolve: (session, { data: { call, attempt, timer, error } }) =>
      outcome(session, { call, attempt }, (turn, running) => {
        const throttles = running.throttles + 1
        return withModel(session, turn, { ...attemptsOf(running), kind: 'throttled', throttles, timer, error })
      }),
  },
}

const attemptsOf = ({ call, attempt, lost, throttles, final }: ModelCall) => ({ call, attempt, lost, throttles, final })
const withModel = (session: Session, turn: Turn, model: ModelCall): Session => ({
  ...session,
  turn: { ...turn, model },
})

const failed = (running: Running, error: EventOf<'model-call.failed'>['data']['error']): ModelCall =>
  error.code === 'lost'
    ? { ...attemptsOf(running), kind: 'retry', lost: running.lost + 1 }
    : { ...attemptsOf(running), kind: 'failed', error }

/** S2: an outcome counts for the running attempt only. */
function outcome(
  session: Session,
  of: { readonly call: string; readonly attempt: number },
  change: (turn: Turn, running: Running) => Session,
): Session {
  const { turn } = session
  const model = turn?.model
  if (!turn || model?.kind !== 'running' || model.call !== of.call || model.attempt !== of.attempt) return session
  return change(turn, model)
}

function started(session: Session, { data }: EventOf<'model-call.started'>, { by, n }: Origin): Session {
  const { turn } = session
  const { call, attempt, final } = data
  if (!turn || data.turn !== turn.id) return session
  const running = { kind: 'running' as const, call, attempt, by, n, final: final === true }
  const { model } = turn
  if (model) {
    if (model.kind !== 'retry' || model.call !== call || attempt !== model.attempt + 1) return session
    const next = { ...running, lost: model.lost, throttles: model.throttles }
    return withSent(withModel(session, turn, next), data, n)
  }
  if (attempt !== 1 || turn.calls.some(({ state }) => state.kind !== 'done')) return session
  const begun: Session = {
    ...session,
    transcript: session.transcript.append(...closedResults(session, turn.calls), ...correctionOf(turn)),
    turn: {
      ...turn,
      ...corrected(turn),
      ...{ calls: [], modelCalls: turn.modelCalls + 1, model: { ...running, lost: 0, throttles: 0 } },
    },
  }
  return withSent(begun, data, n)
}

function completed(session: Session, turn: Turn, event: EventOf<'model-call.completed'>, final: boolean): Session {
  const { call, content, usage, finish } = event.data
  // Tool calls of a final answer are not carried out, and a transcript never holds a call without a result.
  const kept = final ? content.filter((block) => block.type !== 'tool-call') : content
  const calls = kept.flatMap((block): Call[] =>
    block.type === 'tool-call'
      ? [
          {
            call: block.call,
            name: block.name,
            arguments: block.arguments,
            malformed: block.malformed ?? null,
            state: { kind: 'due' },
          },
        ]
      : [],
  )
  return {
    ...session,
    transcript:
      kept.length > 0
        ? session.transcript.append({ role: 'assistant', content: kept, model: session.born?.model ?? '' })
        : session.transcript,
    lastText: textOf(kept),
    turn: {
      ...turn,
      model: null,
      calls,
      answered: { call, finish, final },
      ...answeredOutput({ ...turn, calls }),
      toolCalls: turn.toolCalls + calls.length,
      usage: addUsage(turn.usage, usage),
    },
  }
}

export const textOf = (content: readonly AssistantBlock[]): string =>
  content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n\n')

/** Until it has an answer, nothing else of the turn is due. */
export function modelCallDue(session: Session): Due | 'rest' | null {
  const { turn } = session
  const model = turn?.model
  if (!turn || !model) return null
  switch (model.kind) {
    case 'running':
    case 'throttled':
      return 'rest'
    case 'failed': {
      const data = { turn: turn.id, usage: turn.usage, error: model.error }
      return { events: [{ type: 'turn.failed', data }], to: closingAddress(session) }
    }
    case 'retry': {
      if (model.lost < maxLostAttempts) return beginModelCall(session, turn, model.call, model.attempt + 1, model.final)
      const reason = `model call ${model.call} was lost ${model.lost} times with the process that ran it`
      return { events: [{ type: 'session.quarantined', data: { reason, frame: turn.n } }], to: toLog }
    }
    default:
      return model satisfies never
  }
}

export function beginModelCall(session: Session, turn: Turn, call: string, attempt: number, final: boolean): Due {
  const data = { call, attempt, turn: turn.id, model: session.born?.model ?? '', ...(final ? { final } : {}) }
  return { events: [{ type: 'model-call.started', data }], to: toLog, effect: { kind: 'call-model', call, attempt } }
}

/** The outcome of the attempt that runs, where its turn is cancelled. */
export const cancelledModelCall = ({ model }: Turn): readonly SessionEvent[] =>
  model?.kind === 'running'
    ? [
        {
          type: 'model-call.failed',
          data: {
            call: model.call,
            attempt: model.attempt,
            error: { code: 'cancelled', message: 'The turn was cancelled.' },
          },
        },
      ]
    : []

export function modelCallCover({ turn }: Session): readonly Cover[] | null {
  if (!turn?.model) return null
  return turn.model.kind === 'throttled'
    ? [{ kind: 'timer', timer: turn.model.timer }]
    : [{ kind: 'exec-trigger', why: 'a model call is in flight' }]
}

/** The attempt after a throttled one is due when its timer has fired. */
export const modelCallTimer: TimerRule = (session, timer) => {
  const { turn } = session
  const model = turn?.model
  if (!turn || model?.kind !== 'throttled' || model.timer !== timer) return session
  return withModel(session, turn, { ...attemptsOf(model), kind: 'retry' })
}

export const modelCallEffect: EffectKind = {
  isOpen: ({ turn }, { call, attempt }) =>
    turn?.model?.kind === 'running' && turn.model.call === call && turn.model.attempt === attempt,
  isOwn: (session, effect, instance) =>
    modelCallEffect.isOpen(session, effect) &&
    session.turn?.model?.kind === 'running' &&
    session.turn.model.by === instance,
}
