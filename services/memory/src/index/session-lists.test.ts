import { expect, test } from 'vitest'
import { listRequest } from '../nats.ts'
import { placeOf } from './session-lists.ts'

test.each([
  '',
  '!',
  'YWJj',
  Buffer.from('1.nobody').toString('base64url'),
  Buffer.from('99999999999999999.x').toString('base64url'),
])('a page that this list did not give is refused: %j', (page) => {
  expect(() => placeOf(page)).toThrow('"after" does not name a page of this list')
})

test.each([
  [null, 'must be an object'],
  [[], 'must be an object'],
  [{}, '"limit" must be a whole number from 1 to 1000'],
  [{ limit: 1.5 }, '"limit" must be a whole number'],
  [{ limit: 5, agent: 3 }, '"agent" must be a text'],
  [{ limit: 5, status: 'tired' }, '"status" must be one of idle, running'],
  [{ limit: 5, colour: 'red' }, 'Unknown field "colour"; valid: agent, kind, status, tree, erased, only, limit, after'],
])('a request that is none is refused: %j', (request, message) => {
  expect(() => listRequest(request)).toThrow(message)
})
