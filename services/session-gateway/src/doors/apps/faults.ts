// Errors as the addresses of projects answer with them: `type` as clients of Flue know it beside the `code` of Reins.
import { type ErrorCode, isMapping, type ReinsError } from '@reins/contracts'
import { statusOf } from '../http/statuses.ts'

/** Where the two differ. */
const types: Partial<Record<ErrorCode, string>> = {
  internal: 'internal_error',
  unavailable: 'runtime_unavailable',
  not_found: 'route_not_found',
  body_too_large: 'invalid_request',
  idempotency_conflict: 'submission_conflict',
  session_not_found: 'agent_instance_not_found',
  session_exists: 'agent_instance_exists',
}

export interface Fault {
  readonly status: number
  readonly error: {
    readonly type: string
    readonly code: string
    readonly message: string
    readonly details: unknown
    /** Facts for a program, where there are any. */
    readonly meta?: object
    readonly next?: string
  }
}

export function faultOf(error: ReinsError): Fault {
  const { code, message, details, next } = error.body()
  const more = { ...(isMapping(details) ? { meta: details } : {}), ...(next === undefined ? {} : { next }) }
  return {
    status: statusOf[code],
    error: { type: types[code] ?? code, code, message, details: details ?? '', ...more },
  }
}

/** What has no code of Reins. */
export const fault = (status: number, type: string, message: string, next?: string): Fault => ({
  status,
  error: { type, code: type, message, details: '', ...(next === undefined ? {} : { next }) },
})
