import { randomBytes } from 'node:crypto'
import { type AgentDefinition, definitionDigest, ReinsError } from '@reins/contracts'
import { givenKeys, type Keyring, type KeyStore, keyText, makeKey, makeRecipient } from '@reins/secrets'
import { expect, test } from 'vitest'
import { type MemoryLog, memoryLog } from '../../test/memory-log.ts'
import { Keys } from './keys.ts'
import { Secrets } from './secrets.ts'

interface Store extends KeyStore {
  keyring: Keyring
}
function keyStore(): Store {
  const store: Store = {
    where: 'the key file',
    keyring: { current: makeKey(randomBytes(32)), older: [] },
    read: () => store.keyring,
    write: (keyring) => {
      store.keyring = keyring
    },
  }
  return store
}
let now = 100
const secretsOn = (
  log: MemoryLog,
  keys: KeyStore | undefined,
  pauseAt?: (point: string) => Promise<void> | undefined,
) => new Secrets({ log, keys: new Keys(keys, randomBytes), now: () => now++, ...(pauseAt ? { pauseAt } : {}) })

async function versionThatNames(log: MemoryLog, ...names: string[]): Promise<string> {
  const definition = {
    ...{ name: 'a', model: 'm/m', system_prompt: 'x' },
    mcp_servers: names.map((secret) => ({ url: 'https://example.com', auth: 'bearer', secret })),
  } satisfies AgentDefinition
  const digest = definitionDigest(definition)
  await log.write('version', digest, { digest, at: 1, by: 't', definition }, 0)
  return digest
}
async function resolve(secrets: Secrets, digest: string, ...names: string[]) {
  const recipient = makeRecipient()
  const { value } = await secrets.resolve({ names, digest, to: recipient.key })
  return { ...JSON.parse(recipient.open(value.values) ?? ''), missing: value.missing }
}
const codeOf = (error: unknown): string => (error instanceof ReinsError ? error.code : String(error))

test('a secret is set, listed without its value, changed, resolved, and removed', async () => {
  const log = memoryLog()
  const secrets = secretsOn(log, keyStore())
  const digest = await versionThatNames(log, 'TOKEN', 'OTHER')
  const first = await secrets.put('TOKEN', 'ghp_first_value', 'user:ann')
  expect(first.value.outcome).toBe('created')
  const second = await secrets.put('TOKEN', 'ghp_second_value', 'user:bob')
  expect(second.value).toEqual({
    outcome: 'updated',
    secret: { ...first.value.secret, updatedAt: second.value.secret.updatedAt, by: 'user:bob' },
  })
  expect((await secrets.list(10, undefined)).value).toEqual({ secrets: [second.value.secret] })
  expect((await secrets.get('TOKEN')).value).toEqual(second.value.secret)
  expect(await resolve(secrets, digest, 'TOKEN', 'OTHER')).toEqual({ TOKEN: 'ghp_second_value', missing: ['OTHER'] })
  await secrets.delete('TOKEN', 'user:ann')
  expect(await resolve(secrets, digest, 'TOKEN')).toEqual({ missing: ['TOKEN'] })
  expect((await secrets.list(10, undefined)).value).toEqual({ secrets: [] })
  expect(await secrets.delete('TOKEN', 'user:ann').catch(codeOf)).toBe('secret_not_found')
  expect(await secrets.get('TOKEN').catch(codeOf)).toBe('secret_not_found')
  expect(log.text()).not.toMatch(/ghp_|second_value/)
})

test('a process is given what the version names for which it asks, and nothing else', async () => {
  const log = memoryLog()
  const secrets = secretsOn(log, keyStore())
  await secrets.put('MINE', 'mine-value', 't')
  await secrets.put('THEIRS', 'theirs-value', 't')
  const digest = await versionThatNames(log, 'MINE')
  expect(await resolve(secrets, digest, 'MINE')).toMatchObject({ MINE: 'mine-value' })
  expect(await resolve(secrets, digest, 'MINE', 'THEIRS').catch(codeOf)).toBe('forbidden')
  expect(await resolve(secrets, '0'.repeat(32), 'MINE').catch(codeOf)).toBe('invalid_request')
})

test('a list comes in pages, by name', async () => {
  const secrets = secretsOn(memoryLog(), keyStore())
  for (const name of ['C', 'A', 'B']) await secrets.put(name, 'v', 't')
  const first = (await secrets.list(2, undefined)).value
  expect([first.secrets.map(({ name }) => name), first.next]).toEqual([['A', 'B'], 'B'])
  const rest = (await secrets.list(2, first.next)).value
  expect([rest.secrets.map(({ name }) => name), rest.next]).toEqual([['C'], undefined])
})

test.each(['', 'a b', '.a', '-a', 'a/b', 'a:b', 'é', 'a'.repeat(129)])('%j is no name', async (name) => {
  expect(await secretsOn(memoryLog(), keyStore()).put(name, 'v', 't').catch(codeOf)).toBe('invalid_request')
})

test('an empty value and one that is too large are refused, and no error repeats a value', async () => {
  const secrets = secretsOn(memoryLog(), keyStore())
  for (const value of ['', 'sesame'.repeat(3000)]) {
    const error = await secrets.put('A', value, 't').catch((thrown: unknown) => thrown)
    expect(codeOf(error)).toBe('invalid_request')
    expect(String(error)).not.toContain('sesame')
  }
})

