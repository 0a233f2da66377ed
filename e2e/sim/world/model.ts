// The scripted model: what a call answers follows from the session and the scenario alone.
import { isChild, noUsage, type PromptRecipe, type SessionEvent } from '@reins/contracts'
import {
  contextOf,
  conversationSize,
  defaultRetryPolicy,
  failureEvents,
  type Session,
  type SummaryOutcome,
} from '@reins/session'
import { type Answer, attemptTokens, type Scenario } from '../scenarios/scenario.ts'

const textOnly: Answer = {}

export function answerOf(scenario: Scenario, session: Session): Answer {
  const below = scenario.below?.[session.born?.agent ?? '']
  const turn = isChild(session.id)
    ? (below?.[session.turns] ?? below?.at(-1) ?? scenario.childTurn ?? [])
    : (scenario.turns[session.turns] ?? scenario.turns.at(-1) ?? [])
  return turn[(session.turn?.modelCalls ?? 1) - 1] ?? textOnly
}

const clock = { now: 0, random: 0 }

/** The outcome of an attempt, with the timer where it is throttled. */
export function outcomeOf(answer: Answer, call: string, attempt: number, session: Session): readonly SessionEvent[] {
  const { team } = session
  if (answer.overflows && !contextOf(session).summary) {
    const failure = { type: 'failed', code: 'context-overflow', message: 'too long' } as const
    return failureEvents({ call, attempt, throttles: 0 }, failure, '', clock, defaultRetryPolicy)
  }
  if (answer.throttledOnce && attempt === 1) {
    const failure = { type: 'failed', code: 'rate-limited', message: 'slow down' } as const
    return failureEvents({ call, attempt, throttles: 0 }, failure, '', clock, defaultRetryPolicy)
  }
  const asked = [
    ...(answer.calls ?? []),
    ...(answer.tools ?? []).map((name) => ({ name, arguments: {} })),
    ...(answer.delegate ?? []).map((agent) => ({ name: 'delegate', arguments: { agent, instruction: 'do it' } })),
    ...(answer.tasks ?? []).map((agent) => ({
      name: 'task',
      arguments: { prompt: 'do it', ...(agent === '' ? {} : { agent }) },
    })),
    ...(answer.resume ?? []).map((agent) => {
      const paused = Object.entries(team?.children ?? {}).find(
        ([, child]) => child.agent === agent && child.status === 'paused',
      )
      return { name: 'delegate', arguments: { agent, instruction: 'go on', execution_id: paused?.[0] ?? 'none' } }
    }),
  ]
  const content = [
    ...(answer.says === undefined ? [] : [{ type: 'text' as const, text: answer.says }]),
    ...asked.map((one, at) => ({ type: 'tool-call' as const, call: `${call}.${at}`, ...one })),
  ]
  const finish = asked.length > 0 ? ('tool-calls' as const) : ('stop' as const)
  const usage = session.budget ? { ...noUsage, inputTokens: attemptTokens } : noUsage
  const completed = { type: 'model-call.completed', data: { call, attempt, content, usage, finish } } as const
  if (asked.length > 0 || !session.turn?.output) return [completed]
  const problems = answer.misfit ? ['it does not fit'] : []
  return [completed, { type: 'output.checked', data: { call, problems } }]
}

/** What an attempt to summarise comes to. */
export function summaryOf({ summaries = ['made'] }: Scenario, attempt: number): SummaryOutcome {
  switch (summaries[attempt - 1] ?? summaries.at(-1)) {
    case 'throttled':
      return { kind: 'failed', failure: { type: 'failed', code: 'overloaded', message: 'slow down' } }
    case 'failed':
      return { kind: 'failed', failure: { type: 'failed', code: 'auth', message: 'no' } }
    default:
      return { kind: 'completed', text: 'so far so good', usage: noUsage }
  }
}

/** What is said of a request where it is announced: only its size counts here. null: nothing. */
export function recipeOf({ window }: Scenario, session: Session): PromptRecipe | null {
  if (window === undefined) return null
  const parts = { system: 's', tools: 't', messages: 'm' }
  return { digest: 'd', parts, messages: 1, fixed: 0, tokens: conversationSize(session), window, answer: 1 }
}
