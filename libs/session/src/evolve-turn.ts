// message.* and turn.*: what people say, and what becomes of it.
import { addUsage, type EventOf, noUsage } from '@reins/contracts'
import type { Said } from './evolve.ts'
import { withAnsweredCancel } from './evolve-lifecycle.ts'
import { closedResults } from './evolve-tool-call.ts'
import type { Queued, Session, Settled } from './session.ts'

type Event = EventOf<
  | 'message.received'
  | 'message.joined'
  | 'message.dropped'
  | 'turn.started'
  | 'turn.completed'
  | 'turn.failed'
  | 'turn.cancelled'
>

export function evolveTurn(session: Session, event: Event, said: Said): Session {
  switch (event.type) {
    case 'message.received':
      return received(session, queuedOf(event, said))
    case 'message.joined': {
      const { turn } = session
      const queued = session.inbox.find(({ message }) => message === event.data.message)
      if (!turn || turn.id !== event.data.turn || !queued) return session
      return {
        ...session,
        inbox: without(session.inbox, queued.message),
        turn: { ...turn, messages: [...turn.messages, queued.message] },
        transcript: session.transcript.append({ role: 'user', content: queued.content }),
      }
    }
    case 'message.dropped':
      return withAnsweredCancel({ ...session, inbox: without(session.inbox, event.data.message) })
    case 'turn.started': {
      const taken = session.inbox.filter(({ message }) => event.data.messages.includes(message))
      if (session.turn || taken.length === 0) return session
      return {
        ...session,
        inbox: session.inbox.filter((queued) => !taken.includes(queued)),
        transcript: session.transcript.append(...taken.map(({ content }) => ({ role: 'user' as const, content }))),
        settled: null,
        lastText: '',
        turn: {
          id: event.data.turn,
          n: said.n,
          messages: taken.map(({ message }) => message),
          ...traced(taken[0]?.trace),
          model: null,
          calls: [],
          answered: null,
          modelCalls: 0,
          toolCalls: 0,
          usage: noUsage,
        },
      }
    }
    case 'turn.completed':
      return ended(session, event.data.turn, { turn: event.data.turn, status: 'completed', output: session.lastText })
    case 'turn.failed':
      return ended(session, event.data.turn, {
        turn: event.data.turn,
        status: 'failed',
        output: event.data.error.message,
      })
    case 'turn.cancelled':
      return ended(session, event.data.turn, { turn: event.data.turn, status: 'cancelled', output: session.lastText })
    default:
      return event satisfies never
  }
}

const traced = (trace: string | undefined) => (trace === undefined ? {} : { trace })

function queuedOf({ data }: EventOf<'message.received'>, { n, trace }: Said): Queued {
  const { message, content, onBusy } = data
  return { message, content, onBusy, n, ...traced(trace) }
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

function ended(session: Session, turn: string, settled: Settled): Session {
  if (session.turn?.id !== turn) return session
  return withAnsweredCancel({
    ...session,
    turn: null,
    turns: session.turns + 1,
    usage: addUsage(session.usage, session.turn.usage),
    transcript: session.transcript.append(...closedResults(session.turn.calls)),
    // What waits for a model call of this turn waits for nothing now; the timer fires for nothing.
    timers: session.turn.model?.kind === 'throttled' ? withoutTimer(session, session.turn.model.timer) : session.timers,
    settled,
  })
}

const withoutTimer = (session: Session, timer: string): Session['timers'] =>
  session.timers.filter((open) => open.timer !== timer)
