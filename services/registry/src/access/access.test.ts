import type { TokenEntry } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { memoryLog } from '../../test/memory-log.ts'
import { AccessEntries } from './access.ts'
import { ensureTokens } from './bootstrap-tokens.ts'

const by = 'user:admin'
const hash = (letter: string) => letter.repeat(64)

async function registry() {
  const log = memoryLog()
  let now = 1000
  const clock = { now: () => now++, random: () => 0.5 }
  const bootstrap = { hash: hash('a'), principal: 'admin', permissions: ['*'] }
  await ensureTokens(log, [bootstrap], clock)
  const again = (letter = 'a') => ensureTokens(log, [{ ...bootstrap, hash: hash(letter) }], clock)
  return { log, access: new AccessEntries({ log, now: clock.now }), again }
}

const create = (name: string, roles: string[] = [], permissions: string[] = []) => ({
  ...{ name, by },
  change: { kind: 'create' as const, as: 'person' as const, roles, permissions },
})

describe('the token of the first start', () => {
  const revoked = async ({ log }: Awaited<ReturnType<typeof registry>>, letter: string) =>
    ((await log.last('token', hash(letter)))?.value as TokenEntry | undefined)?.revoked

  test('is revoked where another has taken its place, and no token that somebody made is', async () => {
    const made = await registry()
    await made.access.createToken({ hash: hash('b'), principal: 'admin', scope: ['*'], by })
    await made.again('c')
    expect([await revoked(made, 'a'), await revoked(made, 'b'), await revoked(made, 'c')]).toEqual([true, false, false])
    await made.again('a')
    expect([await revoked(made, 'a'), await revoked(made, 'c')]).toEqual([true, false])
  })

  test('stays where a process starts that brings none', async () => {
    const made = await registry()
    await ensureTokens(made.log, [], { now: () => 1, random: () => 0 })
    expect(await revoked(made, 'a')).toBe(false)
  })
})

describe('principals', () => {
  test('the first token has its principal beside it, with the role admin, and a ban of it stays', async () => {
    const { log, access, again } = await registry()
    expect((await log.last('principal', 'admin'))?.value).toMatchObject({ roles: ['admin'], banned: false })
    await access.changePrincipal(create('ann', ['admin']))
    await access.createToken({ hash: hash('b'), principal: 'ann', scope: ['*'], by })
    await access.changePrincipal({ name: 'admin', change: { kind: 'ban', reason: 'left' }, by })
    await again()
    expect((await log.last('principal', 'admin'))?.value).toMatchObject({ banned: true, reason: 'left' })
  })

  test('are granted roles that there are, and lose them', async () => {
    const { access } = await registry()
    await access.putRole({ name: 'reader', permissions: ['agent:*:read'], create: true, by })
    await access.changePrincipal(create('ann'))
    const grant = { kind: 'grant' as const, roles: ['reader', 'viewer'], permissions: ['budget:raise'] }
    const { value } = await access.changePrincipal({ name: 'ann', change: grant, by })
    expect(value.entry).toMatchObject({ roles: ['reader', 'viewer'], permissions: ['budget:raise'] })
    const revoke = { ...grant, kind: 'revoke' as const, roles: ['viewer'] }
    expect((await access.changePrincipal({ name: 'ann', change: revoke, by })).value.entry).toMatchObject({
      ...{ roles: ['reader'], permissions: [] },
    })
    const unknown = { ...grant, roles: ['Reader'] }
    await expect(access.changePrincipal({ name: 'ann', change: unknown, by })).rejects.toMatchObject({
      code: 'role_not_found',
    })
    await expect(access.changePrincipal({ name: 'bob', change: grant, by })).rejects.toMatchObject({
      code: 'principal_not_found',
    })
    await expect(access.changePrincipal(create('ann'))).rejects.toMatchObject({ code: 'principal_exists' })
  })

  test('can be banned before they ever came, and are told apart from nobody', async () => {
    const { access } = await registry()
    const { value } = await access.changePrincipal({ name: 'corp:eve', change: { kind: 'ban' }, by })
    expect(value.entry).toMatchObject({ name: 'corp:eve', banned: true, roles: [] })
  })
})

