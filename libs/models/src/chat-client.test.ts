import { expect, test } from 'vitest'
import { eventData } from './chat-client.ts'

async function read(...parts: readonly (string | Uint8Array)[]): Promise<string[]> {
  async function* bytes() {
    for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part
  }
  const found: string[] = []
  for await (const data of eventData(bytes())) found.push(data)
  return found
}

test.each([
  ['LF', '\n'],
  ['CR LF', '\r\n'],
  ['CR', '\r'],
])('events whose lines end in %s are found, wherever the bytes are cut', async (_name, end) => {
  const text = [': hello', 'event: chunk', 'data: one', 'data:two', '', 'id: 7', 'data: {"a": "ü"}', '', ''].join(end)
  const bytes = new TextEncoder().encode(text)
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(await read(bytes.subarray(0, cut), bytes.subarray(cut), ...(end === '\r' ? [': more\n'] : []))).toEqual([
      'one\ntwo',
      '{"a": "ü"}',
    ])
})

test('an event that is cut at the end of the stream is none', async () => {
  expect(await read('data: one\n\ndata: two')).toEqual(['one'])
})
