// Attacks on sessions that lie in the archive: a part of `npm run test:long` and of `npm run attacks`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { framesOf } from '../../harness/api-frames.ts'
import { openArchivingWorld } from '../../harness/archive.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import type { World } from '../../harness/world.ts'
import { type Ask, askingWith } from '../people/history.ts'
import { Tally } from '../tally.ts'
import {
  archivedData,
  type Kept,
  keptSession,
  noteReads,
  tryArchivedFrames,
  tryLiveFrames,
  tryManyOrders,
} from './archive.ts'
import { damageObjects, hurtTree, noteDamaged, noteTree } from './archived-objects.ts'

const deadline = 240_000
let world: World
let admin: Ask
let environment: Readonly<Record<string, string>>
let memory: ServiceProcess
let executor: ServiceProcess

beforeAll(async () => {
  ;({ world, environment, executor } = await openArchivingWorld('resting'))
  memory = await world.start('memory', { environment })
  admin = askingWith(world, world.token)
}, deadline)
afterAll(() => world?.close(), deadline)

test(
  'no frame that says where a session lies makes it unreadable, or read as another',
  async () => {
    const tally = new Tally()
    const tried = [...(await tryArchivedFrames(world, 'resting')), ...(await tryLiveFrames(world, 'resting'))]
    await noteReads(admin, tried, 'at once', tally)
    await tryManyOrders(world, 'resting', tally)
    await noteReads(admin, tried, 'when orders were carried out', tally)
    await memory.kill()
    memory = await world.start('memory', { environment })
    // It sweeps behind its first round of archiving: whoever is archived second comes after that.
    for (let n = 0; n < 2; n++) await keptSession(world, 'resting')
    await noteReads(admin, tried, 'after memory has swept', tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  2 * deadline,
)

/** The object of before: the first frame that says so names it. */
async function older(kept: Kept): Promise<string> {
  const frames = await framesOf(world, kept.session)
  const first = archivedData(frames.map(({ frame }) => frame).find((frame) => archivedData(frame)))
  if (!first || first.object === kept.at.object) throw new Error(`${kept.session} has one object`)
  return first.object
}

test(
  'a session whose object is not what was put there is named, and nothing else is hurt by it',
  async () => {
    const tally = new Tally()
    const found = await damageObjects(world, 'resting', older)
    const tree = await hurtTree(world)
    // What they have read they keep for a while.
    await Promise.all([...world.gateways, memory, executor].map((service) => service.kill()))
    executor = await world.start('executor')
    await world.replaceGateway(world.gateways[0]!)
    await noteTree(admin, tree, 'without the index', tally)
    memory = await world.start('memory', { environment })
    await noteTree(admin, tree, 'with the index', tally)
    await noteDamaged(world, admin, found, tally)
    const next = await keptSession(world, 'resting').then(
      () => true,
      () => false,
    )
    tally.note('the archivist', 'have the archive stand still', next ? 'refused' : 'got through')
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  2 * deadline,
)
