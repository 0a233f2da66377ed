import { ReinsError } from '@reins/contracts'
import { expect, test } from 'vitest'
import { fakeServer } from '../../test/fakes.ts'
import { DevValues } from './dev-values.ts'

const declared = { env: ['REGION'], secrets: ['KEY'] }
const file = 'REGION=eu\nKEY=sk-very-secret\nOTHER=stays'

function reins() {
  const server = fakeServer()
  const { secrets } = server.client
  secrets.get = async (name) => {
    if (!server.secrets.has(name)) throw new ReinsError('secret_not_found')
    return { name, createdAt: 1, updatedAt: 1, by: 'user:admin' }
  }
  return server
}

test('what the project declares is set from .env, again when it changes, and no value is printed', async () => {
  const server = reins()
  const values = new DevValues(server.client, false)
  expect(await values.give(declared, file)).toEqual([
    'Set the config REGION from .env.',
    'Set the secret KEY from .env.',
  ])
  expect([server.configs.get('REGION'), server.secrets.get('KEY'), server.configs.has('OTHER')]).toEqual([
    'eu',
    'sk-very-secret',
    false,
  ])
  expect(await values.give(declared, file)).toEqual([])
  expect(await values.give(declared, file.replace('eu', 'us'))).toEqual(['Set the config REGION from .env.'])
})

test('a Reins that was there keeps its values; one of the command takes those of .env', async () => {
  const server = reins()
  server.secrets.set('KEY', 'of the operator')
  const shared = await new DevValues(server.client, false).give(declared, file)
  expect(shared).toContain('This Reins has the secret KEY already; the one in .env is not used.')
  expect(server.secrets.get('KEY')).toBe('of the operator')
  await new DevValues(server.client, true).give(declared, file)
  expect(server.secrets.get('KEY')).toBe('sk-very-secret')
})

test('what is missing everywhere is said once', async () => {
  const values = new DevValues(reins().client, true)
  const missing = ['The secret KEY is not set. Write it into .env, or: reins secret set KEY']
  expect(await values.give({ secrets: ['KEY'] }, undefined)).toEqual(missing)
  expect(await values.give({ secrets: ['KEY'] }, 'KEY=')).toEqual([])
})
