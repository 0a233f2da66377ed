// Requests to a service that are larger than one message, or take long, over a real broker.
import { type Broker, callService, serveRequests } from '@reins/broker'
import { type Reply, serviceSubject } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServers, testServers } from './servers.ts'

let servers: TestServers
let caller: Broker
const ended: (() => void)[] = []

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  caller = await servers.broker('caller')
  for (const name of ['one', 'other']) {
    const broker = await servers.broker(name)
    const served = serveRequests(
      broker,
      'registry',
      {
        length: async (request) => ({ value: { by: name, length: (request as { text: string }).text.length } }),
        'two.words': async () => ({ value: 'two words' }),
        never: () => new Promise(() => undefined),
      },
      () => undefined,
    )
    await broker.nc.flush()
    ended.push(() => served.close())
  }
})
afterAll(async () => {
  await servers?.close()
})

const ask = <T>(verb: string, text: string): Promise<Reply<T>> =>
  callService<T>(caller, serviceSubject('registry', verb), { text }, 10_000)

test('one of several instances gets all of it, also of many at once', async () => {
  const lengths = [10, 600_000, 3_000_000, 9_000_000]
  const replies = await Promise.all(lengths.map((length) => ask<{ length: number }>('length', 'é'.repeat(length / 2))))
  expect(replies.map((reply) => reply.ok && reply.value.length)).toEqual(lengths.map((length) => length / 2))
  expect(await ask('two.words', 'x'.repeat(1_000_000))).toEqual({ ok: true, value: 'two words' })
})

test('what is too large, or asks for nothing that there is, is refused', async () => {
  expect(await ask('length', 'x'.repeat(17_000_000))).toMatchObject({ ok: false, error: { code: 'body_too_large' } })
  expect(await ask('nothing', 'x'.repeat(1_000_000))).toMatchObject({ ok: false, error: { code: 'invalid_request' } })
})

test('a request that may take long ends when the last instance of its service is gone', async () => {
  const reply = callService(caller, serviceSubject('registry', 'never'), {}, 110_000)
  await new Promise<void>((resolve) => {
    let looks = 0
    caller.nc.subscribe(serviceSubject('registry', 'here'), {
      max: 5,
      callback: () => void (++looks === 5 && resolve()),
    })
  })
  for (const end of ended) end()
  expect(await reply).toMatchObject({
    ok: false,
    error: { code: 'unavailable', message: expect.stringContaining('ended before it answered') },
  })
})

test('nobody there is unavailable', async () => {
  expect(await ask('length', 'x'.repeat(1_000_000))).toMatchObject({ ok: false, error: { code: 'unavailable' } })
})
