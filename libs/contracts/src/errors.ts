// The closed table of errors that people and programs meet, over every door. HTTP statuses stand in the gateway only.
import { type Static, Type } from 'typebox'

/** `retry`: whether the same request can succeed: never, now (something else changed meanwhile), after a while. */
export interface ErrorKind {
  readonly retry: 'never' | 'now' | 'after'
  readonly meaning: string
  readonly next: string
}

export const errorTable = {
  invalid_request: {
    retry: 'never',
    meaning: 'The request is not of the form that this route takes.',
    next: 'Correct the field that the message names.',
  },
  invalid_json: {
    retry: 'never',
    meaning: 'The body is not JSON.',
    next: 'Send a JSON object with content-type application/json.',
  },
  body_too_large: {
    retry: 'never',
    meaning: 'The body is larger than this route takes.',
    next: 'Send less, or in several messages.',
  },
  unsupported_media_type: {
    retry: 'never',
    meaning: 'The body has a content type that this route does not take.',
    next: 'Send application/json (agents also take application/yaml).',
  },
  not_acceptable: {
    retry: 'never',
    meaning: 'The Accept header asks for a form that this route does not have.',
    next: 'Ask for application/json, text/event-stream or application/x-ndjson.',
  },
  unauthorized: {
    retry: 'never',
    meaning: 'The token is missing or wrong.',
    next: 'Send "Authorization: Bearer <token>"; the first start wrote one to admin.token in the data folder.',
  },
  forbidden: {
    retry: 'never',
    meaning: 'The token may not do this, or the request came from a foreign page or host name.',
    next: 'Use a token that has the permission that the message names.',
  },
  not_found: {
    retry: 'never',
    meaning: 'There is no such route.',
    next: 'See /openapi.json for the routes there are.',
  },
  method_not_allowed: {
    retry: 'never',
    meaning: 'The route exists, but not with this method.',
    next: 'See the Allow header.',
  },
  agent_not_found: {
    retry: 'never',
    meaning: 'There is no agent of this name.',
    next: 'List the agents there are: reins agent list.',
  },
  agent_exists: {
    retry: 'never',
    meaning: 'There is an agent of this name already.',
    next: 'Update it with If-Match, or apply without a condition.',
  },
  agent_changed: {
    retry: 'now',
    meaning: 'The agent is not at the digest that the request names.',
    next: 'Read it again, and decide again.',
  },
  invalid_agent: { retry: 'never', meaning: 'The definition is not valid.', next: 'Correct what the details list.' },
  session_not_found: {
    retry: 'never',
    meaning: 'There is no session with this id.',
    next: 'List the sessions there are: reins session list.',
  },
  session_busy: {
    retry: 'after',
    meaning: 'The session is busy, and the message asked to be rejected then.',
    next: 'Wait for the turn to end, or send with onBusy queue, join or interrupt.',
  },
  session_ended: { retry: 'never', meaning: 'The session has ended.', next: 'Start a new session.' },
  session_conflict: {
    retry: 'never',
    meaning: 'The session is not in a state that allows this.',
    next: 'Read the session, and see what its status is.',
  },
  invalid_cursor: {
    retry: 'never',
    meaning: 'The cursor is none, is of another session, or lies beyond the end.',
    next: 'Read from the start (no cursor), or use the last cursor you were given.',
  },
  idempotency_conflict: {
    retry: 'never',
    meaning: 'This Idempotency-Key was used with another request.',
    next: 'Use a new key for a new request.',
  },
  model_not_found: {
    retry: 'never',
    meaning: 'Nobody provides this model.',
    next: 'Use provider/model with a provider that is configured: see reins doctor.',
  },
  workspace_not_found: {
    retry: 'never',
    meaning: 'The workspace does not exist on the machine of the tool-runner.',
    next: 'Make the folder, or name another one in the definition.',
  },
  not_supported: { retry: 'never', meaning: 'This is not there yet.', next: 'Leave it out.' },
  unavailable: {
    retry: 'after',
    meaning: 'A part that this needs does not answer.',
    next: 'Repeat the request, with the same Idempotency-Key if it writes.',
  },
  timed_out: {
    retry: 'after',
    meaning: 'The answer was not there in time; what was accepted goes on.',
    next: 'Read on from the cursor that you were given.',
  },
  too_many_streams: {
    retry: 'after',
    meaning: 'The gateway holds as many streams as it may.',
    next: 'Close some, or ask another gateway.',
  },
  slow_consumer: {
    retry: 'now',
    meaning: 'The client read too slowly, and its stream was closed.',
    next: 'Connect again with the last cursor.',
  },
  internal: {
    retry: 'after',
    meaning: 'Something went wrong that is not your fault.',
    next: 'Repeat the request; if it stays, look at the logs with the request id.',
  },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorTable
export const errorCodes = Object.keys(errorTable) as ErrorCode[]

/** What stands behind `error` in every answer that is none: `details` depends on the code, `next` says what to do now. */
export const ErrorBody = Type.Object(
  {
    code: Type.Union(errorCodes.map((code) => Type.Literal(code))),
    message: Type.String(),
    details: Type.Optional(Type.Unknown()),
    next: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type ErrorBody = Omit<Static<typeof ErrorBody>, 'code'> & { code: ErrorCode }

/** One problem of a definition or a request: where, what, and what would be valid. */
export const Problem = Type.Object(
  {
    path: Type.String({ description: 'The field: tools[0].shell.timeout' }),
    message: Type.String(),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    column: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)
export type Problem = Static<typeof Problem>

/** Thrown at the edges only (a request handler, a command); inside, outcomes are values. */
export class ReinsError extends Error {
  readonly code: ErrorCode
  readonly details: unknown
  readonly next: string
  constructor(code: ErrorCode, message?: string, options: { details?: unknown; next?: string } = {}) {
    super(message ?? errorTable[code].meaning)
    this.name = 'ReinsError'
    this.code = code
    this.details = options.details
    this.next = options.next ?? errorTable[code].next
  }
  body(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
      next: this.next,
    }
  }
}
