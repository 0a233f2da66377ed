import { randomBytes } from 'node:crypto'
import { ReinsError } from '@reins/contracts'
import { type Keyring, type KeyStore, makeKey } from '@reins/secrets'
import { Webhook as Receiver } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { memoryLog } from '../../test/memory-log.ts'
import { Keys } from './keys.ts'
import { Secrets } from './secrets.ts'
import { Webhooks } from './webhooks.ts'

function world(options: { allowPrivate?: boolean } = {}) {
  const log = memoryLog()
  let keyring: Keyring = { current: makeKey(randomBytes(32)), older: [] }
  const store: KeyStore = {
    where: 'the file',
    read: () => keyring,
    write: (next) => {
      keyring = next
    },
  }
  const keys = new Keys(store, randomBytes)
  let now = Date.now()
  let ids = 0
  const webhooks = new Webhooks({
    ...{ log, keys, now: () => now++, makeId: () => `id${++ids}`, sessionsAt: async () => ({ after: 41 }) },
    allowPrivate: options.allowPrivate ?? false,
  })
  const secrets = new Secrets({ log, keys, now: () => now++, beside: [webhooks.wrapped()] })
  return { log, webhooks, secrets }
}
const codeOf = (error: unknown): string => (error instanceof ReinsError ? error.code : String(error))
const url = 'https://example.com/hook'

test('a webhook is made with a secret that is shown once, listed, shown, and removed', async () => {
  const { log, webhooks } = world()
  const { value } = await webhooks.create(url, ['turn.failed'], 'user:ann')
  expect(value.secret).toMatch(/^whsec_[\w+/]{43}=$/)
  expect(value.webhook).toMatchObject({ id: 'wh_id1', url, on: ['turn.failed'], by: 'user:ann' })
  expect((await webhooks.list()).value).toEqual({ webhooks: [value.webhook] })
  expect((await webhooks.get('wh_id1')).value).toEqual(value.webhook)
  expect(log.text()).toContain('"after":41')
  expect(log.text()).not.toContain(value.secret.slice(6))
  await webhooks.delete('wh_id1', 'user:ann')
  expect((await webhooks.list()).value).toEqual({ webhooks: [] })
  expect(await webhooks.get('wh_id1').catch(codeOf)).toBe('webhook_not_found')
  expect(await webhooks.delete('wh_id1', 't').catch(codeOf)).toBe('webhook_not_found')
})

test('what is signed is what a library of Standard Webhooks verifies, also under a new key of the secrets', async () => {
  const { webhooks, secrets } = world()
  const { secret } = (await webhooks.create(url, ['*'], 't')).value
  const body = '{"type":"turn.failed","data":{"é":1}}'
  const at = Math.floor(Date.now() / 1000)
  const verified = async (sent: string) => {
    const { signature } = (await webhooks.sign({ id: 'wh_id1', delivery: 'msg_1', at, body })).value
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(at), 'webhook-signature': signature }
    return new Receiver(secret).verify(sent, headers)
  }
  expect(await verified(body)).toEqual(JSON.parse(body))
  await expect(verified(body.replace('1', '2'))).rejects.toThrow(/signature/)
  expect((await secrets.rotate()).value).toMatchObject({ outcome: 'rotated', rewrapped: 1 })
  expect(await verified(body)).toEqual(JSON.parse(body))
  expect(await webhooks.sign({ id: 'wh_none', delivery: 'm', at, body }).catch(codeOf)).toBe('webhook_not_found')
})

test('an address that is not public, and an event that there is not, are refused with what to do', async () => {
  const { webhooks } = world()
  const refusal = (to: string, ...on: string[]) => webhooks.create(to, on, 't').catch((error: Error) => error.message)
  expect(await refusal('https://10.0.0.1/', '*')).toContain('must be public')
  expect(await refusal('http://example.com/', '*')).toContain('https://')
  expect(await refusal(url, 'turn.fialed')).toContain('There is no event "turn.fialed"; did you mean "turn.failed"?')
  const allowed = world({ allowPrivate: true })
  expect((await allowed.webhooks.create('http://10.0.0.1/', ['*'], 't')).value.webhook.url).toBe('http://10.0.0.1/')
})

test('who may have so many has no more, and takes nothing from others', async () => {
  const { webhooks } = world()
  const make = (by: string, most?: number) => webhooks.create(url, ['*'], by, { most })
  const first = await make('ann', 2)
  await make('ann', 2)
  await expect(make('ann', 2)).rejects.toThrow('You have 2 webhooks already')
  await make('ben', 2)
  await webhooks.delete(first.value.webhook.id, 'ann')
  await make('ann', 2)
  await make('ann')
})

test('what an identity provider says of a maker is kept where it is news, of their own webhooks alone', async () => {
  const { webhooks } = world()
  const first = { roles: ['a', 'b'], at: 1000 }
  await webhooks.create(url, ['*'], 'user:idp:ann', { said: first })
  await webhooks.create(url, ['*'], 'user:idp:ann')
  await webhooks.create(url, ['*'], 'user:idp:ben', { said: first })
  const said = async (roles: string[], at: number) => (await webhooks.said('user:idp:ann', { roles, at })).value.changed
  expect(await said(['b', 'a'], 2000)).toBe(1) // of the one of which nothing was known
  expect(await said(['b', 'a'], 3000)).toBe(0)
  expect(await said(['a'], 500)).toBe(0)
  expect(await said(['a'], 4000)).toBe(2)
  expect(await said(['a'], 4000 + 86_400_000)).toBe(2)
})
