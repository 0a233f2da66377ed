// What is held open ends with the token that opened it.
import { ReinsError } from '@reins/contracts'
import { expect, test } from 'vitest'
import { type Credential, Leases } from './leases.ts'

function world() {
  const state = { now: 1000, revoked: new Set<string>(), questions: 0, broken: false }
  const leases = new Leases<Credential>({
    now: () => state.now,
    lookEveryMs: 3_600_000,
    standing: ({ key }) => {
      state.questions++
      if (state.broken) throw new ReinsError('unavailable')
      return state.revoked.has(key) ? new ReinsError('unauthorized', 'The token was revoked.') : undefined
    },
  })
  const ended: string[] = []
  const hold = (name: string, credential: Credential) =>
    leases.hold(credential, (why) => ended.push(`${name}: ${why.message}`))
  return { state, leases, ended, hold }
}

test('a lease ends when its token expires, or is revoked, and others go on', async () => {
  const { state, leases, ended, hold } = world()
  hold('short', { key: 'a', principal: 'ann', issued: 'here', expiresAt: 2000 })
  hold('long', { key: 'b', principal: 'ann', issued: 'here' })
  await leases.look()
  expect(ended).toEqual([])
  state.now = 2000
  await leases.look()
  expect(ended).toEqual(['short: The token has expired.'])
  state.revoked.add('b')
  await leases.look()
  await leases.look()
  expect(ended).toEqual(['short: The token has expired.', 'long: The token was revoked.'])
  expect(leases.size).toBe(0)
  leases.close()
})

test('ten thousand leases of one token are one question', async () => {
  const { state, leases, ended, hold } = world()
  const releases = Array.from({ length: 10_000 }, (_, at) =>
    hold(String(at), { key: 'same', principal: 'ann', issued: 'here' }),
  )
  await leases.look()
  expect(state.questions).toBe(1)
  for (const release of releases.slice(1)) release()
  state.revoked.add('same')
  await leases.look()
  expect(ended).toEqual(['0: The token was revoked.'])
  leases.close()
})

test('where nobody can say whether a token is good, its leases go on until it expires', async () => {
  const { state, leases, ended, hold } = world()
  hold('one', { key: 'a', principal: 'ann', issued: 'here', expiresAt: 5000 })
  state.broken = true
  await leases.look()
  expect(ended).toEqual([])
  state.now = 5000
  await leases.look()
  expect(ended).toHaveLength(1)
  leases.close()
})