describe('roles', () => {
  test('of Reins are nobody’s to make, change or delete', async () => {
    const { access } = await registry()
    for (const name of ['admin', 'operator', 'viewer']) {
      for (const create of [true, false])
        expect(() => access.putRole({ name, permissions: ['*'], create, by })).toThrow('a role of Reins itself')
      expect(() => access.deleteRole(name, by)).toThrow('a role of Reins itself')
    }
  })

  test('hold permissions of the grammar alone', async () => {
    const { access } = await registry()
    for (const permission of ['agent:cod*:start', 'agent::x', '', 'agent:ｃoder:start', 'a b'])
      expect(() => access.putRole({ name: 'odd', permissions: [permission], create: true, by })).toThrow(
        'is no permission',
      )
  })

  test('that somebody has are not deleted, and a name that was deleted is free again', async () => {
    const { access } = await registry()
    const role = { name: 'reader', permissions: ['agent:*:read'], by }
    await access.putRole({ ...role, create: true })
    await expect(access.putRole({ ...role, create: true })).rejects.toMatchObject({ code: 'role_exists' })
    await access.changePrincipal(create('ann', ['reader']))
    await expect(access.deleteRole('reader', by)).rejects.toThrow('is held by ann')
    await access.changePrincipal({ name: 'ann', change: { kind: 'revoke', roles: ['reader'], permissions: [] }, by })
    await access.deleteRole('reader', by)
    await expect(access.putRole({ ...role, create: false })).rejects.toMatchObject({ code: 'role_not_found' })
    await access.putRole({ ...role, create: true })
  })
})

describe('tokens', () => {
  test('are kept by their hash, and once revoked stay so', async () => {
    const { access, log, again } = await registry()
    await access.changePrincipal(create('ann', ['admin']))
    await access.createToken({ hash: hash('b'), principal: 'ann', scope: ['*'], by })
    await access.revokeToken(hash('a'), by)
    await again()
    expect((await log.last('token', hash('a')))?.value as TokenEntry).toMatchObject({ revoked: true })
    await expect(access.revokeToken(hash('a'), by)).rejects.toMatchObject({ code: 'token_not_found' })
    await expect(access.createToken({ hash: hash('c'), principal: 'bob', scope: ['*'], by })).rejects.toMatchObject({
      code: 'principal_not_found',
    })
  })
})

describe('somebody is left who may everything', () => {
  const refused = { code: 'last_admin' }

  test('whatever is taken from the last one', async () => {
    const { access } = await registry()
    await expect(access.revokeToken(hash('a'), by)).rejects.toMatchObject(refused)
    await expect(access.changePrincipal({ name: 'admin', change: { kind: 'ban' }, by })).rejects.toMatchObject(refused)
  })

  test('and one whose token ends, or may less, or who is banned, is none', async () => {
    const { access } = await registry()
    await access.changePrincipal(create('ann', ['admin']))
    await access.createToken({ hash: hash('b'), principal: 'ann', scope: ['*'], expiresAt: 9e12, by })
    await access.createToken({ hash: hash('c'), principal: 'ann', scope: ['agent:*'], by })
    await expect(access.revokeToken(hash('a'), by)).rejects.toMatchObject(refused)
    await access.createToken({ hash: hash('d'), principal: 'ann', scope: ['*'], by })
    await access.changePrincipal({ name: 'ann', change: { kind: 'ban' }, by })
    await expect(access.revokeToken(hash('a'), by)).rejects.toMatchObject(refused)
    await access.changePrincipal({ name: 'ann', change: { kind: 'unban' }, by })
    await access.revokeToken(hash('a'), by)
    const revoke = { kind: 'revoke' as const, roles: ['admin'], permissions: [] }
    await expect(access.changePrincipal({ name: 'ann', change: revoke, by })).rejects.toMatchObject(refused)
  })

  test('also by a role of one’s own, which then keeps that', async () => {
    const { access } = await registry()
    await access.putRole({ name: 'root', permissions: ['*'], create: true, by })
    await access.changePrincipal(create('ann', ['root']))
    await access.createToken({ hash: hash('b'), principal: 'ann', scope: ['*'], by })
    await access.revokeToken(hash('a'), by)
    await expect(access.putRole({ name: 'root', permissions: ['agent:*'], create: false, by })).rejects.toMatchObject(
      refused,
    )
  })

  test('and two that ban each other at once are not both let do it', async () => {
    const { access } = await registry()
    await access.changePrincipal(create('ann', ['admin']))
    await access.createToken({ hash: hash('b'), principal: 'ann', scope: ['*'], by })
    const bans = await Promise.allSettled(
      ['admin', 'ann'].map((name) => access.changePrincipal({ name, change: { kind: 'ban' }, by })),
    )
    expect(bans.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})
