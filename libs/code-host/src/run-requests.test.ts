import type { Reply, RunRequest } from '@reins/contracts'
import { expect, test } from 'vitest'
import { runRequests } from './run-requests.ts'

const held: RunRequest = { kind: 'held', request: { method: 'POST', url: 'http://h/', headers: {}, body: '' } }
const away: Reply<RunRequest> = { ok: false, error: { code: 'unavailable', message: 'nobody' } }

test('the gateway that began the run is asked, and what is once gone stays gone', async () => {
  const asked: unknown[] = []
  let reply: Reply<RunRequest> = { ok: true, value: held }
  const request = runRequests(async (...words) => {
    asked.push(words.slice(0, 2))
    return reply
  })
  expect(await request('a', { gateway: 'g-1' })).toEqual(held)
  reply = away
  expect(await request('a', { gateway: 'g-1' })).toEqual({ kind: 'gone' })
  reply = { ok: true, value: held }
  expect(await request('a', { gateway: 'g-1' })).toEqual({ kind: 'gone' })
  expect(await request('b', { gateway: 'g-2' })).toEqual(held)
  expect(asked).toEqual([
    ['svc.session-gateway.request.g-1', { session: 'a' }],
    ['svc.session-gateway.request.g-1', { session: 'a' }],
    ['svc.session-gateway.request.g-2', { session: 'b' }],
  ])
})
