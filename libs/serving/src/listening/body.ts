// The body of a request, as a JSON object.
import type { IncomingMessage } from 'node:http'
import { isMapping, ReinsError } from '@reins/contracts'

/** A message has at most 1,000,000 bytes as JSON. */
export const maxBodyBytes = 2_000_000

/** An absent body is an empty object. Throws invalid_json, body_too_large, unsupported_media_type. */
export async function jsonBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const { 'content-encoding': encoding, 'content-type': type } = request.headers
  if (encoding !== undefined && encoding !== 'identity')
    throw new ReinsError(
      'unsupported_media_type',
      'The body is encoded, and this server takes bodies as they are only.',
      {
        next: 'Send the body without Content-Encoding.',
      },
    )
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= maxBodyBytes) chunks.push(chunk)
    else if (bytes > 16 * maxBodyBytes) break
  }
  if (bytes > maxBodyBytes)
    throw new ReinsError(
      'body_too_large',
      `The body has more than ${maxBodyBytes} bytes, the most that this server takes.`,
    )
  if (bytes === 0) return {}
  // A page of another origin can send text/plain without being asked about it first, and nothing else.
  if (type === undefined || !/^application\/json\b/i.test(type))
    throw new ReinsError('unsupported_media_type', 'The body is not application/json.', {
      next: 'Send JSON, with the header Content-Type: application/json.',
    })
  const value = parsed(Buffer.concat(chunks).toString('utf8'))
  if (isMapping(value)) return value
  throw new ReinsError('invalid_request', 'The body is not a JSON object.', {
    next: 'Send an object: {"message": "…"}',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text)
  } catch (error) {
    throw new ReinsError('invalid_json', `The body is not JSON: ${error instanceof Error ? error.message : 'unknown'}.`)
  }
}
