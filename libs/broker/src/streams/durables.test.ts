import { type ConsumerConfig, type ConsumerInfo, JetStreamApiError } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { ensureDurable } from './durables.ts'

const wanted = { durable_name: 'd', ack_wait: 5e9, deliver_policy: 'all', filter_subject: 'a.>' } as const
const missing = () => new JetStreamApiError({ code: 404, err_code: 10014, description: 'consumer not found' })
const taken = () => new JetStreamApiError({ code: 400, err_code: 10148, description: 'consumer already exists' })
const late = () => Object.assign(new Error('timeout'), { name: 'TimeoutError' })

/** What is done: each answer is given once, the last one again and again. */
async function ensured(looks: readonly (number | Error)[], add?: Error): Promise<readonly string[]> {
  const done: string[] = []
  const left = [...looks]
  await ensureDurable(
    {
      consumers: {
        info: async () => {
          const answer = left.length > 1 ? left.shift() : left[0]
          if (answer instanceof Error) throw answer
          return { config: { ack_wait: answer } } as ConsumerInfo
        },
        add: async (_stream: string, { durable_name }: Partial<ConsumerConfig>) => {
          done.push(`made ${durable_name}`)
          if (add) throw add
          return {} as ConsumerInfo
        },
        update: async (_stream: string, _durable: string, { ack_wait }: Partial<ConsumerConfig>) => {
          done.push(`changed to ${ack_wait}`)
          return {} as ConsumerInfo
        },
      },
    },
    'S',
    wanted,
    2000,
  )
  return done
}

test('a durable is made where the broker says that there is none, and left as it is where there is one', async () => {
  expect(await ensured([missing()])).toEqual(['made d'])
  expect(await ensured([5e9])).toEqual([])
  expect(await ensured([9e9])).toEqual(['changed to 5000000000'])
})

test('a broker that does not answer has not said that there is none: it is asked again', async () => {
  expect(await ensured([late(), 5e9])).toEqual([])
  expect(await ensured([late(), late(), missing()])).toEqual(['made d'])
})

test('one that another process has made meanwhile is enough, and any other refusal is told', async () => {
  expect(await ensured([missing(), 5e9], taken())).toEqual(['made d'])
  await expect(ensured([missing()], taken())).rejects.toThrow('consumer already exists')
})
