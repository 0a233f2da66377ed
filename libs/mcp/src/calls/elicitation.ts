// A server asks a person something in the middle of a call, or says that a call cannot be made before the person has opened a page
// (error -32042). Who is asked, and how long that takes, is the caller's: here are the two places at which a server can ask.
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'
import { maxElicitationSchemaChars, maxElicitationUrlChars } from '@reins/contracts'
import type { AskPerson, Elicitation } from '@reins/tools'
import { oneLine } from '../foreign-text.ts'
import { limits } from '../limits.ts'
import { isDeeperThan, isObject } from '../tool-schema.ts'

/** JSON-RPC error of a call that needs a person first; nothing ran. */
export const urlElicitationRequired = -32042

/** `elicitation/create`; `whose`: how the call is asked in which the server asks, once that is known. undefined: it asks in none. */
export async function elicitedBy(
  whose: () => Promise<AskPerson | undefined>,
  server: string,
  params: unknown,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const asked = elicitationOf(params, server)
  if (asked === null) throw new McpError(ErrorCode.InvalidParams, refusedText(params))
  const elicit = await whose()
  if (!elicit) return { action: 'cancel' }
  const { action, content } = await elicit({ nothingRan: false, asked }, signal)
  return { action, ...(content ? { content } : {}) }
}

const refusedText = (params: unknown): string =>
  isObject(params) && params.mode === 'url'
    ? 'a person is asked to open http and https pages only, whose addresses hold no user and no invisible characters, with an elicitationId'
    : 'the request has no form that is known, or one that is too large'

/** What error -32042 asks for; empty: it names nothing that can be asked. */
export function elicitationsIn(data: unknown, server: string): readonly Elicitation[] {
  const given = isObject(data) && Array.isArray(data.elicitations) ? data.elicitations : []
  return given.flatMap((one) => elicitationOf(one, server) ?? [])
}

const isForm = (schema: unknown): schema is Record<string, unknown> =>
  isObject(schema) &&
  isObject(schema.properties) &&
  Object.keys(schema.properties).every((name) => name.length <= limits.fieldNameChars) &&
  !isDeeperThan(schema, limits.schemaDepth) &&
  JSON.stringify(schema).length <= maxElicitationSchemaChars

function elicitationOf(given: unknown, server: string): Elicitation | null {
  if (!isObject(given)) return null
  const message = oneLine(String(given.message ?? ''), 2_000)
  if (given.mode !== 'url')
    return isForm(given.requestedSchema) ? { mode: 'form', server, message, schema: given.requestedSchema } : null
  const { url, elicitationId } = given
  if (typeof url !== 'string' || typeof elicitationId !== 'string') return null
  const page = url.length <= maxElicitationUrlChars ? pageOf(url) : null
  return page !== null && page.length <= maxElicitationUrlChars
    ? { mode: 'url', server, message, url: page, id: elicitationId.slice(0, 128) }
    : null
}

/**
 * A page in a browser, and nothing else that a machine may open; as the browser goes to it, so that its address looks like what it is:
 * letters of other scripts in the host stand there as `xn--`, and backslashes are what a browser takes them for. null: it is none.
 */
function pageOf(url: string): string | null {
  if (!URL.canParse(url) || /[\p{C}\p{Z}]/u.test(url)) return null
  const { protocol, username, password, href } = new URL(url)
  // What stands before an "@" is often taken for the host.
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return null
  return href === `${url}/` ? url : href
}