test('without a key nothing is kept, and the error says where to give one', async () => {
  const error = await secretsOn(memoryLog(), undefined)
    .put('A', 'v', 't')
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'unavailable', next: expect.stringContaining('REINS_SECRETS_KEY') })
})

test('after a new key was made, everything is under it, and the old one opens nothing', async () => {
  const log = memoryLog()
  const keys = keyStore()
  const secrets = secretsOn(log, keys)
  const digest = await versionThatNames(log, 'A', 'B')
  await secrets.put('A', 'value-a', 't')
  await secrets.put('B', 'value-b', 't')
  const old = keys.keyring
  expect((await secrets.rotate()).value).toEqual({ outcome: 'rotated', key: keys.keyring.current.id, rewrapped: 2 })
  expect(keys.keyring.older).toEqual([])
  expect(keys.keyring.current.id).not.toBe(old.current.id)
  expect(await resolve(secrets, digest, 'A', 'B')).toMatchObject({ A: 'value-a', B: 'value-b' })
  const before = secretsOn(log, { ...keys, read: () => old })
  expect(await resolve(before, digest, 'A').catch(codeOf)).toBe('unavailable')
  expect(await before.problem()).toMatch(/opens A, B: bring the key back/)
})

test('killed anywhere in it, all secrets stay readable, and asked for again it ends with one key', async () => {
  const points: string[] = []
  const count = secretsOn(await filled(), keyStore(), (point) => void points.push(point))
  await count.rotate()
  expect(points.length).toBeGreaterThan(2)
  for (let die = 0; die < 5; die++) {
    const keys = keyStore()
    const log = await filled(keys)
    const digest = await versionThatNames(log, 'A', 'B', 'C')
    let steps = 0
    const dying = secretsOn(log, keys, () => {
      if (steps++ === die) throw new Error('killed')
    })
    await expect(dying.rotate()).rejects.toThrow('killed')
    const next = secretsOn(log, keys)
    const all = { A: 'value-A', B: 'value-B', C: 'value-C', missing: [] }
    expect(await resolve(next, digest, 'A', 'B', 'C')).toEqual(all)
    expect((await next.rotate()).value.outcome).toBe('finished')
    expect(keys.keyring.older).toEqual([])
    expect(await resolve(next, digest, 'A', 'B', 'C')).toEqual(all)
  }
})

test('what is set and removed while the key changes is under the new key, or gone', async () => {
  const keys = keyStore()
  const log = await filled(keys)
  const digest = await versionThatNames(log, 'A', 'B', 'C', 'D')
  const secrets = secretsOn(log, keys)
  const [, rotated] = await Promise.all([
    secrets.put('D', 'value-D', 't'),
    secrets.rotate(),
    secrets.put('A', 'new-A', 't'),
    secrets.delete('B', 't'),
  ])
  expect(rotated.value.outcome).toBe('rotated')
  expect(await resolve(secrets, digest, 'A', 'B', 'C', 'D')).toEqual({
    ...{ A: 'new-A', C: 'value-C', D: 'value-D' },
    missing: ['B'],
  })
})

test('a secret whose key is lost is named, and keeps no other from the new key', async () => {
  const keys = keyStore()
  const log = await filled(keys)
  keys.keyring = { current: makeKey(randomBytes(32)), older: [] }
  const secrets = secretsOn(log, keys)
  await secrets.put('A', 'again', 't')
  expect((await secrets.rotate()).value).toMatchObject({
    rewrapped: 1,
    next: 'No key opens these, so set them anew: reins secret set B, reins secret set C',
  })
})

test('keys that the operator gives: without a second one it says how; with it everything is under the first', async () => {
  const old = makeKey(randomBytes(32))
  const log = memoryLog()
  const digest = await versionThatNames(log, 'A')
  const alone = secretsOn(log, givenKeys(keyText(old), 'REINS_SECRETS_KEY'))
  await alone.put('A', 'value-a', 't')
  expect(await alone.rotate().catch((error: unknown) => error)).toMatchObject({
    code: 'invalid_request',
    next: expect.stringContaining('in front of the old one'),
  })
  const fresh = makeKey(randomBytes(32))
  const both = secretsOn(log, givenKeys(`${keyText(fresh)},${keyText(old)}`, 'REINS_SECRETS_KEY'))
  expect((await both.rotate()).value).toMatchObject({ outcome: 'rotated', key: fresh.id, rewrapped: 1 })
  expect((await both.rotate()).value).toMatchObject({ outcome: 'kept', rewrapped: 0 })
  const after = secretsOn(log, givenKeys(keyText(fresh), 'REINS_SECRETS_KEY'))
  expect(await resolve(after, digest, 'A')).toMatchObject({ A: 'value-a' })
})

async function filled(keys: KeyStore = keyStore()): Promise<MemoryLog> {
  const log = memoryLog()
  const secrets = secretsOn(log, keys)
  for (const name of ['A', 'B', 'C']) await secrets.put(name, `value-${name}`, 't')
  return log
}
