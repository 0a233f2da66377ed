// A JSON document of the issuer: fetched within a deadline, up to a size, and from nowhere else than where it was asked for.

export type Fetched =
  | { readonly kind: 'fetched'; readonly document: unknown }
  /** `why`: a sentence's end, for people: "answered with HTTP 500". */
  | { readonly kind: 'failed'; readonly why: string }

export type FetchDocument = (url: string, signal: AbortSignal) => Promise<Fetched>

const maxBytes = 512 * 1024

/** Never rejects. No redirect is followed: it could lead to an address that nobody configured. */
export async function fetchDocument(url: string, signal: AbortSignal): Promise<Fetched> {
  try {
    const response = await fetch(url, { redirect: 'manual', headers: { accept: 'application/json' }, signal })
    if (response.status !== 200) {
      await response.body?.cancel()
      return failed(`answered with HTTP ${response.status}`)
    }
    const text = await textOf(response)
    return text === undefined ? failed(`sent more than ${maxBytes} bytes`) : parsed(text)
  } catch (error) {
    return failed(signal.aborted ? 'gave no whole answer in time' : `cannot be reached (${codeOf(error)})`)
  }
}

async function textOf(response: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > maxBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(text: string): Fetched {
  try {
    return { kind: 'fetched', document: JSON.parse(text) }
  } catch {
    return failed('answered with what is no JSON')
  }
}

const failed = (why: string): Fetched => ({ kind: 'failed', why })

function codeOf(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 5) return 'failed'
  if ('code' in error && typeof error.code === 'string') return error.code
  return 'cause' in error ? codeOf(error.cause, depth + 1) : 'failed'
}
