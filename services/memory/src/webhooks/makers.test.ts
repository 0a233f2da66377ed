import type { PrincipalEntry, RoleEntry } from '@reins/contracts'
import { expect, test } from 'vitest'
import { type MakersRegistry, mayStillHear, standingOf } from './makers.ts'

const principal = (more: Partial<PrincipalEntry>): PrincipalEntry => ({
  ...{ name: 'mallory', kind: 'person', roles: [], permissions: [], banned: false, createdAt: 1, updatedAt: 1 },
  ...{ by: 'user:admin', ...more },
})
const listener: RoleEntry = {
  ...{ name: 'listener', permissions: ['webhook:*', 'session:mine:read'], deleted: false },
  ...{ createdAt: 1, updatedAt: 1, by: 'user:admin' },
}
const registry = (more: Partial<PrincipalEntry> | undefined, tokens: ReturnType<MakersRegistry['tokens']> = []) => ({
  principal: (name: string) => (more === undefined ? undefined : principal({ name, ...more })),
  role: (name: string) => (name === 'listener' ? listener : undefined),
  tokens: () => tokens,
})
const maker = (more: Partial<PrincipalEntry> | undefined, by = 'user:mallory') =>
  standingOf({ by }, registry(more), 100)
const hears = (standing: ReturnType<typeof standingOf>, agent: string | undefined = 'mine') =>
  mayStillHear(standing, '01ARZ3NDEKTSV4RRFFQ69G5FAV', agent)

test('a ban ends it, also for somebody whom an identity provider knows', () => {
  for (const by of ['user:mallory', 'user:idp.example-1:mallory'])
    expect(hears(maker({ banned: true, permissions: ['*'] }, by))).toBe(false)
})

test('whoever may make no webhook any more, or read that session no more, is told nothing of it', () => {
  expect(hears(maker({ permissions: ['session:mine:read'] }))).toBe(false)
  expect(hears(maker({ permissions: ['webhook:*:manage'] }))).toBe(false)
  expect(hears(maker({ roles: ['listener'] }))).toBe(true)
  expect(hears(maker({ roles: ['listener'] }), 'other')).toBe(false)
  expect(mayStillHear(maker({ roles: ['listener'] }), '01ARZ3NDEKTSV4RRFFQ69G5FAV', undefined)).toBe(false)
  expect(hears(maker({ roles: ['gone'] }))).toBe(false)
  const both = ['webhook:*:manage', 'agent:mine:session:read']
  expect(hears(maker({ permissions: both }))).toBe(false)
  expect(hears(maker({ permissions: [...both, 'execution:01ARZ3NDEKTSV4RRFFQ69G5FAV:read'] }))).toBe(true)
})

test('whoever may read all is told what the webhook says, and so is whoever is not kept here', () => {
  for (const standing of [
    maker({ permissions: ['*'] }),
    maker({ roles: ['admin'] }),
    maker({ permissions: ['sessions:read', 'webhook:*:manage'] }),
    maker(undefined),
    // Of an older version: nobody has said anything of its maker since.
    maker({ permissions: [] }, 'user:idp.example-1:ann'),
    maker(undefined, 'app:shop'),
  ])
    expect(standing).toBe('as-made')
})

test('tokens with permissions of their own count while they are good', () => {
  const token = { principal: 'mallory', permissions: ['webhook:*:manage', 'session:mine:read'], revoked: false }
  const standing = (more: object) => standingOf({ by: 'user:mallory' }, registry({}, [{ ...token, ...more }]), 100)
  expect(hears(standing({}))).toBe(true)
  for (const more of [{ revoked: true }, { expiresAt: 99 }, { principal: 'ann' }, { scope: ['*'] }])
    expect(hears(standing(more))).toBe(false)
})

test('of somebody whom an identity provider knows counts what it said last, with what Reins grants, for thirty days', () => {
  const day = 86_400_000
  const by = 'user:idp.example-1:ann'
  const standing = (roles: readonly string[], days: number, more?: Partial<PrincipalEntry>) =>
    standingOf({ by, said: { roles: [...roles], at: 100 } }, registry(more), 100 + days * day)
  expect(hears(standing(['listener'], 0))).toBe(true)
  expect(hears(standing(['listener'], 0), 'other')).toBe(false)
  expect(hears(standing(['admin'], 29), 'other')).toBe(true)
  expect(hears(standing([], 0))).toBe(false)
  expect(hears(standing(['listener'], 31))).toBe(false)
  expect(hears(standing(['listener'], 0, { banned: true }))).toBe(false)
  expect(hears(standing([], 0, { permissions: ['webhook:*:manage', 'session:mine:read'] }))).toBe(true)
})
