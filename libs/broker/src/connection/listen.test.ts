import type { Msg } from '@nats-io/nats-core'
import { expect, test } from 'vitest'
import type { Broker } from './broker.ts'
import { listen } from './listen.ts'
import { makeHeaders } from './message-headers.ts'
import { serveRequests } from './requests.ts'

/** What comes over it is what the test says. */
function broker() {
  const heard = new Map<string, (error: Error | null, msg: Msg) => void>()
  const subscribe = (subject: string, { callback }: { callback: (error: Error | null, msg: Msg) => void }) => {
    heard.set(subject, callback)
    return { unsubscribe: () => heard.delete(subject) }
  }
  const say = (subject: string, more: Partial<Msg> = {}) =>
    heard.get(subject)?.(null, { subject, data: new TextEncoder().encode('{}'), ...more } as Msg)
  return { broker: { nc: { subscribe } } as unknown as Broker, say }
}

const read = makeHeaders([
  ['Nats-Stream', 'SES'],
  ['Nats-Sequence', '7'],
])

test('what the broker was made to say at a subject is heard there by nobody, but where the broker is who speaks', () => {
  const { broker: one, say } = broker()
  const heard: string[] = []
  listen(one, 'hb.executor.a', () => heard.push('beat'))
  listen(one, 'rp.ses.x', () => heard.push('frame'), { ofBroker: true })
  say('hb.executor.a', { headers: read })
  say('hb.executor.a', { reply: '$JS.ACK.SES.thief.1.7.1.0.0' })
  expect(heard).toEqual([])
  say('rp.ses.x', { headers: read })
  say('hb.executor.a', { headers: makeHeaders([['Reins-N', '7']]) })
  expect(heard).toEqual(['frame', 'beat'])
})

test('nothing is done for a request whose answer nobody hears, nor for one that the broker was made to say', async () => {
  const { broker: one, say } = broker()
  const done: string[] = []
  const handlers = { put: async () => ({ value: done.push('put') }) }
  serveRequests(one, 'registry', handlers, () => undefined)
  say('svc.registry.put')
  say('svc.registry.put', { headers: read })
  say('svc.registry.put', { headers: read, reply: '_INBOX.thief' })
  const answered = new Promise<void>((resolve) => {
    const respond = () => {
      resolve()
      return true
    }
    say('svc.registry.put', { reply: '_INBOX.session-gateway.answers.x', respond })
  })
  await answered
  expect(done).toEqual(['put'])
})
