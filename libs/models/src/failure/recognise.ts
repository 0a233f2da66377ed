// Which of the kinds a fault is: by the provider's machine-readable words, then by what it says, then by its status.
//   F3. 429 is a rate limit; 503 and 529 are a want of capacity; other 5xx, time-outs, cut streams and lost connections are tried
//       again: nobody can tell a proxy's 500 from the provider's.
//   F4. What only a person can mend is never tried again, whatever its status: no credit, a window that is too small.
import type { Fault } from './failure.ts'
import type { FaultKind } from './kinds.ts'

const kindsOfWords: Readonly<Record<string, FaultKind>> = {
  authentication_error: 'wrong-key',
  permission_error: 'wrong-key',
  permission_denied: 'wrong-key',
  unauthenticated: 'wrong-key',
  unauthorized: 'wrong-key',
  invalid_api_key: 'wrong-key',
  invalid_authentication_error: 'wrong-key',
  invalid_authentication: 'wrong-key',
  incorrect_api_key_error: 'wrong-key',
  api_key_invalid: 'wrong-key',
  account_deactivated: 'wrong-key',
  billing_error: 'no-credit',
  insufficient_quota: 'no-credit',
  insufficient_balance: 'no-credit',
  exceeded_current_quota_error: 'no-credit',
  billing_hard_limit_reached: 'no-credit',
  billing_not_active: 'no-credit',
  arrearage: 'no-credit',
  unsupported_country_region_territory: 'blocked',
  not_found_error: 'no-model',
  model_not_found: 'no-model',
  resource_not_found_error: 'no-model',
  modelnotfound: 'no-model',
  deploymentnotfound: 'no-model',
  model_decommissioned: 'no-model',
  rate_limit_error: 'rate-limit',
  rate_limit_exceeded: 'rate-limit',
  rate_limit_reached_error: 'rate-limit',
  rate_limited: 'rate-limit',
  too_many_requests: 'rate-limit',
  toomanyrequests: 'rate-limit',
  throttlingexception: 'rate-limit',
  resource_exhausted: 'rate-limit',
  overloaded_error: 'no-capacity',
  server_is_overloaded: 'no-capacity',
  server_overloaded: 'no-capacity',
  slow_down: 'no-capacity',
  engine_overloaded: 'no-capacity',
  engine_overloaded_error: 'no-capacity',
  service_unavailable: 'no-capacity',
  unavailable: 'no-capacity',
  unavailable_error: 'no-capacity',
  insufficient_system_resource: 'no-capacity',
  capacity_exceeded: 'no-capacity',
  context_length_exceeded: 'too-long',
  exceed_context_size_error: 'too-long',
  contextwindowexceedederror: 'too-long',
  model_max_prompt_tokens_exceeded: 'too-long',
  request_too_large: 'too-long',
  content_filter: 'refused',
  responsibleaipolicyviolation: 'refused',
  content_policy_violation: 'refused',
  contentpolicyviolationerror: 'refused',
  image_content_policy_violation: 'refused',
  misalignment_policy_violation: 'refused',
  data_inspection_failed: 'refused',
  datainspectionfailed: 'refused',
  bio_policy: 'refused',
  cyber_policy: 'refused',
  invalid_prompt: 'refused',
  tool_use_failed: 'broken-call',
  tool_call_error: 'broken-call',
  invalid_request_error: 'request',
  badrequesterror: 'request',
  bad_request_error: 'request',
  invalid_argument: 'request',
  timeout_error: 'server-error',
  api_error: 'server-error',
  server_error: 'server-error',
  internal: 'server-error',
  internal_error: 'server-error',
  internal_server_error: 'server-error',
}

interface Saying {
  readonly kind: FaultKind
  readonly says: RegExp
  /** Of which statuses it is believed; undefined is an error without one, inside of a stream. */
  readonly of: (status: number | undefined) => boolean
}

