import type { KeptWebhook, WebhookJob } from '@reins/contracts'
import { expect, test } from 'vitest'
import { attempt, type DelivererOptions } from './deliverer.ts'
import type { Posted } from './post.ts'

const webhook: KeptWebhook = {
  ...{ kind: 'kept', name: 'wh_1', url: 'https://example.com/hook', on: ['*'], after: 0 },
  ...{ key: 'k', wrapped: '', sealed: '', createdAt: 1, updatedAt: 1, by: 't' },
}
const job = (number: number): WebhookJob => ({
  ...{ id: 'msg_1', webhook: 'wh_1', type: 'turn.failed', session: 's', seq: 7, n: 3, i: 0, attempt: number },
})
const world = (posted: Posted, sent: unknown[] = []): DelivererOptions => ({
  now: () => 1_000_000,
  random: () => 0,
  webhook: (id) => (id === 'wh_1' ? webhook : undefined),
  sign: async ({ delivery, at, body }) => ({ ok: true, value: { signature: `v1,${delivery}.${at}.${body}` } }),
  post: async (...args) => {
    sent.push(args)
    return posted
  },
})
const answered = (status: number, retryAfterMs?: number): Posted => ({ kind: 'answered', status, retryAfterMs })

test('a delivery is one signed POST, and 2xx is its end', async () => {
  const sent: unknown[] = []
  expect(await attempt(job(1), '{}', world(answered(204), sent))).toEqual({
    ...{ id: 'msg_1', webhook: 'wh_1', type: 'turn.failed', session: 's', n: 3, i: 0 },
    last: { attempt: 1, at: 1_000_000, ms: 0, outcome: 'delivered', status: 204 },
  })
  expect(sent).toEqual([
    [
      { url: 'https://example.com/hook', attempt: 1 },
      {
        'content-type': 'application/json',
        'user-agent': 'Reins',
        'webhook-id': 'msg_1',
        'webhook-timestamp': '1000',
        'webhook-signature': 'v1,msg_1.1000.{}',
      },
      '{}',
    ],
  ])
})

test.each([
  [answered(500), { status: 500 }],
  [answered(302), { status: 302 }],
  [{ kind: 'failed', why: 'no answer' } as const, { error: 'no answer' }],
  [{ kind: 'refused', why: 'not public' } as const, { error: 'not public' }],
])('%j is tried again, the same delivery, ever later, and given up after ten retries', async (posted, told) => {
  const delays: (number | undefined)[] = []
  for (let number = 1; number <= 11; number++) {
    const done = await attempt(job(number), '{}', world(posted))
    expect(done?.last).toMatchObject({ ...told, attempt: number, outcome: number === 11 ? 'given-up' : 'failed' })
    delays.push(done?.last.next && (done.last.next - 1_000_000) / 1000)
  }
  expect(delays).toEqual([1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 72_000, undefined])
})

test('a receiver that asks for time gets it, up to a day; one that is gone is left alone', async () => {
  expect((await attempt(job(1), '{}', world(answered(429, 60_000))))?.last.next).toBe(1_060_000)
  expect((await attempt(job(1), '{}', world(answered(503, 1e12))))?.last.next).toBe(1_000_000 + 24 * 3_600_000)
  expect(await attempt(job(1), '{}', world(answered(410)))).toMatchObject({
    last: { outcome: 'given-up', status: 410 },
  })
})

test('nothing is sent for a webhook that was removed, and without a signature it is tried again', async () => {
  const sent: unknown[] = []
  const options = world(answered(200), sent)
  expect(await attempt({ ...job(1), webhook: 'wh_2' }, '{}', options)).toBeUndefined()
  const refusing = (code: 'webhook_not_found' | 'unavailable'): DelivererOptions => ({
    ...options,
    sign: async () => ({ ok: false, error: { code, message: 'No.' } }),
  })
  expect(await attempt(job(1), '{}', refusing('webhook_not_found'))).toBeUndefined()
  await expect(attempt(job(1), '{}', refusing('unavailable'))).rejects.toThrow('cannot be signed: No.')
  expect(sent).toEqual([])
})
