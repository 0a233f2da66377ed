// What code threw, as one text: anything can be thrown, and looking at it can throw again.

const mostChars = 2_000

export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return clipped(named(error))
    if (typeof error === 'string') return clipped(error === '' ? 'it threw an empty text' : error)
    if (error === undefined || error === null) return `it threw ${error}`
    return clipped(`it threw ${JSON.stringify(error) ?? typeof error}`)
  } catch {
    return 'it threw a value that cannot be shown'
  }
}

function named({ name, message, cause }: Error): string {
  const why = cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : ''
  const said = message === '' ? 'it threw an error without a message' : message
  return `${name === 'Error' ? '' : `${name}: `}${said}${why}`
}

export const clipped = (text: string): string => (text.length > mostChars ? `${text.slice(0, mostChars)}…` : text)

/** Where it was thrown, for people. */
export function stackOf(error: unknown): string | undefined {
  try {
    return error instanceof Error && typeof error.stack === 'string' ? error.stack.slice(0, 4_000) : undefined
  } catch {
    return undefined
  }
}

/** The line of the author's file where it was thrown: `chat.ts:12:9`. */
export function whereOf(error: unknown): string | undefined {
  const place = stackOf(error)
    ?.split('\n')
    .map((line) => /(?:file:\/\/)?\/bundle\/([^\s)]+:\d+:\d+)/.exec(line)?.[1])
    .find((found) => found !== undefined)
  return place?.slice(0, 1_000)
}

/** What was thrown, and the line of the author's file behind it. */
export function withPlace(error: unknown): string {
  const where = whereOf(error)
  return where === undefined ? messageOf(error) : `${messageOf(error)} (${where})`
}
