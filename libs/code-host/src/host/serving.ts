// A request over HTTP in a host: the app of the project answers it, piece by piece in both directions.
//   SV1. A piece is sent when the one before it was taken: whoever reads slowly is not buffered for here.
//   SV2. What the gateway made itself, and nobody touched, is named by its number: it does not pass through here.
import type { ProjectForm } from '@reins/agent/project'
import type { FetchHead, FetchInput } from '../messages.ts'

const pieceBytes = 256 * 1024

export type Ask = (what: string, value: unknown) => Promise<unknown>

/** Rejects where the app throws before it answers, and where whoever asked is gone. */
export async function serveFetch(form: ProjectForm, input: FetchInput, ask: Ask, signal: AbortSignal): Promise<void> {
  const env = Object.freeze({ ...input.env })
  const { response, passed } = await form.serve(requestOf(input, ask, signal), { request: ask }, env)
  const head: FetchHead = {
    status: response.status,
    headers: [...response.headers].map(([name, value]): [string, string] => [name, value]),
    body: response.body !== null && passed === undefined,
    ...(passed === undefined ? {} : { passed }),
  }
  await ask('head', head)
  if (!head.body || !response.body) return
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      for (let at = 0; at < bytes.length; at += pieceBytes)
        await ask('chunk', bytes.subarray(at, at + pieceBytes).toString('base64')) // SV1
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function requestOf({ method, url, headers, body }: FetchInput, ask: Ask, signal: AbortSignal): Request {
  const stream = body
    ? new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const piece = await ask('body', null)
            if (typeof piece === 'string') controller.enqueue(Buffer.from(piece, 'base64'))
            else controller.close()
          },
        },
        { highWaterMark: 0 },
      )
    : undefined
  const given = headers.map(([name, value]): [string, string] => [name, value])
  return new Request(url, {
    ...{ method, headers: given, signal },
    ...(stream ? { body: stream, duplex: 'half' as const } : {}),
  })
}
