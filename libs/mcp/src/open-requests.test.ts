import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { OpenRequests, overId, strangeId } from './open-requests.ts'

const request = (id: number): JSONRPCMessage => ({ jsonrpc: '2.0', id, method: 'tools/call' })
const answer = (id: number | string): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: {} })

function asked(...ids: readonly number[]): OpenRequests<true> {
  const open = new OpenRequests<true>()
  for (const id of ids) open.sent(request(id), true)
  return open
}

test('an answer goes to whoever asked, once, also where the server gives the number back as a text', () => {
  const open = asked(1, 2)
  expect(open.heard(answer(1))).toEqual(answer(1))
  expect(open.heard(answer(1))).toBeNull()
  expect(open.heard(answer('2'))).toEqual(answer('2'))
  expect(open.entries()).toEqual([])
})

test('an answer under an id that nobody asked under ends the only request that waits', () => {
  const open = asked(1)
  expect(open.heard(answer('other'))).toMatchObject({ id: 1, error: { message: strangeId } })
  expect(open.heard(answer(1))).toBeNull()
})

test('it ends none where several wait, and none where it is for what was given up, or a word of our own', () => {
  const open = asked(1, 2, 3)
  expect(open.heard(answer(9))).toBeNull()
  open.sent({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, true)
  open.end(2)
  for (const id of [1, 2, overId]) expect(open.heard(answer(id))).toBeNull()
  expect(open.has(3)).toBe(true)
})

test('what a server asks and tells is no answer', () => {
  const open = asked(1)
  for (const message of [request(1), { jsonrpc: '2.0', method: 'notifications/message' } as const])
    expect(open.heard(message)).toEqual(message)
  expect(open.has(1)).toBe(true)
})
