// Turns: what people say, and what becomes of it. A turn takes in messages, and ends once with an answer, a failure or a cancel.
import { addUsage, type EventOf, type Limits, noUsage, type SessionEvent, toLog } from '@reins/contracts'
import { withAnsweredCancel } from '../cancel/answered-cancel.ts'
import { excludesRequester } from '../configured/coming.ts'
import { closingAddress } from '../delegation/closing-address.ts'
import { beginModelCall } from '../model-call/model-call.ts'
import { noResult, outputOf, resultOf } from '../output/output.ts'
import { permittedOf } from '../permitted/permitted.ts'
import type { Queued, Session, Settled, Turn } from '../session.ts'
import type { Cover, Due, Meanings, Origin } from '../slice.ts'
import { closedResults } from '../tool-call/tool-call.ts'
import { askedCall, askedResult } from './asked-tool.ts'
import { toldAs } from './attached-images.ts'
import { beginsModelCall } from './next-call.ts'

export const turnEvents: Meanings<
  | 'message.received'
  | 'message.joined'
  | 'message.dropped'
  | 'turn.started'
  | 'turn.completed'
  | 'turn.failed'
  | 'turn.cancelled'
> = {
  'message.received': {
    effective: true,
    evolve: (session, event, origin) => received(session, queuedOf(session, event, origin)),
  },
  'message.joined': { effective: true, evolve: (session, { data }) => joined(session, data.message, data.turn) },
  'message.dropped': {
    effective: true,
    evolve: (session, { data }) => withAnsweredCancel({ ...session, inbox: without(session.inbox, data.message) }),
  },
  'turn.started': { effective: true, begins: true, evolve: started },
  'turn.completed': {
    effective: true,
    evolve: (session, { data: { turn, ...data } }) => {
      const asked = session.turn && askedResult(session.turn)
      return ended(session, {
        ...{ turn, status: 'completed', output: asked?.output ?? session.lastText },
        ...(asked ? { result: asked } : Object.hasOwn(data, 'result') ? { result: data.result } : {}),
      })
    },
  },
  'turn.failed': {
    effective: true,
    evolve: (session, { data: { turn, error, text } }) =>
      ended(session, {
        turn,
        status: 'failed',
        code: error.code,
        output: text ? `${error.message}\nThe last answer: ${text}` : error.message,
      }),
  },
  'turn.cancelled': {
    effective: true,
    evolve: (session, { data: { turn } }) => stopped(session, turn),
  },
}

const traced = (trace: string | undefined) => (trace === undefined ? {} : { trace })

function queuedOf(session: Session, { data }: EventOf<'message.received'>, { n, by, trace }: Origin): Queued {
  const { message, content, onBusy } = data
  return { message, content, onBusy, n, ...(excludesRequester(session) ? { by } : {}), ...traced(trace) }
}

const without = (inbox: readonly Queued[], message: string): readonly Queued[] =>
  inbox.filter((queued) => queued.message !== message)

/** An interrupting message is next, and stops the turn that runs; every other one waits in line. */
function received(session: Session, queued: Queued): Session {
  if (!session.born || session.inbox.some(({ message }) => message === queued.message)) return session
  if (queued.onBusy !== 'interrupt') return { ...session, inbox: [...session.inbox, queued] }
  const cancel =
    session.turn && !session.cancel ? { kind: 'interrupt' as const, n: queued.n, covered: [] } : session.cancel
  return { ...session, inbox: [queued, ...session.inbox], cancel }
}

const requestersOf = (messages: readonly Queued[], before: readonly string[] = []) => {
  const requesters = [...before, ...messages.flatMap(({ by }) => by ?? [])]
  return requesters.length === 0 ? {} : { requesters }
}

function joined(session: Session, message: string, id: string): Session {
  const { turn } = session
  const queued = session.inbox.find((one) => one.message === message)
  if (!turn || turn.id !== id || !queued) return session
  return {
    ...session,
    inbox: without(session.inbox, queued.message),
    turn: {
      ...turn,
      messages: [...turn.messages, queued.message],
      ...requestersOf([queued], turn.requesters),
      ...outputOf(session, [queued], turn.output),
      ...permittedOf([queued], turn.permitted),
    },
    transcript: session.transcript.append(toldAs(queued)),
  }
}

