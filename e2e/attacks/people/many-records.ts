// One principal that makes what the registry keeps for ever, and removes it again: each service would hold all of it, and read it at its start.
import { maxMadeInADay } from '@reins/contracts'
import type { World } from '../../harness/world.ts'
import { type Ask, principalWith } from './history.ts'
import type { Tally } from '../tally.ts'

/** Whether it was made. */
type Make = (ask: Ask, at: number) => Promise<boolean>

const made = async (asked: ReturnType<Ask>): Promise<boolean> => (await asked).status < 300

const kinds: Readonly<Record<string, { readonly permissions: readonly string[]; readonly make: Make }>> = {
  tokens: {
    permissions: ['token:*:*'],
    async make(ask) {
      const { status, text } = await ask('POST', '/v1/tokens', { permissions: ['token:one:read'] })
      if (status >= 300) return false
      await ask('DELETE', `/v1/tokens/${(JSON.parse(text) as { token: { id: string } }).token.id}`)
      return true
    },
  },
  principals: {
    permissions: ['principal:*:manage'],
    make: (ask, at) => made(ask('POST', '/v1/principals', { name: `made-${at}` })),
  },
  roles: {
    permissions: ['role:*:manage'],
    make: (ask, at) => made(ask('POST', `/v1/roles/made-${at}`, { permissions: [] })),
  },
  configs: {
    permissions: ['config:*:manage'],
    make: (ask, at) => made(ask('PUT', `/v1/configs/made-${at}`, { value: 1 })),
  },
}

const atOnce = 20

export async function tryManyRecords(world: World, tally: Tally): Promise<void> {
  for (const [kind, { permissions, make }] of Object.entries(kinds)) {
    const ask = await principalWith(world, `greedy-for-${kind}`, permissions)
    let count = 0
    for (let at = 0; at < maxMadeInADay + 5 * atOnce; at += atOnce) {
      const some = await Promise.all(Array.from({ length: atOnce }, (_, one) => make(ask, at + one)))
      const there = some.filter(Boolean).length
      count += there
      if (there === 0) break
    }
    // Some are asked for before the others are written.
    const through = count > maxMadeInADay + atOnce
    tally.note('a principal with a share', `make ${count} ${kind} in a day`, through ? 'got through' : 'refused')
  }
}
