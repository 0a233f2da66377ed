// The store of Idempotency-Keys on a real bucket, as two gateways see it.
import { Kvm } from '@nats-io/kv'
import { BrokerUnavailable } from '@reins/broker'
import { buckets } from '@reins/contracts'
import { type IdempotencyEntry, type IdempotencyStore, idempotencyTtlMs, openIdempotency } from '@reins/journal'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestServers, testServers } from './servers.ts'

let servers: TestServers
let here: IdempotencyStore
let there: IdempotencyStore
let bucket: Awaited<ReturnType<Kvm['open']>>

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  const broker = await servers.broker('here')
  here = await openIdempotency(broker, { now: Date.now })
  there = await openIdempotency(await servers.broker('there'), { now: Date.now })
  bucket = await new Kvm(broker.nc).open(buckets.idempotency)
})
afterAll(() => servers.close())

const entry: IdempotencyEntry = { body: 'b', session: 's', frame: 'f', subject: 'm', prev: 7 }
const settled: IdempotencyEntry = { ...entry, outcome: { kind: 'accepted', receipt: { messageId: 'm', cursor: 'c' } } }

describe('a key', () => {
  it('is noted once, whoever comes again', async () => {
    expect(await here.create('aa', entry)).toEqual({ kind: 'created' })
    const other = { ...entry, frame: 'g', subject: 'n' }
    expect(await there.create('aa', other)).toEqual({ kind: 'existing', entry })
    expect(await here.create('aa', other)).toEqual({ kind: 'existing', entry })
  })

  it('of many who come at once is noted by one, and all have the same entry', async () => {
    const asked = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? here : there).create('ab', { ...entry, frame: `f${i}` }),
    )
    const answers = await Promise.all(asked)
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1)
    const winner = answers.findIndex(({ kind }) => kind === 'created')
    for (const answer of answers)
      if (answer.kind === 'existing') expect(answer.entry).toEqual({ ...entry, frame: `f${winner}` })
  })

  it('has its outcome for whoever comes again', async () => {
    await here.create('ac', entry)
    await here.complete('ac', settled)
    expect(await there.create('ac', entry)).toEqual({ kind: 'existing', entry: settled })
  })

  it('that is forgotten is as if it had never been used', async () => {
    await here.create('ad', entry)
    await here.forget('ad')
    expect(await there.create('ad', settled)).toEqual({ kind: 'created' })
    expect(await here.create('ad', entry)).toEqual({ kind: 'existing', entry: settled })
    await there.forget('ae')
  })

  it('that an older version noted is understood, and one of a newer version is not taken for unused', async () => {
    const { outcome: _, ...first } = settled
    await bucket.put('af', JSON.stringify({ ...first, answer: { status: 202, body: settled.outcome?.receipt } }))
    expect(await here.create('af', entry)).toEqual({ kind: 'existing', entry: settled })
    await bucket.put('b0', JSON.stringify({ v: 3, what: 'ever' }))
    expect(await here.create('b0', entry)).toEqual({ kind: 'unreadable' })
  })

  it('is kept for a day, on disk', async () => {
    const { ttl, history, streamInfo } = await bucket.status()
    expect([ttl, history, streamInfo.config.storage]).toEqual([idempotencyTtlMs, 1, 'file'])
  })

  it('whose store does not answer is refused as unavailable, and is still there when the store comes back', async () => {
    await here.create('b1', entry)
    await servers.killNats()
    // Each of them waits for its whole deadline: at the same time.
    const asked = [here.create('b1', entry), here.complete('b1', settled), here.forget('b1')]
    for (const { status, reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[])
      expect([status, reason]).toEqual(['rejected', expect.any(BrokerUnavailable)])
    await servers.restartNats()
    await expect
      .poll(() => here.create('b1', entry).catch(() => undefined), { timeout: 30_000 })
      .toEqual({
        kind: 'existing',
        entry,
      })
  })
})
