import type { Consumption } from '@reins/broker'
import type { Delivery, Frame, KeptWebhook, WebhookJob, WebhookJobWithBody } from '@reins/contracts'
import { createLog } from '@reins/telemetry'
import { expect, onTestFinished, test } from 'vitest'
import { frameOfJob } from './frame-of-job.ts'
import type { DueWebhook, WebhookQueue } from './queue.ts'
import { runWebhooks } from './webhooks.ts'

const session = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const frame: Frame = {
  ...{ seq: 7, n: 3, hash: 'h', status: 'idle', pool: 'p', needs: 1, id: 'f3', role: 'g', prev: 6 },
  ...{ at: 1_700_000_000_000, by: 'user:ann', events: [{ type: 'session.renamed', data: { title: 'A' } }] },
}
const webhook: KeptWebhook = {
  ...{ kind: 'kept', name: 'wh_1', url: 'https://example.com', on: ['*'], after: 0, key: 'k', wrapped: '', sealed: '' },
  ...{ createdAt: 1, updatedAt: 1, by: 'user:ann' },
}
const about = { id: 'msg_1', webhook: 'wh_1', type: 'session.renamed', session, n: 3, i: 0, attempt: 1 }
const job: WebhookJob = { ...about, seq: 7 }
const body =
  `{"data":{"by":"user:ann","event":{"title":"A"},"i":0,"n":3,"session":"${session}"},` +
  '"timestamp":"2023-11-14T22:13:20.000Z","type":"session.renamed"}'
const older: WebhookJobWithBody = { ...about, body }

/** What a delivery that is due comes to, at a receiver that answers with `status`. `log`: of the session. */
async function comesTo(
  due: DueWebhook,
  { status, log, erased = false }: { status: number; log: readonly Frame[] | Error; erased?: boolean },
) {
  const sent: string[] = []
  const putOff: WebhookJob[] = []
  const recorded: Delivery[] = []
  const none: Consumption = { wake: () => {}, close: async () => {} }
  const given = Promise.withResolvers<void>()
  const queue: WebhookQueue = {
    streams: [],
    follow: async () => none,
    async *behind() {},
    add: async () => {},
    putOff: async (what) => void putOff.push(what),
    due: async (on) => {
      void on(due).then(given.resolve, given.reject)
      return none
    },
    record: async (delivery) => void recorded.push(delivery),
    deliveries: async () => [],
  }
  const read = async () => {
    if (log instanceof Error) throw log
    return log
  }
  const running = await runWebhooks({
    ...{ queue, webhooks: () => [webhook], agentOf: async () => 'a', isErased: async () => erased },
    frameOf: (one) => frameOfJob({ read, frameAt: async (_, seq) => (await read()).find((f) => f.seq === seq) }, one),
    now: () => 1_700_000_100_000,
    random: () => 0,
    sign: async () => ({ ok: true, value: { signature: 'v1,s' } }),
    post: async (_, __, said) => {
      sent.push(said)
      return { kind: 'answered', status, retryAfterMs: undefined }
    },
    log: createLog({ service: 'memory', level: 'silent' }),
    onAttempt: () => {},
  })
  onTestFinished(() => running.close())
  await given.promise
  return {
    sent,
    putOff,
    last: recorded.map(({ last: { outcome, error } }) => ({ outcome, ...(error ? { error } : {}) })),
  }
}

test('what is sent is made of the log, and what is put off says where the event stands and nothing of it', async () => {
  expect(await comesTo(job, { status: 500, log: [frame] })).toEqual({
    sent: [body],
    putOff: [{ ...job, attempt: 2 }],
    last: [{ outcome: 'failed' }],
  })
})

test('what an older version has stored with its body is sent as it is, and put off without it', async () => {
  expect(await comesTo(older, { status: 500, log: [frame] })).toEqual({
    sent: [body],
    putOff: [{ ...job, attempt: 2 }],
    last: [{ outcome: 'failed' }],
  })
  expect(await comesTo(older, { status: 500, log: [] })).toEqual({
    sent: [body],
    putOff: [],
    last: [{ outcome: 'given-up', error: 'the event cannot be read in the log of its session' }],
  })
})

test.each([job, older])('of a session that was erased nothing is sent, and the record says why', async (due) => {
  expect(await comesTo(due, { status: 204, log: [frame], erased: true })).toEqual({
    sent: [],
    putOff: [],
    last: [{ outcome: 'given-up', error: 'the session was erased, and nobody is told of it any more' }],
  })
})

test('an event that the log does not have is looked for again, and nothing is sent meanwhile', async () => {
  expect(await comesTo(job, { status: 204, log: [{ ...frame, seq: 8 }] })).toEqual({
    sent: [],
    putOff: [{ ...job, attempt: 2 }],
    last: [{ outcome: 'failed', error: 'the event cannot be read in the log of its session' }],
  })
  await expect(comesTo(job, { status: 204, log: new Error('the broker is away') })).rejects.toThrow('away')
})
