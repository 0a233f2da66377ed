// Why a server is not there, in words for the model and for people: what happened, and what to do.
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'
import { oneLine } from './foreign-text.ts'
import { lostStream, strangeId } from './calls/open-requests.ts'

export type Failure =
  /** The token was refused: nothing ran. */
  | { readonly kind: 'unauthorized' }
  /** The server does not know the session any more: nothing ran that it knows of. */
  | { readonly kind: 'session-unknown' }
  /** It went away while something ran. */
  | { readonly kind: 'lost'; readonly why: string }
  /** The server answered with an error: it is there. `data` as it sent it. */
  | { readonly kind: 'refused'; readonly code: number; readonly message: string; readonly data: unknown }
  | { readonly kind: 'late' }
  /** It could not be reached at all: nothing ran. */
  | { readonly kind: 'unreachable'; readonly why: string }

/** `hasSession`: whether the request went out in a session, which a server may have forgotten. */
export function failureOf(error: unknown, hasSession: boolean): Failure {
  if (error instanceof DOMException && error.name === 'TimeoutError') return { kind: 'late' }
  if (error instanceof StreamableHTTPError || isHttpError(error)) return httpFailure(error, hasSession)
  if (error instanceof McpError) return mcpFailure(error)
  const code = codeOf(error)
  const known = code === undefined ? undefined : reasons[code]
  if (code === notConnected || (error instanceof Error && error.message === 'Not connected'))
    return { kind: 'unreachable', why: code === undefined ? 'the connection was closed' : messageOf(error) }
  const why = known ?? messageOf(error)
  // What is not known to have failed before it began may have begun.
  return code !== undefined && neverConnected.has(code) ? { kind: 'unreachable', why } : { kind: 'lost', why }
}

/** The code of an error of ours: there was nobody to send to. */
export const notConnected = 'REINS_NOT_CONNECTED'
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const isHttpError = (error: unknown): error is Error & { code: number } =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code >= 100 && error.code < 600

function httpFailure(
  { code, message }: { readonly code?: number | undefined; readonly message: string },
  hasSession: boolean,
): Failure {
  if (code === 401) return { kind: 'unauthorized' }
  if (code === 404 && hasSession) return { kind: 'session-unknown' }
  if (code === 403)
    return {
      kind: 'refused',
      code,
      message: 'it refused the request; the token may lack a permission',
      data: undefined,
    }
  if (code === -1) return { kind: 'lost', why: 'it answered with something that is no MCP' }
  const said = oneLine(
    message.replace(/^Streamable HTTP error:\s*/, '').replace(/^Error POSTing to endpoint:?\s*/, ''),
    200,
  )
  const why = `it answered with the status ${code ?? 'of an error'}${said === '' ? '' : `: ${said}`}`
  // A server behind a gateway may work on what the gateway has given up.
  return code !== undefined && code >= 400 && code < 500
    ? { kind: 'refused', code, message: why, data: undefined }
    : { kind: 'lost', why }
}

function mcpFailure(error: McpError): Failure {
  const message = oneLine(error.message.replace(/^MCP error -?\d+:\s*/, ''))
  if (error.code === ErrorCode.RequestTimeout) return { kind: 'late' }
  // Servers use the same code for errors of their own.
  if (error.code === ErrorCode.ConnectionClosed && [lostStream, strangeId].includes(message))
    return { kind: 'lost', why: message }
  if (error.code === ErrorCode.ConnectionClosed && message === 'Connection closed')
    return { kind: 'lost', why: 'the connection was closed' }
  return { kind: 'refused', code: error.code, message, data: error.data }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ENOTFOUND: 'its host name is not known',
  EAI_AGAIN: 'its host name cannot be looked up now',
  ETIMEDOUT: 'it did not answer (connection timed out)',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by anybody who is trusted here',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP',
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, i = 0; at instanceof Error && i < 5; at = at.cause, i++) {
    if ('code' in at && typeof at.code === 'string') return at.code
    if (at instanceof AggregateError && at.errors.length > 0) {
      const code = codeOf(at.errors[0])
      if (code !== undefined) return code
    }
  }
  return undefined
}

const messageOf = (error: unknown): string => oneLine(error instanceof Error ? error.message : String(error), 300)
