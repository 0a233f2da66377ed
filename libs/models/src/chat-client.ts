// POST /chat/completions of a server that is compatible with OpenAI's, and its answer as parsed chunks. By hand, because it is on
// the path of each turn: an SDK's client costs 0.3 ms and six times the CPU of the call itself, for a form that these servers
// only more or less keep.
//   C1. A status of 400 and above, and an error inside a stream, are thrown as ChatError with what the server said.
//   C2. The answer is read to its end, also behind [DONE]: a connection that is left early cannot be kept.
//   C3. Chunks are handed over as they arrive; what is no JSON is an error, never skipped.
import { isRecord } from './answer.ts'
import type { Fetch } from './keep-alive-fetch.ts'

export class ChatError extends Error {
  override readonly name = 'ChatError'
  readonly status: number | undefined
  readonly headers: Headers
  /** What the server said: an object where it was JSON, else a text. */
  readonly error: unknown
  constructor(status: number | undefined, headers: Headers, error: unknown) {
    super(typeof error === 'string' ? error : 'the server answered with an error')
    this.status = status
    this.headers = headers
    this.error = error
  }
}

export interface ChatRequest {
  readonly baseUrl: string
  readonly apiKey: string | undefined
  /** JSON. */
  readonly body: string
  readonly stream: boolean
  readonly signal: AbortSignal
}

/** The chunks of a stream, or the one whole answer. `Chunk` is what the caller expects: everything in it must be optional. */
export async function postChat<Chunk extends object>(
  fetch: Fetch,
  { baseUrl, apiKey, body, stream, signal }: ChatRequest,
): Promise<AsyncIterable<Chunk> | Iterable<Chunk>> {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: stream ? 'text/event-stream' : 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body,
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : new Error('Connection error', { cause: error })
  })
  if (!response.ok) throw new ChatError(response.status, response.headers, saidIn(await response.text()))
  if (!stream) return [object<Chunk>(await response.text())]
  return chunksOf<Chunk>(response)
}

function saidIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function object<Chunk extends object>(text: string): Chunk {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new Error('the answer is no JSON object')
  return value as Chunk
}

async function* chunksOf<Chunk extends object>(response: Response): AsyncGenerator<Chunk> {
  if (!response.body) return
  let done = false
  for await (const data of eventData(response.body)) {
    if (done || data.startsWith('[DONE]')) {
      done = true // C2
      continue
    }
    const chunk = object<Chunk>(data)
    if ('error' in chunk && chunk.error) throw new ChatError(undefined, response.headers, chunk.error)
    yield chunk
  }
}

/** The data of server-sent events, of any name. Lines end in LF, CR LF or CR. An event that was cut at the end of the stream is none. */
export async function* eventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string | undefined
  for await (const part of bytes) {
    rest += decoder.decode(part, { stream: true })
    // Looked for once a part, not once a line: hardly any server sends one.
    const lineEnd = rest.includes('\r') ? anyLineEnd : lfLineEnd
    let from = 0
    for (;;) {
      const end = lineEnd(rest, from)
      if (end === undefined) break
      const line = rest.slice(from, end.at)
      from = end.next
      if (line === '') {
        if (data !== undefined) yield data
        data = undefined
      } else if (line.startsWith('data:')) {
        const value = line.slice(line.charCodeAt(5) === 32 ? 6 : 5)
        data = data === undefined ? value : `${data}\n${value}`
      }
    }
    rest = rest.slice(from)
  }
}

interface LineEnd {
  readonly at: number
  readonly next: number
}

function lfLineEnd(text: string, from: number): LineEnd | undefined {
  const at = text.indexOf('\n', from)
  return at < 0 ? undefined : { at, next: at + 1 }
}

/** A CR that is the last character may be half of a CR LF: the line ends when more is known. */
function anyLineEnd(text: string, from: number): LineEnd | undefined {
  const lf = text.indexOf('\n', from)
  const cr = text.indexOf('\r', from)
  if (cr < 0 || (lf >= 0 && lf < cr)) return lf < 0 ? undefined : { at: lf, next: lf + 1 }
  if (cr === text.length - 1) return undefined
  return { at: cr, next: text[cr + 1] === '\n' ? cr + 2 : cr + 1 }
}
