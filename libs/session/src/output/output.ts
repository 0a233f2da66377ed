// Structured results: the answer of a turn has to fit a JSON Schema, and its value is the result of the turn.
//   OP1. Whether an answer fits is found out by its executor, and counts once it is in the log (output.checked): deciding compiles no
//        schema. An answer that nobody has checked is none: it never completes the turn.
//   OP2. An answer that does not fit is asked for again, with what is wrong with it, so often and no oftener. Then the turn fails, with
//        the last text.
//   OP3. What counts is the newest message with a schema of its own, else what the session's start declares.
import {
  type AgentDefinition,
  answerValue,
  askedSchema,
  correctionLine,
  type EventOf,
  type JsonObject,
  type ModelMessage,
  outputDefaults,
  type SessionEvent,
} from '@reins/contracts'
import type { Queued, Session, Turn } from '../session.ts'
import type { Meanings, OfferRule } from '../slice.ts'

export interface Output {
  readonly schema: JsonObject
  readonly retries: number
}

/** Of a turn. */
export interface TurnOutput extends Output {
  readonly from: 'agent' | 'message'
  /** Answers that called no tool, in this turn. */
  readonly answers: number
  /** What is wrong with the newest of them; empty: it fits. null: nobody has checked it. */
  readonly problems: readonly string[] | null
}

export const outputEvents: Meanings<'output.declared' | 'output.requested' | 'output.checked'> = {
  'output.declared': {
    effective: true,
    evolve: (session, { data }) => (session.born && !session.output ? { ...session, output: data } : session),
  },
  'output.requested': { effective: true, evolve: requested },
  'output.checked': {
    effective: true,
    evolve: (session, { data: { call, problems } }) => {
      const { turn } = session
      if (!turn?.output || turn.answered?.call !== call || !awaitsCheck(turn)) return session
      return { ...session, turn: { ...turn, output: { ...turn.output, problems } } }
    },
  },
}

function requested(session: Session, { data }: EventOf<'output.requested'>): Session {
  const { message, schema, retries = session.output?.retries ?? outputDefaults.retries } = data
  const queued = session.inbox.find((one) => one.message === message)
  if (!queued || queued.output) return session
  return {
    ...session,
    inbox: session.inbox.map((one) => (one === queued ? { ...queued, output: { schema, retries } } : one)),
  }
}

/** Empty: any text is an answer. `above`: the schema that the session above gives a child. */
export function outputDeclared(
  { output_schema: own, output_retries: retries = outputDefaults.retries }: AgentDefinition,
  above?: JsonObject,
): readonly SessionEvent[] {
  const schema = above ?? own
  return schema ? [{ type: 'output.declared', data: { schema, retries } }] : []
}

/** OP3: of a turn that takes in these messages. */
export function outputOf(
  session: Session,
  messages: readonly Queued[],
  before?: TurnOutput,
): { readonly output?: TurnOutput } {
  const asked = messages.findLast(({ output }) => output)?.output
  if (asked) return { output: { ...asked, from: 'message', answers: before?.answers ?? 0, problems: null } }
  if (before) return { output: before }
  return session.output ? { output: { ...session.output, from: 'agent', answers: 0, problems: null } } : {}
}

/** The turn behind an answer of its model. */
export const answeredOutput = ({ output, calls }: Turn): Pick<Turn, 'output'> =>
  output && calls.length === 0 ? { output: { ...output, answers: output.answers + 1, problems: null } } : {}

const hasAnswer = ({ answered, model, calls }: Turn): boolean => answered !== null && !model && calls.length === 0

const awaitsCheck = (turn: Turn): boolean => turn.output?.problems === null && hasAnswer(turn)

/** The answer that is to be checked before anything else is decided about it; null: there is none. */
export function uncheckedAnswer({ turn, lastText }: Session) {
  if (!turn?.output || !turn.answered || !awaitsCheck(turn)) return null
  const { call, finish } = turn.answered
  return { call, finish, schema: turn.output.schema, text: lastText }
}

export const fits = ({ output }: Turn): boolean => output?.problems?.length === 0

/** OP2. */
export function asksAgain(turn: Turn): boolean {
  const { output, answered } = turn
  if (!output || !answered || !hasAnswer(turn) || fits(turn)) return false
  return output.answers <= output.retries && answered.finish !== 'refused'
}

/** What a model call says of the answer before it, where that has to be given again. */
export function correctionOf(turn: Turn): readonly ModelMessage[] {
  if (!asksAgain(turn)) return []
  const problems = turn.output?.problems ?? ['it could not be checked']
  const text = `${correctionLine}\n${problems.map((one) => `- ${one}`).join('\n')}\nGive the whole answer again: the JSON alone, and nothing else.`
  return [{ role: 'user', content: [{ type: 'text', text }], correction: true }]
}

/** The turn whose correction is said. */
export const corrected = ({ output }: Turn): Pick<Turn, 'output'> =>
  output ? { output: { ...output, problems: null } } : {}

/** Of the answer that completes the turn. */
export function resultOf(turn: Turn, text: string): { readonly result?: unknown } {
  if (!turn.output || !fits(turn)) return {}
  const read = answerValue(turn.output.schema, text)
  return read.kind === 'value' ? { result: read.value } : {}
}

/** Characters of the last text that the event keeps: it stands whole in the answer's own. */
const mostText = 100_000

/** The failure of a turn whose answers did not fit; null: nothing had to fit, or it does. */
export function noResult(turn: Turn, text: string): EventOf<'turn.failed'> | null {
  const { output, answered } = turn
  if (!output || fits(turn)) return null
  const problems = output.problems ?? ['The answer could not be checked.']
  const why =
    answered?.finish === 'refused'
      ? 'The model refused to answer'
      : `No answer fitted the schema, in ${output.answers === 1 ? 'one attempt' : `${output.answers} attempts`}`
  const message = `${why}. Of the last one: ${problems.join('; ')}.`
  return {
    type: 'turn.failed',
    data: {
      turn: turn.id,
      usage: turn.usage,
      error: { code: 'no-result', message },
      text: text.slice(0, mostText).toWellFormed(),
      problems: [...problems],
    },
  }
}

const told = (schema: JsonObject): string => JSON.stringify(askedSchema(schema))

export const outputOffer: OfferRule = ({ output, turn }) => {
  const asked = turn?.output?.from === 'message' ? turn.output.schema : undefined
  if (!output && !asked) return null
  return {
    ...(output ? { section: `${outputSection}\n${told(output.schema)}` } : {}),
    ...(asked ? { notice: `${output ? otherNotice : outputNotice} ${told(asked)}` } : {}),
  }
}

const outputSection = `## Answer
Your answer, when your work is done, must be one JSON value that fits this JSON Schema: the JSON alone, without other words around it.`
const outputNotice =
  'The answer to this, when your work is done, must be one JSON value, without other words around it, that fits this JSON Schema:'
const otherNotice = 'This time the answer must fit another JSON Schema instead:'
