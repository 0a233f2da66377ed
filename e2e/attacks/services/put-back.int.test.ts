// What was genuine once is stored again with the password of a service: a part of `npm run test:long` and of `npm run attacks`.
import path from 'node:path'
import { archivistUser } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRoleKeys } from '@reins/local'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'
import { type Ask, askingWith } from '../people/history.ts'
import { Tally } from '../tally.ts'
import { keptSession } from './archive.ts'
import { hideLive, putErasedBack, putFramesBack, putIndexBack, putPoolsBack, putSnapshotsBack } from './put-back.ts'

const deadline = 240_000
let world: World
let admin: Ask
let environment: Record<string, string>
let keys: Record<string, string>
let executor: ServiceProcess
let memory: ServiceProcess

beforeAll(async () => {
  world = await World.open()
  const folder = path.join(world.servers.folder, 'data')
  makeRoleKeys(folder)
  keys = { REINS_KEYS_DIR: folder }
  environment = {
    ...keys,
    REINS_ARCHIVE_AFTER: '1s',
    REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
  }
  await world.start('registry', { environment })
  await Promise.all([
    world.start('session-gateway', { environment: keys }),
    world.start('tool-runner', { environment: keys }),
  ])
  executor = await world.start('executor', { environment: keys })
  memory = await world.start('memory', { environment })
  admin = askingWith(world, world.token)
  await world.agent('resting')
}, deadline)
afterAll(() => world?.close(), deadline)

const restart = async (): Promise<void> => {
  await executor.kill()
  executor = await world.start('executor', { environment: keys })
}
const restartMemory = async (meanwhile: () => Promise<void> = async () => {}): Promise<void> => {
  await memory.kill()
  await meanwhile()
  memory = await world.start('memory', { environment })
}
/** `known`: what docs/security.md says is open, where somebody is quick enough to do it. */
const done = (tally: Tally, ...known: readonly string[]): void => {
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough().filter((one) => !known.includes(one))).toEqual([])
}

test(
  'snapshots, entries of pools, frames and the place of the index change nothing where they are put back',
  async () => {
    const tally = new Tally()
    // Whether it got through was once a matter of who came first.
    for (let n = 0; n < 5; n++) await putFramesBack(world, 'resting', tally, `put-back-${n}.txt`)
    await putSnapshotsBack(world, 'resting', restart, tally)
    await putPoolsBack(world, 'resting', restart, tally)
    await putIndexBack(world, admin, 'resting', restartMemory, tally)
    done(tally)
    // Where services have keys, it is not asked of memory's word alone.
    expect(await hideLive(world, admin, 'resting')).toBe(false)
  },
  2 * deadline,
)

test(
  'nothing of an erased session is read again, whatever is put back of it',
  async () => {
    const tally = new Tally()
    const sweep = async () => {
      await restartMemory()
      // It sweeps behind its first round of archiving: whoever is archived second comes after that.
      for (let n = 0; n < 2; n++) await keptSession(world, 'resting')
    }
    await putErasedBack(world, admin, 'resting', { restart, sweep }, tally)
    done(tally, 'session-gateway: have an erased session go on by a frame that is put back')
  },
  2 * deadline,
)