const any = (): boolean => true
const refusing = (status: number | undefined): boolean => status === undefined || (status >= 400 && status < 500)
const failing = (status: number | undefined): boolean => status === undefined || status >= 500 || status === 429

/** In this order: what is more special stands first. */
const sayings: readonly Saying[] = [
  // Larger than the limit of a minute: no waiting helps.
  { kind: 'too-long', of: any, says: /request too large.{0,200}tokens per min|reduce your message size/is },
  // What passes by waiting is no window that is too small, whatever it counts.
  { kind: 'rate-limit', of: any, says: /too many tokens, please wait/i },
  // The model's fault, and told with whatever status: the next time it may write its call rightly.
  {
    kind: 'broken-call',
    of: any,
    says: /(error|failed|unable|failure).{0,20}(parsing|parse|decod\w+) .{0,20}(tool|function)[ _-]?calls?\b|failed to parse input at pos|tool call validation failed|failed to call a function|malformed (function|tool)[ _-]?call/i,
  },
  {
    kind: 'cannot-run',
    of: (status) => status === undefined || status === 400 || status >= 500,
    says: /requires more (system |gpu |video )?memory|requires? (the )?--[a-z][a-z-]+|(out of|insufficient|not enough|allocat\w+ .{0,30}) ?(gpu |system |video |cuda )?memory/i,
  },
  {
    kind: 'used-up',
    of: (status) => status === undefined || (status >= 400 && status < 500),
    says: /\b(hourly|daily|weekly|monthly|hour|usage)\b.{0,12} limits?\b.{0,40}(reached|exceeded|used up)|reached your .{0,40}(usage|hourly|daily|weekly|monthly|session) limits?|usage limit (has been )?reached|you will regain access|limit will reset at|\bper[ -]day\b/i,
  },
  {
    kind: 'no-credit',
    of: any,
    says: /credit balance is too low|insufficient[ _](funds|balance|credits?|quota)|out of credits|requires more credits|not enough credits|spending limit|payment required|account is (suspended|in arrears|overdue)|requires a (paid )?(subscription|plan)|extra usage is required|余额不足|欠费/i,
  },
  {
    kind: 'too-long',
    of: (status) => status !== 429 && status !== 401 && status !== 403,
    says: /prompt (is )?too long|(input|prompt|request|messages?|conversation) (is|are) (too long|longer than|larger than)|\b(input|prompt) \([^()]{0,60}tokens?\) is (longer|larger) than|decoder prompt.{0,60}longer than|exceed(s|ed|ing)? (the |its )?(max(imum)? |model'?s? )*(available )?context|context[ _-]?(length|window|size)( has been| was)? (exceeded|limit)|context (length|window|size) (of )?\d+ (tokens )?exceeds|context (shift|size|length).{0,40}(disabled|overflow)|(maximum|max|model'?s?) (context|prompt|model|sequence) ?_?len(gth)?|model'?s? context length|exceed context limit|reduce the length of the (messages|prompt|input)|input length (exceeds|and .?max_tokens)|maximum number of tokens allowed|too many (input |prompt )?tokens|too large for model with|tokens? to keep from the initial prompt|keep the first \d+ tokens|greater than the context length|reached context length|context the overflows|context overflow|exceed(ed|s)? (the )?model('s)? token limit|range of input length should be|current length is \d+ while limit is|must have less than \d+ tokens|.?inputs.? tokens \+|token count.{0,40}exceeds|上下文长度|超长/is,
  },
  {
    kind: 'wrong-key',
    of: (status) => status === undefined || (status >= 400 && status < 404),
    says: /api[ _-]?key.{0,40}(not valid|invalid|incorrect|expired|missing|required|not provided|not found)|(invalid|incorrect|no|missing|expired|bad|wrong).{0,12}(api[ _-]?key|auth token|access token|credentials)|no auth credentials|not authenticated|(organization|account|project) has been (disabled|deactivated)/i,
  },
  {
    kind: 'no-model',
    of: refusing,
    says: /model.{0,120}(does not exist|not exist\b|not found|could not be found|is not a valid model|has been (decommissioned|deprecated|retired))|(unknown|invalid|no such|unrecognized) model\b|is not a valid model|no models? loaded|failed to load model/is,
  },
  {
    kind: 'refused',
    of: refusing,
    says: /content (management|moderation) policy|content[ _]?filter|flagged (by|as|for)|input was flagged|usage polic(y|ies)|violat\w+ .{0,40}polic|blocked by .{0,30}(safety|guardrail|moderation)|data may contain inappropriate content/i,
  },
  {
    kind: 'loading',
    of: (status) => status === undefined || status >= 500 || status === 409 || status === 425,
    says: /loading (the )?model|model .{0,80}(is |still )(currently )?(being )?(loading|loaded|starting|warming)|model is not ready|cold start/i,
  },
  {
    kind: 'rate-limit',
    of: (status) => status === undefined || status === 429 || status >= 500,
    says: /rate[ -_]?limit|too many requests|requests per (second|minute|day)|tokens per (minute|day)|quota exceeded|exceeded your (current )?quota|throttl/i,
  },
  {
    kind: 'no-capacity',
    of: failing,
    says: /overloaded|at capacity|over capacity|no (available )?(capacity|instances?|slots?)|capacity (exceeded|constraints)|(server|system|service|model|engine) is (too |currently )?busy|high (demand|load|traffic)|temporarily unavailable|no healthy upstream|queue is full/i,
  },
]

