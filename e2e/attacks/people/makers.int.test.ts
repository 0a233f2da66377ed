// Attacks by who made something that goes on by itself, has something open, or would like more than its share: a part of
// `npm run test:long` and of `npm run attacks`.
import { afterAll, beforeAll, test } from 'vitest'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'
import { refusedAll } from '../refused-all.ts'
import { Tally } from '../tally.ts'
import { Provider, tryDemoted } from './demoted.ts'
import { tryKeptOpen } from './kept-open.ts'
import { tryManyRecords } from './many-records.ts'
import { shareSettings, tryShares } from './shares.ts'

const deadline = 240_000
let world: World
let executor: ServiceProcess

beforeAll(async () => {
  world = await World.open()
  const environment = { REINS_ALLOW_PRIVATE_WEBHOOKS: '1' }
  await world.start('registry', { environment })
  const [one] = await Promise.all([
    world.start('executor'),
    world.start('tool-runner'),
    world.start('memory', { environment }),
    world.start('session-gateway', { environment }),
  ])
  executor = one
  await world.agent('mine')
  await world.agent('theirs')
}, deadline)
afterAll(() => world?.close(), deadline)

test(
  'whatever somebody has open ends with the token, and with what it may, and says why',
  async () => {
    const tally = new Tally()
    await tryKeptOpen(world, executor, tally)
    refusedAll(tally)
  },
  3 * deadline,
)

test(
  'nobody takes more than their share, at no door that changes something or holds something open',
  async () => {
    const tally = new Tally()
    const small = await world.start('session-gateway', { environment: shareSettings })
    await tryShares(world, small.url, tally)
    refusedAll(tally)
  },
  2 * deadline,
)

test(
  'nobody fills the registry by making and removing what is kept for ever',
  async () => {
    const tally = new Tally()
    await tryManyRecords(world, tally)
    refusedAll(tally)
  },
  2 * deadline,
)

test(
  'whom an identity provider says less of is told less, by webhooks, streams and older tokens',
  async () => {
    const tally = new Tally()
    const provider = await Provider.start()
    try {
      const environment = { ...provider.settings, REINS_ALLOW_PRIVATE_WEBHOOKS: '1' }
      const knowing = await world.start('session-gateway', { environment })
      await tryDemoted(world, knowing.url, provider, tally)
    } finally {
      provider.close()
    }
    refusedAll(tally)
  },
  3 * deadline,
)
