import { headers, type Msg } from '@nats-io/nats-core'
import { expect, test } from 'vitest'
import type { Broker } from '../connection/broker.ts'
import { lastMessage, nextMessagesOrEnd } from './stored-messages.ts'

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

/** A broker that answers batches so, one after the other, and whose leader of the stream has one message, at 7. */
function brokerThat(answers: readonly ('silent' | 'nobody' | 'end' | number)[]): Broker {
  const left = [...answers]
  const stored = { subject: 'a.b', seq: 7, time: '2026-11-29T00:00:00Z', data: '' }
  const status = (code: number) => ({ headers: Object.assign(headers(code, 'EOB'), {}) }) as unknown as Msg
  const message = (seq: number): Msg => {
    const said = headers()
    for (const [name, value] of [
      ['Nats-Subject', 'a.b'],
      ['Nats-Sequence', String(seq)],
      ['Nats-Last-Sequence', '0'],
    ] as const)
      said.set(name, value)
    return { headers: said, string: () => '' } as unknown as Msg
  }
  return {
    request: async () => ({ kind: 'reply', msg: { string: () => JSON.stringify({ message: stored }) } }),
    requestMany: async (_subject: string, _body: string, take: (msg: Msg) => 'more' | 'last') => {
      const answer = left.shift() ?? 'silent'
      if (answer === 'silent') return 'timeout'
      if (answer === 'nobody') return 'no-responders'
      if (answer !== 'end' && take(message(answer)) === 'last') return 'reply'
      take(status(204))
      return 'reply'
    },
  } as unknown as Broker
}
const nextOf = async (answers: Parameters<typeof brokerThat>[0], after: number) => {
  const { messages, ended } = await nextMessagesOrEnd(brokerThat(answers), 'S', 'a.>', { after, withinMs: 2000 })
  return [messages.map(({ seq }) => seq), ended]
}

test('a broker that says nothing has not said that there are no more messages', async () => {
  expect(await nextOf(['silent', 3, 'end'], 2)).toEqual([[3], false])
})

test('where no replica answers, the leader is asked', async () => {
  expect(await nextOf(['nobody'], 2)).toEqual([[7], false])
})

test('the end of a replica that is behind its leader is not the end', async () => {
  expect(await nextOf(['end'], 6)).toEqual([[7], false])
  expect(await nextOf(['end'], 7)).toEqual([[], true])
})

test('whoever waits for the next messages in vain is told', async () => {
  await expect(nextMessagesOrEnd(brokerThat([]), 'S', 'a.>', { after: 0, withinMs: 100 })).rejects.toThrow(
    'reading a.> of S',
  )
})
