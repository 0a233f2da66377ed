// The MCP server that chaos calls, whichever way it is reached: each call leaves its note where it can be counted, and some calls ask a
// person first. What a call does stands in its arguments, so that the seed decides it.
export interface Note {
  /** Tells the calls of a run apart. */
  readonly id: string
  /** ms that the call takes. */
  readonly ms?: number
  /** The first time that it is called, its server is gone in the middle of it. */
  readonly breaks?: boolean
}

const inputSchema = {
  type: 'object',
  properties: { id: { type: 'string' }, ms: { type: 'number' }, breaks: { type: 'boolean' }, note: { type: 'string' } },
  required: ['id'],
}
const again = { annotations: { idempotentHint: true } }

/** `again` and `ask-again` may run again after a loss, the others must not. */
export const notedTools = [
  { name: 'once', description: 'Leaves a note.', inputSchema },
  { name: 'again', description: 'Leaves a note.', inputSchema, ...again },
  { name: 'ask', description: 'Asks a person, and leaves a note.', inputSchema },
  { name: 'ask-again', description: 'Asks a person, and leaves a note.', inputSchema, ...again },
  { name: 'page', description: 'Wants a page to be opened, and leaves a note.', inputSchema },
] as const

export const mayRunAgain = (tool: string): boolean => tool.endsWith('again')

/** What a message of a client comes to. `asks`: the question goes out first, and its answer ends the call. */
export type Reply =
  | { readonly kind: 'result'; readonly result: object; readonly ms: number }
  | { readonly kind: 'asks'; readonly question: object }
  | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly data?: unknown }
  | { readonly kind: 'breaks' }

const form = {
  message: 'Who are you?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
}
export const noted = { content: [{ type: 'text', text: 'noted' }] }

/** `seen`: what was called before under this id, with this mark. `note`: a line, for whoever counts. */
export function called(
  tool: string,
  { id, ms = 0, breaks = false }: Note,
  seen: (mark: string) => boolean,
  note: (line: string) => void,
): Reply {
  if (tool === 'page' && !seen(`page ${id}`)) {
    const page = { mode: 'url', elicitationId: id, url: `https://example.com/${id}`, message: 'Please allow it.' }
    return { kind: 'error', code: -32042, message: 'Open the page first.', data: { elicitations: [page] } }
  }
  note(`${tool} ${id}`)
  if (breaks && !seen(`broken ${id}`)) return { kind: 'breaks' }
  return tool.startsWith('ask') ? { kind: 'asks', question: form } : { kind: 'result', result: noted, ms }
}

export const initialized = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'noted', version: '1' },
}
