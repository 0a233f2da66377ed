// HTTP statuses of the errors that a process that serves an agent passes on.
import type { ErrorCode } from '@reins/contracts'

const statuses: Readonly<Record<string, number>> = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  approval_decided: 409,
  approval_expired: 409,
  approval_changed: 409,
  elicitation_answered: 409,
  elicitation_expired: 409,
  session_busy: 409,
  session_ended: 409,
  session_erased: 410,
  session_conflict: 409,
  idempotency_conflict: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  too_many_requests: 429,
  session_too_large: 409,
  session_unreadable: 502,
  internal: 502,
  unavailable: 503,
  too_many_streams: 503,
  timed_out: 504,
  storage_full: 507,
}

export const statusOf = (code: ErrorCode): number => (code.endsWith('_not_found') ? 404 : (statuses[code] ?? 400))
