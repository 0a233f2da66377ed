// model-call.*: attempts of one request to a model.
import { type AssistantBlock, addUsage, type EventOf } from '@reins/contracts'
import type { Said } from './evolve.ts'
import { closedResults } from './evolve-tool-call.ts'
import type { Call, ModelCall, Session, Turn } from './session.ts'

type Event = EventOf<'model-call.started' | 'model-call.completed' | 'model-call.failed' | 'model-call.throttled'>

export function evolveModelCall(session: Session, event: Event, said: Said): Session {
  const { turn } = session
  if (!turn) return session
  if (event.type === 'model-call.started') return started(session, turn, event, said)
  const model = turn.model
  // S2: an outcome counts for the running attempt only.
  if (model?.kind !== 'running' || model.call !== event.data.call || model.attempt !== event.data.attempt)
    return session
  const { call, attempt, lost, throttles, final } = model
  const attempts = { call, attempt, lost, throttles, final }
  const withModel = (next: ModelCall): Session => ({ ...session, turn: { ...turn, model: next } })
  switch (event.type) {
    case 'model-call.completed':
      return completed(session, turn, event, final)
    case 'model-call.failed':
      if (event.data.error.code === 'lost') return withModel({ ...attempts, kind: 'retry', lost: lost + 1 })
      return withModel({ ...attempts, kind: 'failed', error: event.data.error })
    case 'model-call.throttled':
      return withModel({
        ...attempts,
        kind: 'throttled',
        throttles: throttles + 1,
        timer: event.data.timer,
        error: event.data.error,
      })
    default:
      return event satisfies never
  }
}

function started(session: Session, turn: Turn, event: EventOf<'model-call.started'>, said: Said): Session {
  const { call, attempt, final } = event.data
  if (event.data.turn !== turn.id) return session
  const running = { kind: 'running' as const, call, attempt, by: said.by, n: said.n, final: final === true }
  const { model } = turn
  if (model) {
    if (model.kind !== 'retry' || model.call !== call || attempt !== model.attempt + 1) return session
    return { ...session, turn: { ...turn, model: { ...running, lost: model.lost, throttles: model.throttles } } }
  }
  if (attempt !== 1 || turn.calls.some(({ state }) => state.kind !== 'done')) return session
  return {
    ...session,
    transcript: session.transcript.append(...closedResults(turn.calls)),
    turn: { ...turn, calls: [], modelCalls: turn.modelCalls + 1, model: { ...running, lost: 0, throttles: 0 } },
  }
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
      toolCalls: turn.toolCalls + calls.length,
      usage: addUsage(turn.usage, usage),
    },
  }
}

export const textOf = (content: readonly AssistantBlock[]): string =>
  content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n\n')
