// The scripted model: what a call answers follows from the session and the scenario alone.
import { isChild, noUsage, type SessionEvent } from '@reins/contracts'
import { defaultRetryPolicy, failureEvents, type Session } from '@reins/session'
import type { Answer, Scenario } from '../scenarios/scenario.ts'

const textOnly: Answer = {}

export function answerOf(scenario: Scenario, session: Session): Answer {
  const below = scenario.below?.[session.born?.agent ?? '']
  const turn = isChild(session.id)
    ? (below?.[session.turns] ?? below?.at(-1) ?? scenario.childTurn ?? [])
    : (scenario.turns[session.turns] ?? scenario.turns.at(-1) ?? [])
  return turn[(session.turn?.modelCalls ?? 1) - 1] ?? textOnly
}

/** The outcome of an attempt, with the timer where it is throttled. */
export function outcomeOf(answer: Answer, call: string, attempt: number, session: Session): readonly SessionEvent[] {
  const { team } = session
  if (answer.throttledOnce && attempt === 1) {
    const failure = { type: 'failed', code: 'rate-limited', message: 'slow down' } as const
    return failureEvents({ call, attempt, throttles: 0 }, failure, '', { now: 0, random: 0 }, defaultRetryPolicy)
  }
  const asked = [
    ...(answer.tools ?? []).map((name) => ({ name, arguments: {} })),
    ...(answer.delegate ?? []).map((agent) => ({ name: 'delegate', arguments: { agent, instruction: 'do it' } })),
    ...(answer.resume ?? []).map((agent) => {
      const paused = Object.entries(team?.children ?? {}).find(
        ([, child]) => child.agent === agent && child.status === 'paused',
      )
      return { name: 'delegate', arguments: { agent, instruction: 'go on', execution_id: paused?.[0] ?? 'none' } }
    }),
  ]
  const content = asked.map((one, at) => ({ type: 'tool-call' as const, call: `${call}.${at}`, ...one }))
  const finish = asked.length > 0 ? ('tool-calls' as const) : ('stop' as const)
  const completed = { type: 'model-call.completed', data: { call, attempt, content, usage: noUsage, finish } } as const
  if (asked.length > 0 || !session.turn?.output) return [completed]
  const problems = answer.misfit ? ['it does not fit'] : []
  return [completed, { type: 'output.checked', data: { call, problems } }]
}
