// A model in Anthropic's form that says what it is told to say, and keeps what it was sent.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bytesOf, forms } from '../models/wire-forms.ts'

export interface RecordingModel {
  readonly url: string
  /** The bodies of its requests, in their order. */
  readonly asked: readonly { readonly messages: readonly { readonly content: readonly unknown[] }[] }[]
  close(): Promise<void>
}

export async function recordingModel(says: string): Promise<RecordingModel> {
  const asked: RecordingModel['asked'][number][] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    asked.push(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    const form = forms[0]?.()
    if (!form) throw new Error('there is no form')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(bytesOf([...form.begin, ...form.text(says), ...form.end('stop')]))
  })
  server.on('error', (error) => {
    throw error
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
