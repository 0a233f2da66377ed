import { headers as natsHeaders } from '@nats-io/nats-core'
import { expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../connection/broker.ts'
import { pull } from './pull.ts'

/** A broker that is a list of what it was sent; the test plays the server. */
function world({ free }: { free: () => number }) {
  const asked: { readonly batch: number; readonly inbox: string }[] = []
  const said: { readonly to: string; readonly what: string }[] = []
  const taken: string[] = []
  const failures: Error[] = []
  const odd: Error[] = []
  let reconnected = () => {}
  let elected: (stream: string, durable: string | undefined) => void = () => {}
  let deliver: (error: Error | null, msg: unknown) => void = () => {}
  let recreated = 0
  const broker = {
    nc: {
      subscribe: (_subject: string, options: { callback: typeof deliver }) => {
        deliver = options.callback
        return { unsubscribe() {}, drain: async () => deliver(null, message('drained')) }
      },
    },
    connected: () => true,
    onReconnect: (on: () => void) => {
      reconnected = on
      return { close() {} }
    },
    onElected: (on: typeof elected) => {
      elected = on
      return { close() {} }
    },
    publish: (to: string, payload: string, { reply }: { reply?: string } = {}) => {
      if (reply) asked.push({ batch: JSON.parse(payload).batch, inbox: reply })
      else said.push({ to, what: payload })
    },
  } as unknown as Broker
  const message = (subject: string) => ({ subject, reply: `ack.${subject}`, headers: undefined })
  const consumption = pull(broker, {
    stream: 'S',
    durable: 'd',
    free,
    on: ({ subject }) => {
      if (subject === 'bad') throw new Error('a bug')
      taken.push(subject)
    },
    failed: (error) => failures.push(error),
    odd: (error) => odd.push(error),
    recreate: async () => {
      recreated++
    },
  })
  onTestFinished(() => consumption.close())
  return {
    ...{ asked, said, taken, failures, odd, consumption },
    recreated: () => recreated,
    reconnect: () => reconnected(),
    elect: (stream: string, durable?: string) => elected(stream, durable),
    deliver: (subject: string) => deliver(null, message(subject)),
    /** The server's word on the pull with this place in `asked`. */
    status(at: number, code: number, description: string, pending?: number) {
      const headers = natsHeaders(code, description)
      if (pending !== undefined) headers.set('Nats-Pending-Messages', String(pending))
      deliver(null, { subject: asked[at]?.inbox, headers })
    },
  }
}

test('asks for as many as there are slots, eight at most, and again when half of them have come', () => {
  let free = 20
  const { asked, deliver } = world({ free: () => free })
  for (const subject of ['a', 'b', 'c']) deliver(subject)
  expect(asked.map(({ batch }) => batch)).toEqual([8])
  free = 6
  deliver('d')
  deliver('e')
  expect(asked.map(({ batch }) => batch)).toEqual([8, 3])
})

test('an older pull that expires with messages left does not hide that the newer one is used up', () => {
  let free = 2
  const { asked, deliver, status } = world({ free: () => free })
  deliver('a')
  free = 2
  expect(asked.map(({ batch }) => batch)).toEqual([2, 1])
  // The server gives this one out of the newer pull; then the older one expires unused.
  free = 1
  deliver('b')
  status(0, 408, 'Request Timeout', 1)
  expect(asked.map(({ batch }) => batch)).toEqual([2, 1, 1])
})

test('a pull that was refused counts for nothing; one that is heard of again counts no second time', () => {
  const { asked, status, consumption } = world({ free: () => 4 })
  status(0, 409, 'Exceeded MaxWaiting')
  status(0, 408, 'Request Timeout', 4)
  consumption.wake()
  expect(asked.map(({ batch }) => batch)).toEqual([4, 4])
})

test('after a reconnect what was asked before counts for nothing', () => {
  const { asked, reconnect, status } = world({ free: () => 4 })
  reconnect()
  status(0, 408, 'Request Timeout', 4)
  expect(asked.map(({ batch }) => batch)).toEqual([4, 4])
})

test('a consumer that is gone is made again, once, and asked again', async () => {
  const { asked, status, recreated } = world({ free: () => 4 })
  status(0, 409, 'Consumer Deleted')
  status(0, 503, 'No Responders')
  await expect.poll(() => asked.length).toBe(2)
  expect(recreated()).toBe(1)
})

test('a message that its handler cannot take is put back for a while, told of, and the next one is taken', () => {
  const { odd, deliver, failures, taken, said } = world({ free: () => 4 })
  deliver('bad')
  deliver('late')
  expect(odd.map(({ message }) => message)).toEqual(['d cannot take bad'])
  expect(failures).toEqual([])
  expect(taken).toEqual(['late'])
  expect(said).toEqual([{ to: 'ack.bad', what: '-NAK {"delay":30000000000}' }])
})

test('what comes while it is being closed is given back', async () => {
  const { said, taken, consumption } = world({ free: () => 4 })
  await consumption.close()
  expect(taken).toEqual([])
  expect(said).toEqual([{ to: 'ack.drained', what: '-NAK' }])
})

test('a new leader of the consumer is asked at once, and that of another is nothing to it', () => {
  const { asked, elect } = world({ free: () => 3 })
  elect('S')
  elect('S', 'other')
  elect('T', 'd')
  expect(asked).toHaveLength(1)
  elect('S', 'd')
  expect(asked.map(({ batch }) => batch)).toEqual([3, 3])
})
