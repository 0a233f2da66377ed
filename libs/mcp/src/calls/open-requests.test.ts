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
  expect(open.heard(answer(1))).toEqual([answer(1)])
  expect(open.heard(answer(1))).toEqual([])
  expect(open.heard(answer('2'))).toEqual([answer('2')])
  expect(open.entries()).toEqual([])
})

test('an answer under an id that nobody asked under ends the only request that waits', () => {
  const open = asked(1)
  expect(open.heard(answer('other'))).toMatchObject([{ id: 1, error: { message: strangeId } }])
  expect(open.heard(answer(1))).toEqual([])
})

test('it ends none where it is for what was given up, or a word of our own', () => {
  const open = asked(1, 2, 3)
  expect(open.heard(answer(9))).toEqual([])
  open.sent({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, true)
  open.end(2)
  for (const id of [1, 2, overId]) expect(open.heard(answer(id))).toEqual([])
  expect(open.has(3)).toBe(true)
})

test('where several wait, the one that it was for ends when the others are answered', () => {
  const open = asked(1, 2, 3)
  expect(open.heard(answer('mine-2'))).toEqual([])
  open.sent(request(4), true)
  expect(open.heard(answer(3))).toEqual([answer(3)])
  expect(open.heard(answer(1))).toMatchObject([answer(1), { id: 2, error: { message: strangeId } }])
  expect(open.heard(answer(4))).toEqual([answer(4)])
})

test('several such answers end as many requests, each as soon as it is known', () => {
  const open = asked(1, 2)
  expect(open.heard(answer('a'))).toEqual([])
  open.sent(request(3), true)
  expect(open.heard(answer('b'))).toEqual([])
  expect(open.heard(answer(1))).toMatchObject([answer(1), { id: 2 }, { id: 3 }])
  expect(open.entries()).toEqual([])
})

test('nothing is known of it where one of those that it may have been for was given up', () => {
  const open = asked(1, 2, 3)
  expect(open.heard(answer('mine'))).toEqual([])
  open.sent({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } }, true)
  expect(open.heard(answer(1))).toEqual([answer(1)])
  expect(open.has(3)).toBe(true)
})

test('what a server asks and tells is no answer', () => {
  const open = asked(1)
  for (const message of [request(1), { jsonrpc: '2.0', method: 'notifications/message' } as const])
    expect(open.heard(message)).toEqual([message])
  expect(open.has(1)).toBe(true)
})
