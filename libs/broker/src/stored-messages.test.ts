import type { Msg } from '@nats-io/nats-core'
import { expect, test } from 'vitest'
import type { Broker } from './broker.ts'
import { lastMessage } from './stored-messages.ts'

/** Of a broker whose leader of the stream answers so, each time. */
const read = (error: object) =>
  lastMessage(
    {
      request: async () => ({ kind: 'reply', msg: { string: () => JSON.stringify({ error }) } as unknown as Msg }),
    } as unknown as Broker,
    'S',
    'a.>',
    { leader: true, withinMs: 60 },
  )

test('a leader that has no such message says that there is none', async () => {
  expect(await read({ code: 404, err_code: 10037, description: 'no message found' })).toBeUndefined()
})

test('that a stream is not there does not say that there is no such message', async () => {
  await expect(read({ code: 404, err_code: 10059, description: 'stream not found' })).rejects.toThrow('reading S')
})
