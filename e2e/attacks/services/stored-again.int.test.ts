// What services keep beside the sessions, stored again or spoiled with a stolen password: a part of `npm run test:long` and of `npm run attacks`.
import path from 'node:path'
import { makeRoleKeys } from '@reins/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'
import { type Ask, askingWith } from '../people/history.ts'
import { Tally } from '../tally.ts'
import { tryFloors, tryKeys, tryMemories, tryOutputs, tryPlaces, tryRollups, tryTimers } from './stored-again.ts'

const deadline = 240_000
const expiresMs = 12_000
let world: World
let admin: Ask
let environment: Record<string, string>
const services: Partial<Record<'registry' | 'memory', ServiceProcess>> = {}

beforeAll(async () => {
  world = await World.open()
  const folder = path.join(world.servers.folder, 'data')
  makeRoleKeys(folder)
  environment = { REINS_KEYS_DIR: folder }
  services.registry = await world.start('registry', { environment })
  await Promise.all([
    world.start('session-gateway', { environment }),
    world.start('tool-runner', { environment }),
    world.start('executor', { environment }),
  ])
  services.memory = await world.start('memory', { environment })
  admin = askingWith(world, world.token)
  await world.agent('helper')
  await world.agent('hurried', { approvals: { expires: `${expiresMs / 1000}s`, tools: { shell: 'always' } } })
}, deadline)
afterAll(() => world?.close(), deadline)

const restart = async (name: 'registry' | 'memory', meanwhile: () => Promise<void> = async () => {}): Promise<void> => {
  await services[name]?.kill()
  await meanwhile()
  services[name] = await world.start(name, { environment })
}
/** `known`: what docs/security.md says is open. */
const done = (tally: Tally, ...known: readonly string[]): void => {
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough()).toEqual(known)
}

test(
  'what is kept of a request answers no other one, and does not let it happen twice, whoever stores it again or takes it away',
  async () => {
    const tally = new Tally()
    await tryKeys(world, 'helper', tally)
    done(tally)
  },
  2 * deadline,
)

test(
  'a timer fires when an executor has armed it to, and not before, by whatever is stored',
  async () => {
    const tally = new Tally()
    await tryTimers(world, { agent: 'hurried', expiresMs }, tally)
    done(tally)
  },
  2 * deadline,
)

test(
  'what was forgotten, and what another scope remembers, does not come back',
  async () => {
    const tally = new Tally()
    await tryMemories(world, admin, () => restart('memory'), tally)
    done(tally)
  },
  2 * deadline,
)

test(
  'places beyond everything, and floors, leave nothing out',
  async () => {
    const tally = new Tally()
    await tryFloors(world, 'helper', tally)
    await tryPlaces(world, admin, 'helper', restart, tally)
    done(tally)
  },
  2 * deadline,
)

test(
  'an output is shown as the one that it is',
  async () => {
    const tally = new Tally()
    await tryOutputs(world, admin, 'helper', tally)
    done(tally)
  },
  2 * deadline,
)

// It takes away what the others need, so it is the last.
test(
  'one message takes away no store but those of which docs/security.md says so',
  async () => {
    const tally = new Tally()
    await tryRollups(world, tally)
    done(
      tally,
      'executor: take away all kept outputs by one message',
      'executor: take away all timers by one message',
      'memory: take away all timers by one message',
      'registry: take away all code of users by one message',
      'session-gateway: take away all kept outputs by one message',
      'tool-runner: take away all kept outputs by one message',
    )
  },
  2 * deadline,
)