const longestLooked = 16 * 1024

/** What is looked at of a message: its beginning and its end. Some repeat all that they were sent. */
export function looked(message: string): string {
  const half = longestLooked / 2
  return message.length <= longestLooked ? message : `${message.slice(0, half)} … ${message.slice(-half)}`
}

export function kindOf(fault: Fault): FaultKind {
  if (fault.kind) return fault.kind
  const { status } = fault
  const hinted = fault.retryAfterMs !== undefined
  const message = looked(fault.message)
  let vague: FaultKind | undefined
  for (const word of fault.words ?? []) {
    const kind = word ? kindsOfWords[word.toLowerCase()] : undefined
    if (kind === undefined) continue
    // A limit that no waiting lifts is said in words only; and these say less than the status and the text do.
    if (kind === 'request') vague ??= status === undefined ? kind : undefined
    else if (kind === 'server-error' || kind === 'rate-limit' || (kind === 'no-model' && status !== 404)) vague ??= kind
    else if (kind === 'no-credit' && hinted && status === 429) vague ??= 'rate-limit'
    else return kind
  }
  for (const { kind, says, of } of sayings)
    if (of(status) && says.test(message))
      return hinted && (kind === 'used-up' || (kind === 'no-credit' && status === 429)) ? 'rate-limit' : kind
  // Without the wait that a limit has, this is a plan that is used up.
  if (vague && !(vague === 'server-error' && status !== undefined)) return vague
  return byStatus(status)
}

function byStatus(status: number | undefined): FaultKind {
  if (status === undefined) return 'server-error'
  if (status < 200 || status === 204 || status === 205) return 'wrong-address'
  if (status >= 300 && status < 400) return 'wrong-address'
  switch (status) {
    case 401:
    case 403:
    case 407:
      return 'wrong-key'
    case 402:
      return 'no-credit'
    case 404:
    case 410:
      return 'no-model'
    case 405:
    case 501:
    case 505:
      return 'wrong-address'
    case 413:
      return 'too-long'
    case 429:
      return 'rate-limit'
    case 498:
    case 503:
    case 529:
      return 'no-capacity'
    case 408:
    case 409:
    case 425:
    case 499:
      return 'server-error'
    default:
      return status >= 500 ? 'server-error' : 'request'
  }
}
