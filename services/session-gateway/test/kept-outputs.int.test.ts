// Whole outputs of tools, read back over HTTP and by the client.
import { createClient } from '@reins/client'
import type { ErrorBody, SessionEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { token, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(() => world.close())

const completed = (call: string, ref: string): SessionEvent => ({
  type: 'tool-call.completed',
  data: { call, attempt: 1, status: 'ok', output: 'a part', ref },
})

/** A session with one kept output. */
async function kept(text: string): Promise<{ readonly id: string; readonly ref: string }> {
  const id = await world.session()
  const { ref = '' } = await world.journal.outputs.put(id, Buffer.from(text))
  await world.append(id, [completed('k1', ref)], { role: 't' })
  return { id, ref }
}

const read = (id: string, named: string, query = '', bearer = token) =>
  fetch(`${world.url}/v1/sessions/${id}/outputs/${named}${query}`, { headers: { authorization: `Bearer ${bearer}` } })

const errorOf = async (response: Response): Promise<ErrorBody> =>
  ((await response.json()) as { error: ErrorBody }).error

describe('a kept output', () => {
  test('is read by its reference or by its call, as text that no browser runs', async () => {
    const { id, ref } = await kept('<script>alert(1)</script>')
    for (const named of [ref, 'k1']) {
      const response = await read(id, named, '', 'reader')
      expect([response.status, await response.text()]).toEqual([200, '<script>alert(1)</script>'])
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('content-disposition')).toContain('attachment')
      expect(response.headers.get('reins-output-ref')).toBe(ref)
    }
  })

  test('is read in pages, whose sum is the whole', async () => {
    const text = 'über alles '.repeat(300)
    const { id } = await kept(text)
    const client = createClient({ baseUrl: world.url, token })
    const parts: Uint8Array[] = []
    for (let offset = 0; ; ) {
      const { bytes, size } = await client.sessions.output(id, 'k1', { offset, limit: 1001 })
      parts.push(bytes)
      offset += bytes.length
      if (offset >= size) break
    }
    expect(parts.map(({ length }) => length)).toEqual([1001, 1001, 1001, 597])
    expect(Buffer.concat(parts).toString()).toBe(text)
    expect((await (await read(id, 'k1', '?offset=99999')).arrayBuffer()).byteLength).toBe(0)
    expect((await read(id, 'k1', '?limit=1048577')).status).toBe(400)
  })

  test('is given by the session whose log names it, and by no other', async () => {
    const { id, ref } = await kept('mine')
    const other = await world.session()
    await world.journal.outputs.put(other, Buffer.from('mine'))
    const unnamed = await read(other, ref)
    expect([unnamed.status, (await errorOf(unnamed)).code]).toEqual([404, 'output_not_found'])
    // Named, and kept by another session alone: still nothing.
    const third = await world.session()
    await world.append(third, [completed('k1', ref)], { role: 't' })
    expect((await read(third, ref)).status).toBe(404)
    expect((await read(id, ref)).status).toBe(200)
    const none = await read('01HZZZZZZZZZZZZZZZZZZZZZZZ', ref)
    expect([none.status, (await errorOf(none)).code]).toEqual([404, 'session_not_found'])
    expect((await read(id, ref, '', 'wrong')).status).toBe(401)
  })

  test('that is kept no more is said to be gone', async () => {
    const id = await world.session()
    await world.append(id, [completed('k1', 'sha256-gone')], { role: 't' })
    const response = await read(id, 'k1')
    const error = await errorOf(response)
    expect([response.status, error.code, error.message]).toEqual([
      404,
      'output_not_found',
      `The output sha256-gone of session ${id} is kept no more.`,
    ])
    expect(error.next).toContain('7 days')
  })
})
