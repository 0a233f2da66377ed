// run.*: a session whose decisions come from a file of its owner: what its code has asked for, operation by operation, and what came of it.
import { type Static, Type } from 'typebox'
import { UserContent } from '../content.ts'
import { maxElicitationMessageChars, maxElicitationUrlChars } from '../tools/elicitation.ts'
import { attempt, id } from '../fields.ts'
import { ReplayClass } from '../session.ts'

/** What code may ask for. */
export const runLimits = {
  /** Operations of one run. */
  operations: 10_000,
  /** New operations of one replay: what asks for more without ever waiting does not come to an end. */
  operationsOfReplay: 2_000,
  /** Characters of one value, as JSON. */
  valueChars: 256 * 1024,
  /** Characters of all values of a run, as JSON: a replay is given all of them. */
  historyChars: 16 * 1024 * 1024,
  /** ms that code may take from one operation to the next. */
  betweenMs: 10_000,
  /** ms that a step may take, where it does not say so itself; and the most that it may say. */
  stepMs: 300_000,
  mostStepMs: 86_400_000,
  /** ms of the longest sleep. */
  sleepMs: 366 * 86_400_000,
  /** ms from the cancel of a run of a workflow until it is ended, whatever its code does by then. */
  cleanUpMs: 300_000,
  /** Events from outside that nobody waits for yet. */
  deliveries: 1_000,
  /** Seconds that a question waits for a person, where the code does not say so itself. */
  questionSeconds: 86_400,
  /** Lines of ctx.log that stand in the log of the session; and the characters of one, and of its attributes as JSON. */
  logLines: 1_000,
  logChars: 4_000,
  /** Replays in a row that were lost with the process that ran them; then the run fails. */
  lostReplays: 4,
} as const

/** Characters of the name of an event that code waits for. */
export const maxWaitName = 128

/** An operation: its place in the order in which the code asks, and its name. A replay must ask for the same at the same place. */
const operation = { position: Type.Integer({ minimum: 0 }), name: id }

/** What went wrong, as the code is told. `where`: the line of the file. */
export const RunError = Type.Object({
  code: id,
  message: Type.String({ maxLength: 4_000 }),
  name: Type.Optional(id),
  where: Type.Optional(Type.String({ maxLength: 1_000 })),
})
export type RunError = Static<typeof RunError>

const text = (maxLength: number) => Type.String({ maxLength })

export const RunPause = Type.Union([
  Type.Object({
    type: Type.Literal('chat_response'),
    content: Type.Union([text(runLimits.valueChars), Type.Null()]),
    turn: Type.Integer({ minimum: 0 }),
  }),
  Type.Object({
    type: Type.Literal('session_end'),
    reason: Type.Union([Type.Literal('max_turns'), Type.Literal('user_exit'), Type.Literal('error')]),
    turns: Type.Integer({ minimum: 0 }),
  }),
  Type.Object({
    type: Type.Literal('elicitation'),
    mode: Type.Literal('url'),
    elicitation_id: id,
    url: text(maxElicitationUrlChars),
    message: text(maxElicitationMessageChars),
    server_name: id,
    /** Seconds that the question waits for a person. */
    expires_in: Type.Optional(Type.Integer({ minimum: 1 })),
  }),
])
export type RunPause = Static<typeof RunPause>

export const runEvents = {
  /** Beside session.started: the code that decides. `file`: as its owner named it; `digest`: of the bundle, which is pinned. `network`: its owner asks for it. */
  'run.declared': Type.Object({ file: text(1_024), digest: text(128), network: Type.Optional(Type.Literal(true)) }),
  /** The code is run from its beginning, and is given what stands in the log; nothing of it has an effect twice. */
  'run.replay-started': Type.Object({ replay: id, attempt }),
  /**
   * `suspended`: all that the code has asked for is open. `held`: the session was paused meanwhile. `lost`: with the process that ran it,
   * or because it did not come to its next operation in time (`error`).
   */
  'run.replay-ended': Type.Object({
    replay: id,
    attempt,
    how: Type.Union([Type.Literal('suspended'), Type.Literal('held'), Type.Literal('lost'), Type.Literal('cancelled')]),
    error: Type.Optional(RunError),
  }),
  /** A value that the code was given at once. */
  'run.recorded': Type.Object({
    ...operation,
    operation: Type.Union([Type.Literal('now'), Type.Literal('random'), Type.Literal('uuid'), Type.Literal('config')]),
    value: Type.Unknown(),
  }),
  /** Said before the function of the step is called. */
  'run.step-started': Type.Object({ ...operation, attempt, replay: ReplayClass }),
  /** `unknown`: the attempt was cut off, and may or may not have had its effect. */
  'run.step-ended': Type.Object({
    position: operation.position,
    attempt,
    status: Type.Union([Type.Literal('ok'), Type.Literal('error'), Type.Literal('unknown'), Type.Literal('cancelled')]),
    value: Type.Optional(Type.Unknown()),
    error: Type.Optional(RunError),
  }),
  /** A turn of the agent is to answer this. Its end is the value of the operation. */
  'run.called': Type.Object({ ...operation, message: id, content: UserContent }),
  /** `timer.armed` stands in the same frame. */
  'run.slept': Type.Object({ ...operation, timer: id, until: Type.Integer({ minimum: 0 }) }),
  /** `expiresAt`, epoch ms: of a question, whose timer (`questionTimer`) is armed in the same frame. Nobody has answered when it fires. */
  'run.paused': Type.Object({ ...operation, output: RunPause, expiresAt: Type.Optional(Type.Integer({ minimum: 0 })) }),
  /** The pause has its message. */
  'run.resumed': Type.Object({ position: operation.position, message: id }),
  /** A sleep, or a question to a person, that was cancelled. */
  'run.withdrawn': Type.Object({ position: operation.position }),
  /** A line that the code has written: once, however often it is run. `step`: by the function of the step at this position. */
  'run.logged': Type.Object({
    level: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
    message: text(runLimits.logChars),
    attributes: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    step: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  /** The code has returned, or thrown, or cannot go on. */
  'run.ended': Type.Object({
    status: Type.Union([Type.Literal('completed'), Type.Literal('failed')]),
    output: Type.Optional(Type.Unknown()),
    error: Type.Optional(RunError),
  }),
}

/** The timer of a question that the operation at a position asks. */
export const questionTimer = (position: number): string => `ask-${position}`

/** The position of the question whose timer this is. */
export const questionOfTimer = (timer: string): number | undefined => {
  const [, position] = /^ask-(\d+)$/.exec(timer) ?? []
  return position === undefined ? undefined : Number(position)
}

/** The name of the message by which the operation at a position calls the agent. */
export const runMessage = (position: number): string => `run-${position}`
/** The position of the operation that has this name; undefined: of none. */
export const runPosition = (call: string): number | undefined =>
  /^run-\d{1,9}$/.test(call) ? Number(call.slice(4)) : undefined
