// What a broker can answer to an append that it cannot store, in its own words.
import { type Broker, isTransient, type PublishError } from '@reins/broker'
import { expect, test } from 'vitest'
import { appendCanary } from './canary.ts'

const brokerThatSays = (reply: object | 'nothing'): Pick<Broker, 'request'> =>
  ({
    request: async () =>
      reply === 'nothing' ? { kind: 'timed-out' } : { kind: 'reply', msg: { string: () => JSON.stringify(reply) } },
  }) as unknown as Pick<Broker, 'request'>

const noSpace = { code: 503, err_code: 10077, description: 'write /data/1.blk: no space left on device' }
const ioError = { code: 503, err_code: 10077, description: 'write /data/1.blk: input/output error' }
const readOnly = { code: 503, err_code: 10077, description: 'open /data/1.blk: read-only file system' }
const noStorage = { code: 500, err_code: 10047, description: 'insufficient storage resources available' }
const noLeader = { code: 503, err_code: 10008, description: 'JetStream system temporarily unavailable' }

test('an acknowledged canary is taken', async () => {
  expect(await appendCanary(brokerThatSays({ stream: 'CANARY', seq: 7 }))).toEqual({ kind: 'taken' })
})

test.each([noSpace, noStorage])('a full disk is a refusal that says so: $description', async (error) => {
  expect(await appendCanary(brokerThatSays({ error }))).toEqual({
    kind: 'refused',
    why: `the broker takes no append: ${error.description}`,
    full: true,
  })
})

test.each([ioError, readOnly])('a store that cannot write is a refusal: $description', async (error) => {
  expect(await appendCanary(brokerThatSays({ error }))).toMatchObject({ kind: 'refused', full: false })
})

test('a broker without a leader, or that is away, is silent: the next try may succeed', async () => {
  expect(await appendCanary(brokerThatSays({ error: noLeader }))).toEqual({ kind: 'silent' })
  expect(await appendCanary(brokerThatSays('nothing'))).toEqual({ kind: 'silent' })
})

test('a frame that met any of them is sent again; what the broker will never take is not', () => {
  for (const error of [noSpace, ioError, readOnly, noStorage, noLeader]) expect(isTransient(error)).toBe(true)
  const invalid: PublishError = { code: 400, err_code: 10054, description: 'message size exceeds maximum allowed' }
  expect(isTransient(invalid)).toBe(false)
})
