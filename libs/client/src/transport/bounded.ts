// What a server answers, read up to a bound: whoever the command line was pointed to may send without end.
import { ReinsError } from '@reins/contracts/errors'

/** Twice what Reins answers with at most (a state, 32 MB; a page of an output, 8 MiB). */
export const mostAnswerBytes = 64 * 1024 * 1024
/** Of a refusal, whose text is for a person. */
export const mostRefusalBytes = 1024 * 1024

/** Rejects with ReinsError where there is more; the rest is not read. */
export async function boundedBytes(response: Response, most: number, server: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  const reader = response.body?.getReader()
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done || value === undefined) break
    size += value.length
    if (size > most) {
      await reader?.cancel().catch(() => undefined)
      throw tooLarge(server, 'answered with', most)
    }
    parts.push(value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export const tooLarge = (server: string, did: string, most: number): ReinsError =>
  new ReinsError(
    'body_too_large',
    `${server} ${did} more than ${most / 1024 / 1024} MiB, which no Reins server does.`,
    {
      next: 'Check that --server or REINS_URL names a Reins server, and not another one or its proxy.',
    },
  )