function started(session: Session, { data }: EventOf<'turn.started'>, { n }: Origin): Session {
  const taken = session.inbox.filter(({ message }) => data.messages.includes(message))
  if (session.turn || taken.length === 0) return session
  const asked = askedCall(data.turn, taken)
  const said = asked ? [] : taken.map(toldAs)
  return {
    ...session,
    inbox: session.inbox.filter((queued) => !taken.includes(queued)),
    transcript: session.transcript.append(...said),
    settled: null,
    lastText: '',
    turn: {
      id: data.turn,
      n,
      messages: taken.map(({ message }) => message),
      ...requestersOf(taken),
      ...traced(taken[0]?.trace),
      model: null,
      calls: [],
      answered: null,
      modelCalls: 0,
      toolCalls: 0,
      ...(asked ?? outputOf(session, taken)),
      ...permittedOf(taken),
      usage: noUsage,
    },
  }
}

/** The calls of its latest answer are closed: those of agents that were cancelled with it are waited for no more, and still answer. */
function stopped(session: Session, turn: string): Session {
  const after = ended(session, { turn, status: 'cancelled', output: session.lastText })
  if (after === session) return session
  const closed = session.turn?.calls.map(({ call }) => call) ?? []
  const below = Object.entries(session.team?.children ?? {})
    .filter(([, { call, status }]) => status === 'cancelled' && closed.includes(call))
    .map(([child]) => child)
  const ran = session.turn?.ran
  return { ...after, stopped: { turn, below, ...(ran ? { ran } : {}) } }
}

function ended(session: Session, end: Settled): Session {
  if (session.turn?.id !== end.turn) return session
  const used = { ...end, usage: session.turn.usage }
  const settled = session.turn.ran ? { ...used, ran: session.turn.ran } : used
  return withAnsweredCancel({
    ...session,
    turn: null,
    turns: session.turns + 1,
    usage: addUsage(session.usage, session.turn.usage),
    // AT2.
    transcript: session.turn.asked
      ? session.transcript
      : session.transcript.append(...closedResults(session, session.turn.calls)),
    // What waits for a model call of this turn waits for nothing now; the timer fires for nothing.
    timers: session.turn.model?.kind === 'throttled' ? withoutTimer(session, session.turn.model.timer) : session.timers,
    settled,
  })
}

const withoutTimer = (session: Session, timer: string): Session['timers'] =>
  session.timers.filter((open) => open.timer !== timer)

const limits = (session: Session): Limits => session.born?.limits ?? { maxToolCalls: 0 }

/** Of an open session with no call in flight: the end of its turn, the turn's next model call, or the next turn. */
export function turnDue(session: Session, n: number): Due | null {
  const { turn } = session
  if (!turn) return nextTurn(session, n)
  if (!beginsModelCall(session)) return completion(session, turn)
  const joining = session.run ? [] : session.inbox.filter(({ onBusy }) => onBusy === 'join')
  const final = turn.toolCalls >= limits(session).maxToolCalls && turn.toolCalls > 0
  const call = beginModelCall(session, turn, `c${n}`, 1, final)
  const joins = joining.map(
    ({ message }): SessionEvent => ({ type: 'message.joined', data: { message, turn: turn.id } }),
  )
  return { ...call, events: [...joins, ...call.events] }
}

/** Between turns. The last turn that the limits allow ends the session, however that turn ended. */
function nextTurn(session: Session, n: number): Due | null {
  const { maxTurns } = limits(session)
  if (maxTurns !== undefined && session.turns >= maxTurns) {
    const dropped = session.inbox.map(
      ({ message }): SessionEvent => ({ type: 'message.dropped', data: { message, reason: 'ended' } }),
    )
    return { events: [...dropped, { type: 'session.ended', data: { reason: 'max_turns' } }], to: toLog }
  }
  const next = session.inbox[0]
  if (!next) return null
  const events: readonly SessionEvent[] = [{ type: 'turn.started', data: { turn: `t${n}`, messages: [next.message] } }]
  return { events, to: toLog, needsTrigger: true }
}

/** The end of a turn wakes the session above, if there is one. */
function completion(session: Session, turn: Turn): Due {
  const failed = noResult(turn, session.lastText)
  if (failed) return { events: [failed], to: closingAddress(session) }
  const answered = turn.answered ?? { call: '', finish: 'stop' as const, final: false }
  const reason = answered.final
    ? ('max-tool-calls' as const)
    : answered.finish === 'length' || answered.finish === 'refused'
      ? answered.finish
      : ('answered' as const)
  return {
    events: [
      {
        type: 'turn.completed',
        data: {
          ...{ turn: turn.id, call: answered.call, usage: turn.usage, reason },
          ...resultOf(turn, session.lastText),
        },
      },
    ],
    to: closingAddress(session),
  }
}

export const turnCover = (session: Session): readonly Cover[] | null => (session.turn ? null : [{ kind: 'rest' }])
