// HTTP statuses of the error codes: the one place that knows them.
import type { ErrorCode, ReinsError } from '@reins/contracts'

export const statusOf: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  invalid_json: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  not_acceptable: 406,
  unauthorized: 401,
  too_many_requests: 429,
  session_too_large: 409,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  agent_not_found: 404,
  agent_exists: 412,
  agent_changed: 412,
  agent_in_use: 409,
  secret_not_found: 404,
  invalid_project: 422,
  project_not_found: 404,
  workflow_not_found: 404,
  run_not_found: 404,
  name_taken: 409,
  config_not_found: 404,
  role_not_found: 404,
  role_exists: 412,
  role_in_use: 409,
  principal_not_found: 404,
  principal_exists: 412,
  token_not_found: 404,
  last_admin: 409,
  webhook_not_found: 404,
  memory_not_found: 404,
  memory_changed: 412,
  memory_full: 413,
  memory_unusable: 422,
  invalid_agent: 422,
  session_not_found: 404,
  output_not_found: 404,
  call_not_found: 404,
  approval_not_found: 404,
  approval_decided: 409,
  approval_expired: 409,
  approval_changed: 409,
  elicitation_not_found: 404,
  elicitation_answered: 409,
  elicitation_expired: 409,
  grant_not_found: 404,
  session_busy: 409,
  session_ended: 409,
  session_erased: 410,
  session_unreadable: 500,
  session_conflict: 409,
  session_exists: 409,
  invalid_cursor: 400,
  idempotency_conflict: 409,
  model_not_found: 422,
  workspace_not_found: 422,
  not_supported: 422,
  unavailable: 503,
  storage_full: 507,
  timed_out: 504,
  too_many_streams: 503,
  slow_consumer: 503,
  internal: 500,
}

/** Codes whose request may be repeated after a while carry `Retry-After`, in seconds. */
export function retryAfterOf({ code, details }: Pick<ReinsError, 'code' | 'details'>): number | undefined {
  const told =
    typeof details === 'object' && details !== null && 'retryAfter' in details ? details.retryAfter : undefined
  return typeof told === 'number' ? told : usualWait(code)
}

const usualWait = (code: ErrorCode): number | undefined =>
  code === 'unavailable' || code === 'too_many_streams' ? 1 : code === 'storage_full' ? 30 : undefined
