import type { Reply, Said } from '@reins/contracts'
import { expect, test } from 'vitest'
import { MakersSeen } from './makers-seen.ts'

function world(...webhooks: { by: string; said?: Said }[]) {
  const here = { told: [] as unknown[], away: false }
  const seen = new MakersSeen({
    webhooks: () => webhooks,
    call: async <T>(_subject: string, request: unknown): Promise<Reply<T>> => {
      here.told.push(request)
      if (here.away) throw new Error('nobody is there')
      return { ok: true, value: {} as T }
    },
  })
  return { here, seen }
}
const roles = ['reader']

test('a maker whom the provider says something else of is told of once, and nobody else is', async () => {
  const { here, seen } = world({ by: 'user:idp:ann', said: { roles, at: 100 } }, { by: 'user:idp:old' })
  seen.seen({ by: 'user:idp:ann', said: { roles, at: 200 } })
  seen.seen({ by: 'user:idp:ben', said: { roles: [], at: 200 } })
  seen.seen({ by: 'user:idp:old' })
  expect(here.told).toEqual([])
  for (const _ of [1, 2]) seen.seen({ by: 'user:idp:ann', said: { roles: [], at: 300 } })
  seen.seen({ by: 'user:idp:ann', said: { roles, at: 100 } })
  seen.seen({ by: 'user:idp:old', said: { roles, at: 100 } })
  expect(here.told).toEqual([
    { by: 'user:idp:ann', said: { roles: [], at: 300 } },
    { by: 'user:idp:old', said: { roles, at: 100 } },
  ])
})

test('what nobody heard is told again', async () => {
  const { here, seen } = world({ by: 'user:idp:ann', said: { roles, at: 100 } })
  here.away = true
  seen.seen({ by: 'user:idp:ann', said: { roles: [], at: 200 } })
  await expect
    .poll(() => {
      seen.seen({ by: 'user:idp:ann', said: { roles: [], at: 200 } })
      return here.told.length
    })
    .toBeGreaterThan(1)
})
