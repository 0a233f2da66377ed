// A server asks a person something in the middle of a call, or says that a call cannot be made before the person has opened a page
// (error -32042). Who is asked, and how long that takes, is the caller's: here are the two places at which a server can ask.
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'
import { oneLine } from './foreign-text.ts'
import { isObject } from './tool-schema.ts'

export type Elicitation =
  | {
      readonly mode: 'form'
      readonly server: string
      readonly message: string
      readonly schema: Readonly<Record<string, unknown>>
    }
  | {
      readonly mode: 'url'
      readonly server: string
      readonly message: string
      readonly url: string
      readonly id: string
    }

export type ElicitationAnswer =
  | { readonly action: 'accept'; readonly content?: Readonly<Record<string, string | number | boolean | string[]>> }
  | { readonly action: 'decline' | 'cancel' }

export type Elicit = (asked: Elicitation, signal: AbortSignal) => Promise<ElicitationAnswer>

/** JSON-RPC error of a call that needs a person first; nothing ran. */
export const urlElicitationRequired = -32042

/** `elicitation/create`, of one of the calls that run. A server that asks while several run cannot say which one it means. */
export async function elicitedBy(
  calls: readonly (Elicit | undefined)[],
  server: string,
  params: unknown,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const asked = elicitationOf(params, server)
  if (asked === null) throw new McpError(ErrorCode.InvalidParams, 'the request has no form that is known')
  const [elicit, ...others] = calls
  if (!elicit || others.length > 0) return { action: 'cancel' }
  return { ...(await elicit(asked, signal)) }
}

/** What error -32042 asks for; empty: it names nothing that can be asked. */
export function elicitationsIn(data: unknown, server: string): readonly Elicitation[] {
  const given = isObject(data) && Array.isArray(data.elicitations) ? data.elicitations : []
  return given.flatMap((one) => elicitationOf(one, server) ?? [])
}

function elicitationOf(given: unknown, server: string): Elicitation | null {
  if (!isObject(given)) return null
  const message = oneLine(String(given.message ?? ''), 2_000)
  if (given.mode !== 'url')
    return isObject(given.requestedSchema) ? { mode: 'form', server, message, schema: given.requestedSchema } : null
  const { url, elicitationId } = given
  if (typeof url !== 'string' || typeof elicitationId !== 'string') return null
  // A page in a browser, and nothing else that a machine may open.
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
    ? { mode: 'url', server, message, url, id: elicitationId.slice(0, 128) }
    : null
}
