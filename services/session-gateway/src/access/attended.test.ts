// A request that takes its time ends with what it came with; one that is over sooner is nobody's affair.
import { ReinsError } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { Caller } from '../api/caller.ts'
import { Attended, type AttendedTo } from './attended.ts'
import { type Credential, Leases } from './leases.ts'
import { Quotas } from './quotas.ts'

const limits = {
  writesPerMinute: 2,
  bytesPerMinute: 1000,
  sessionsPerMinute: 2,
  readsPerMinute: 4,
  readsAtOnce: 2,
  streams: 2,
}

function world() {
  const state = { permissions: ['session:mine:read', 'session:theirs:read'], revoked: false }
  const leases = new Leases<Credential>({
    now: () => 0,
    lookEveryMs: 5,
    standing: () => (state.revoked ? new ReinsError('unauthorized', 'The token was revoked.') : undefined),
  })
  const ann = (): Caller => ({
    ...{ principal: 'ann', kind: 'person', by: 'user:ann', roles: [], permissions: state.permissions },
    credential: { key: 'a', principal: 'ann', issued: 'here' },
    again: ann,
  })
  const attended = new Attended(leases, new Quotas(limits, () => 0))
  const to: AttendedTo = { needs: [['session:{agent}:read']], about: { agent: 'mine' } }
  return { state, leases, attended, to, ann }
}

const never = new Promise<never>(() => undefined)

test('what is answered for ever is answered with why, when the token is revoked', async () => {
  const { state, leases, attended, to, ann } = world()
  let signal: AbortSignal | undefined
  const answer = attended.answered(ann(), to, (over) => {
    signal = over(new AbortController().signal)
    return never
  })
  state.revoked = true
  await expect(answer).rejects.toThrow('The token was revoked.')
  expect(signal?.aborted).toBe(true)
  expect(leases.size).toBe(0)
  leases.close()
})

test('it ends when what it needs was lost, and not when something else was', async () => {
  const { state, leases, attended, to, ann } = world()
  const gate = Promise.withResolvers<string>()
  const mine = attended.answered(ann(), to, () => never)
  const theirs = attended.answered(ann(), { ...to, about: { agent: 'theirs' } }, () => gate.promise)
  state.permissions = ['session:theirs:read', 'agent:mine:start']
  await expect(mine).rejects.toMatchObject({ code: 'unauthorized', details: { reason: 'permissions' } })
  gate.resolve('theirs')
  expect(await theirs).toBe('theirs')
  leases.close()
})

test('an answer that came first is given, and what fails then is nobody’s affair', async () => {
  const { state, leases, attended, to, ann } = world()
  expect(await attended.answered(ann(), to, async () => 'done')).toBe('done')
  const late = Promise.withResolvers<never>()
  const answer = attended.answered(ann(), to, () => late.promise)
  state.revoked = true
  await expect(answer).rejects.toThrow('revoked')
  late.reject(new Error('it came too late'))
  leases.close()
})

test('whoever waits takes a place of their streams, and gives it back', async () => {
  const { leases, attended, to, ann } = world()
  const closed = new AbortController().signal
  const gate = Promise.withResolvers<void>()
  const waiting = [1, 2].map(() =>
    attended.answered(ann(), to, (over) => {
      over(closed)
      return gate.promise
    }),
  )
  const third = () => attended.answered(ann(), to, async (over) => over(closed).aborted)
  await expect(third()).rejects.toMatchObject({ code: 'too_many_requests' })
  gate.resolve()
  await Promise.all(waiting)
  expect(await third()).toBe(false)
  leases.close()
})

test('what changes something takes of a share, and nothing is done beyond it', async () => {
  const { leases, attended, to, ann } = world()
  let done = 0
  const change = () => attended.answered(ann(), { ...to, changes: { bytes: 10 } }, async () => done++)
  await change()
  await change()
  await expect(change()).rejects.toMatchObject({ code: 'too_many_requests' })
  expect(done).toBe(2)
  leases.close()
})

test('what is read gives its place to the next one when it is answered, or when it begins to wait for something', async () => {
  const { leases, attended, to, ann } = world()
  const reads = { ...to, reads: true }
  const begun: string[] = []
  const open = Promise.withResolvers<void>()
  const first = attended.answered(ann(), reads, async (over) => {
    over(new AbortController().signal)
    await open.promise
  })
  const second = attended.answered(ann(), reads, () => open.promise)
  const third = attended.answered(ann(), reads, () => open.promise)
  const fourth = attended.answered(ann(), reads, async () => void begun.push('fourth'))
  await Promise.resolve()
  expect(begun).toEqual([])
  open.resolve()
  await Promise.all([first, second, third, fourth])
  expect(begun).toEqual(['fourth'])
  leases.close()
})

test('who was shut out while their request waited for its place is told so', async () => {
  const { state, leases, attended, to, ann } = world()
  const gone = (): Caller => ({
    ...ann(),
    again: () => {
      if (state.revoked) throw new ReinsError('unauthorized', 'The token was revoked.')
      return gone()
    },
  })
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const before = gates.map(({ promise }) => attended.answered(gone(), { ...to, reads: true }, () => promise))
  const late = attended.answered(gone(), { ...to, reads: true }, async () => 'read')
  state.revoked = true
  for (const gate of gates) gate.resolve()
  await expect(late).rejects.toThrow('The token was revoked.')
  await Promise.allSettled(before)
  leases.close()
})
