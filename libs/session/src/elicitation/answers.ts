// What a person's answer to a server comes to, on the fold of the session. Pure: the gateway appends what this gives, on that fold's head.
//   EA1. A form is checked before its answer is taken: what a server gets is what it asked for, and the log says all of it.
//   EA3. A question of the code that decides for the session is a page; any answer to it counts at once.
//   EA2. Who comes second is told who was first. The same answer of the same person again changes nothing.
import {
  type ElicitationAction,
  type ElicitationContent,
  type EventOf,
  formProblem,
  runMessage,
  toExec,
  withDefaults,
} from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'
import { runQuestions } from '../run/run-state.ts'
import type { Call, Elicited, Eliciting, Session } from '../session.ts'

export interface PersonsAnswerTo {
  readonly elicitation: string
  readonly action: ElicitationAction
  readonly content?: ElicitationContent | undefined
  /** The person is done with the page. */
  readonly completed?: boolean | undefined
}

export type AnswerRefusal = 'not-waiting' | 'answered' | 'expired' | 'invalid'

export type AnswerOutcome =
  | { readonly kind: 'append'; readonly decision: Decision; readonly waits: boolean }
  | { readonly kind: 'unchanged'; readonly waits: boolean }
  | { readonly kind: 'refused'; readonly code: AnswerRefusal; readonly why: string; readonly by?: string }

/** A question of a server that waits now, for people. */
export interface WaitingElicitation {
  readonly call: string
  readonly tool: string
  /** `expiresAt`: absent where nothing ends the waiting. */
  readonly state: Pick<Eliciting, 'elicitation' | 'mode' | 'message' | 'server' | 'url' | 'schema' | 'accepted'> & {
    readonly expiresAt?: number
  }
}

export const waitingElicitations = (session: Session): readonly WaitingElicitation[] => {
  const { turn, cancel } = session
  if (cancel) return []
  const ofCalls = (turn?.calls ?? []).flatMap(({ call, name, state }) =>
    state.kind === 'eliciting' && !state.lapsed ? [{ call, tool: name, state }] : [],
  )
  return [...ofCalls, ...runQuestions(session).map(ofCode)]
}

/** EA3. */
const ofCode = ({ position, question, expiresAt }: ReturnType<typeof runQuestions>[number]): WaitingElicitation => {
  const { elicitation_id: elicitation, mode, message, server_name: server, url } = question
  const state = { elicitation, mode, message, server, url, ...(expiresAt === undefined ? {} : { expiresAt }) }
  return { call: runMessage(position), tool: 'workflow', state }
}

export function answerElicitation({ session, head }: Fold, answer: PersonsAnswerTo, by: string): AnswerOutcome {
  const { elicitation, action, content, completed } = answer
  if (session.mode.kind === 'ended') return refused('not-waiting', 'The session has ended: nothing of it waits.')
  if (session.cancel) return refused('not-waiting', 'The turn is being cancelled: its calls wait no more.')
  const call = session.turn?.calls.find(
    ({ state, elicited }) =>
      (state.kind === 'eliciting' && state.elicitation === elicitation) ||
      elicited?.some((one) => one.elicitation === elicitation),
  )
  const asked = runQuestions(session).find(({ question }) => question.elicitation_id === elicitation)
  if (!call && asked) return answerCode(session, head, asked.position, answer, by)
  if (!call)
    return refused('not-waiting', `No elicitation ${elicitation.slice(0, 64)} of this session waits for an answer.`)
  const { state } = call
  if (state.kind !== 'eliciting' || state.elicitation !== elicitation) return late(call, answer, by)
  if (state.lapsed) return refused('expired', 'The time to answer has passed.')
  const problem = problemOf(state, answer)
  if (problem !== null) return refused('invalid', problem)
  const data: EventOf<'elicitation.answered'>['data'] = {
    ...{ call: call.call, elicitation, action, person: by },
    ...(state.mode === 'form' && action === 'accept' ? { content: filled(state, content) } : {}),
    ...(completed ? { completed: true } : {}),
  }
  const decision: Decision = {
    events: [{ type: 'elicitation.answered', data }],
    to: toExec(head.pool),
    status: head.status,
    trace: session.turn?.trace,
  }
  const opened = state.mode !== 'url' || !state.nothingRan || completed || state.completed || state.accepted
  return { kind: 'append', decision, waits: action === 'accept' && !opened }
}

/** EA3. */
function answerCode(
  session: Session,
  head: Fold['head'],
  position: number,
  { elicitation, action, content, completed }: PersonsAnswerTo,
  by: string,
): AnswerOutcome {
  if (content !== undefined) return refused('invalid', 'content: only a form that is accepted has it.')
  if (completed && action !== 'accept') return refused('invalid', 'completed: only an accepted page is completed.')
  const data = { call: runMessage(position), elicitation, action, person: by }
  const decision: Decision = {
    events: [{ type: 'elicitation.answered', data }],
    to: toExec(head.pool),
    status: head.status,
    trace: session.turn?.trace,
  }
  return { kind: 'append', decision, waits: false }
}

const refused = (code: AnswerRefusal, why: string, by?: string): AnswerOutcome & { readonly kind: 'refused' } => ({
  kind: 'refused',
  code,
  why,
  ...(by === undefined ? {} : { by }),
})

/** EA1. */
function problemOf({ mode, schema }: Eliciting, { action, content, completed }: PersonsAnswerTo): string | null {
  if (action !== 'accept' || mode === 'url') {
    if (content !== undefined) return 'content: only a form that is accepted has it.'
    return completed && action !== 'accept' ? 'completed: only an accepted page is completed.' : null
  }
  if (completed) return 'completed: only a page is completed; a form has content.'
  return formProblem(schema ?? {}, filled({ schema }, content))
}

const filled = (
  { schema = {} }: { readonly schema?: Eliciting['schema'] | undefined },
  content: ElicitationContent | undefined,
): ElicitationContent => withDefaults(schema, content ?? {})

/** EA2. */
function late(call: Call, { elicitation, action }: PersonsAnswerTo, by: string): AnswerOutcome {
  const given = call.elicited?.find((one) => one.elicitation === elicitation)
  if (!given) return refused('not-waiting', 'This elicitation does not wait for an answer.')
  if (given.expired) return refused('expired', 'The time to answer has passed.')
  if (given.remembered) return refused('answered', `The server ${given.server} was authorised in this session already.`)
  if (given.person === by && given.action === action) return { kind: 'unchanged', waits: false }
  return refused('answered', `${given.person ?? 'The server'} answered already: ${wordOf(given)}.`, given.person)
}

const wordOf = ({ action }: Elicited): string =>
  `${action === 'cancel' ? 'cancelle' : action === 'accept' ? 'accepte' : 'decline'}d`
