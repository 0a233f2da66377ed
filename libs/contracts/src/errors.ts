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
    meaning: 'The request does not have the form that this route takes.',
    next: 'Correct the field that the message names, and send the request again.',
  },
  invalid_json: {
    retry: 'never',
    meaning: 'The server cannot read the body as JSON.',
    next: 'Send a JSON object with the header "Content-Type: application/json".',
  },
  body_too_large: {
    retry: 'never',
    meaning: 'The body is larger than this route takes.',
    next: 'Send less, split it into several messages, or put it into a file in the workspace of the agent.',
  },
  unsupported_media_type: {
    retry: 'never',
    meaning: 'This route does not take the content type of the body.',
    next: 'Send JSON with the header "Content-Type: application/json"; routes below /v1/agents also take application/yaml.',
  },
  not_acceptable: {
    retry: 'never',
    meaning: 'The Accept header asks for a form that this route cannot give.',
    next: 'Ask for application/json, text/event-stream or application/x-ndjson.',
  },
  unauthorized: {
    retry: 'never',
    meaning: 'The request has no token, or the server does not know the token.',
    next: 'Sign in with reins auth login, or send "Authorization: Bearer <token>" (REINS_TOKEN). reins auth status shows which token is used. The first start of the server wrote one to admin.token in its data folder.',
  },
  too_many_requests: {
    retry: 'after',
    meaning: 'Too many wrong tokens came from this address, or too many costly requests from this principal.',
    next: 'Wait as many seconds as Retry-After says. If you did not expect this, check the token: reins auth status',
  },
  forbidden: {
    retry: 'never',
    meaning: 'The token does not have the permission for this, or the request came from a foreign page or host name.',
    next: 'Use a token with the permission that the message names, or call the server by its own host name.',
  },
  not_found: {
    retry: 'never',
    meaning: 'The server has no such route.',
    next: 'Look up the routes in /openapi.json.',
  },
  method_not_allowed: {
    retry: 'never',
    meaning: 'The route does not take this HTTP method.',
    next: 'Use one of the methods in the Allow header.',
  },
  agent_not_found: {
    retry: 'never',
    meaning: 'There is no agent with this name.',
    next: 'Check the name. This lists all agents: reins agent list',
  },
  agent_exists: {
    retry: 'never',
    meaning: 'There is already an agent with this name.',
    next: 'Choose another name, or change the agent with reins agent update (over HTTP: with If-Match).',
  },
  agent_changed: {
    retry: 'now',
    meaning: 'Somebody changed the agent after you read it.',
    next: 'Read the agent again, and repeat your change if you still want it.',
  },
  agent_in_use: {
    retry: 'never',
    meaning: 'Other agents list this one, and may delegate to it.',
    next: 'Take it out of their "agents", or delete it with --force (over HTTP: ?force=true): delegations to it then fail.',
  },
  secret_not_found: {
    retry: 'never',
    meaning: 'There is no secret with this name.',
    next: 'Check the name. This lists the names of all secrets: reins secret list',
  },
  invalid_project: {
    retry: 'never',
    meaning: 'The project has mistakes: the message names each, with its module.',
    next: 'Correct the modules, and deploy the project again. reins build finds the same mistakes on your machine.',
  },
  project_not_found: {
    retry: 'never',
    meaning: 'There is no project with this name, or it was deleted.',
    next: 'Check the name. This lists all projects: reins project list',
  },
  workflow_not_found: {
    retry: 'never',
    meaning: 'No project has a workflow with this name.',
    next: 'Check the name. This lists all projects with their workflows: reins project list',
  },
  run_not_found: {
    retry: 'never',
    meaning: 'There is no run of a workflow with this id.',
    next: 'Check the id. GET /v1/runs lists all runs.',
  },
  name_taken: {
    retry: 'never',
    meaning: 'An agent or a workflow of this name exists already, of another kind or in another project.',
    next: 'Rename one of them, or delete the one that the message names.',
  },
  config_not_found: {
    retry: 'never',
    meaning: 'There is no config with this name.',
    next: 'Check the name. This lists all configs: reins config list',
  },
  role_not_found: {
    retry: 'never',
    meaning: 'There is no role with this name.',
    next: 'Check the name. This lists all roles: reins role list',
  },
  role_exists: {
    retry: 'never',
    meaning: 'There is already a role with this name.',
    next: 'Choose another name, or change the role: reins role update',
  },
  role_in_use: {
    retry: 'never',
    meaning: 'Principals have this role.',
    next: 'Take the role from the principals that the message names, and delete it then: reins principal revoke',
  },
  principal_not_found: {
    retry: 'never',
    meaning: 'There is no principal with this name.',
    next: 'Check the name. This lists all principals: reins principal list',
  },
  principal_exists: {
    retry: 'never',
    meaning: 'There is already a principal with this name.',
    next: 'Choose another name, or give the principal what it lacks: reins principal grant',
  },
  token_not_found: {
    retry: 'never',
    meaning: 'There is no token with this id.',
    next: 'Check the id. This lists the tokens: reins token list',
  },
  last_admin: {
    retry: 'never',
    meaning: 'Nobody could do everything any more, so nobody could undo this.',
    next: 'Give another principal the role admin and a token that does not expire first: reins principal grant, reins token create',
  },
  webhook_not_found: {
    retry: 'never',
    meaning: 'There is no webhook with this id.',
    next: 'Check the id. This lists all webhooks: reins webhook list',
  },
  memory_not_found: {
    retry: 'never',
    meaning: 'Nothing is remembered under this key in this scope.',
    next: 'Check the key and the scope. This lists the keys of a scope: reins memory list --scope SCOPE',
  },
  memory_changed: {
    retry: 'now',
    meaning: 'Somebody changed the entry after you read it.',
    next: 'Read the entry again, and repeat your change if you still want it.',
  },
  memory_full: {
    retry: 'never',
    meaning: 'The scope of the memory is full, or the value is too large for an entry.',
    next: 'Forget entries that are no longer needed, or store a shorter value.',
  },
  memory_unusable: {
    retry: 'never',
    meaning: 'What the memory is kept in cannot be used.',
    next: 'Correct what the message names: the file of the memory service, or the secret that holds the address.',
  },
  invalid_agent: {
    retry: 'never',
    meaning: 'The definition of the agent is not valid.',
    next: 'Correct the fields that the details list.',
  },
  session_not_found: {
    retry: 'never',
    meaning: 'There is no session with this id.',
    next: 'Check the id. This lists all sessions: reins session list',
  },
  session_exists: {
    retry: 'never',
    meaning: 'The message was only for a session that is not there yet, and the session is there.',
    next: 'Send the message without that condition, or to another session.',
  },
  output_not_found: {
    retry: 'never',
    meaning: 'The session names no such output, or the output is not kept any more.',
    next: 'Whole outputs are kept for 7 days. The events name them (ref): reins session events',
  },
  call_not_found: {
    retry: 'never',
    meaning: 'The session has no model call with this id.',
    next: 'The events model-call.started name the calls: reins session events',
  },
  approval_not_found: {
    retry: 'never',
    meaning: 'No call with this id waits for approval in the session.',
    next: 'This lists the calls that wait: reins approvals list',
  },
  approval_decided: {
    retry: 'never',
    meaning: 'Somebody has decided about this call already.',
    next: 'The message says who. This lists the calls that wait: reins approvals list',
  },
  approval_expired: {
    retry: 'never',
    meaning: 'The time to decide about this call has passed.',
    next: 'The agent may ask again. This lists the calls that wait: reins approvals list',
  },
  approval_changed: {
    retry: 'never',
    meaning: 'The call waits with other arguments than those that were decided about.',
    next: 'Look at the call again, and decide about what it says now: reins approvals list',
  },
  elicitation_not_found: {
    retry: 'never',
    meaning: 'No elicitation with this id waits for an answer in the session.',
    next: 'This lists what waits: reins elicitations list',
  },
  elicitation_answered: {
    retry: 'never',
    meaning: 'Somebody has answered this elicitation already.',
    next: 'The message says who. This lists what waits: reins elicitations list',
  },
  elicitation_expired: {
    retry: 'never',
    meaning: 'The time to answer this elicitation has passed.',
    next: 'The agent may ask again. This lists what waits: reins elicitations list',
  },
  grant_not_found: {
    retry: 'never',
    meaning: 'The session has no such grant.',
    next: 'This lists the grants of a session: reins approvals grants',
  },
  session_busy: {
    retry: 'after',
    meaning: 'A turn is running or a message waits for its turn, and the message asked to be rejected in that case.',
    next: 'Wait until the turn has ended, or send the message with onBusy queue, join or interrupt.',
  },
  session_ended: {
    retry: 'never',
    meaning: 'The session has ended.',
    next: 'Start a new session: reins chat',
  },
  session_erased: {
    retry: 'never',
    meaning: 'The session was erased: nothing of what was said in it can be read any more.',
    next: 'Start a new session: reins chat',
  },
  session_conflict: {
    retry: 'never',
    meaning: 'The status of the session does not allow this.',
    next: 'Look at the status of the session: reins session show',
  },
  invalid_cursor: {
    retry: 'never',
    meaning: 'The server cannot read the cursor, or the cursor belongs to another session or lies beyond the end.',
    next: 'Use the last cursor that you got, or leave it out to read from the start.',
  },
  idempotency_conflict: {
    retry: 'never',
    meaning: 'You used this Idempotency-Key before, with another request.',
    next: 'Use a new key for each new request.',
  },
  model_not_found: {
    retry: 'never',
    meaning: 'No configured provider offers this model.',
    next: 'Name the model as provider/model. This lists the configured providers: reins doctor',
  },
  workspace_not_found: {
    retry: 'never',
    meaning: 'The workspace folder does not exist on the machine of the tool-runner.',
    next: 'Create the folder, or name another one in the definition of the agent.',
  },
  not_supported: {
    retry: 'never',
    meaning: 'Reins cannot do this yet.',
    next: 'Leave out the field that the message names.',
  },
  unavailable: {
    retry: 'after',
    meaning: 'A part of the server that this request needs does not answer.',
    next: 'Wait a moment and repeat the request. If it writes, use the same Idempotency-Key.',
  },
  storage_full: {
    retry: 'after',
    meaning: 'The disk of the server is too full for this. What can be read can still be read.',
    next: 'Make room on the disk of the data folder: the server goes on by itself. See docs/operations.md.',
  },
  timed_out: {
    retry: 'after',
    meaning: 'The answer did not come in time. What the server accepted goes on.',
    next: 'Read on from the cursor in the details.',
  },
  session_too_large: {
    retry: 'never',
    meaning: 'The session has grown so large that it is not loaded as a whole any more.',
    next: 'Read it page by page (reins session events), and go on in a new session. An operator can allow more with REINS_MAX_SESSION_MB.',
  },
  session_unreadable: {
    retry: 'never',
    meaning: 'What the archive holds of the session is not there any more, or is not what was put there.',
    next: 'An operator can bring it back from a backup, or erase it. Other sessions are not touched by it.',
  },
  too_many_streams: {
    retry: 'after',
    meaning: 'The gateway already serves as many streams as it may.',
    next: 'Close some streams, or use another gateway.',
  },
  slow_consumer: {
    retry: 'now',
    meaning: 'The client read too slowly, so the server closed its stream.',
    next: 'Connect again with the last cursor; you miss nothing.',
  },
  internal: {
    retry: 'after',
    meaning: 'The server failed in a way that nobody foresaw. It is not the fault of your request.',
    next: 'Repeat the request. If it fails again, search the log of the server for the request id.',
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
