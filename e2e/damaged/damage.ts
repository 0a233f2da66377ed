// Sessions of a running product that cannot be read, each in a way of its own, beside some that can.
import { jetstream } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { connectBroker, eraseMessageSubject, lastMessage } from '@reins/broker'
import { archiveKeySubject, archivistUser, objectStores, sessionSubject, toLog } from '@reins/contracts'
import { type Ask, askingWith } from '../attacks/people/history.ts'
import { archivedData, type Kept, keptSession, of } from '../attacks/services/archive.ts'
import { eventually } from '../harness/eventually.ts'
import type { World } from '../harness/world.ts'
import { childAt, delegate } from '../team/events.ts'

export interface Damaged {
  /** By what was done to them. */
  readonly unreadable: Readonly<Record<string, string>>
  /** A message that is no frame stands in them. */
  readonly quarantined: Readonly<Record<string, string>>
  /** It waits for one of these. */
  readonly parent: string
  readonly fine: Kept
}

export async function damageSessions(world: World): Promise<Damaged> {
  const admin = askingWith(world, world.token)
  await world.agent('helping', { description: 'Delegate to it.' })
  await world.agent('leading', { agents: ['helping'], tools: [] })
  const [gone, flipped, swapped, cut, keyless, source, fine] = await keptSessions(world, 7)
  const fork = await admin('POST', of(source!.session, '/fork'), { message: 'say forked' })
  const forked = (JSON.parse(fork.text) as { session: { id: string } }).session.id
  await world.settled(forked)
  const ended = await endedSession(world, admin)
  const archivist = await connectBroker({ url: world.servers.natsUrl(archivistUser), name: 'somebody who damages' })
  try {
    const store = await new Objm(jetstream(archivist.nc)).open(objectStores.archive)
    const bytesOf = async ({ at }: Kept): Promise<Uint8Array> => (await store.getBlob(at.object)) ?? new Uint8Array()
    for (const one of [gone, source, ended]) await store.delete(one!.at.object)
    const bytes = await bytesOf(flipped!)
    bytes[40] = (bytes[40] ?? 0) ^ 4
    await store.putBlob({ name: flipped!.at.object }, bytes)
    await store.putBlob({ name: swapped!.at.object }, await bytesOf(fine!))
    await store.putBlob({ name: cut!.at.object }, (await bytesOf(cut!)).subarray(0, -9))
    const key = await lastMessage(world.broker, 'KEYS', archiveKeySubject(keyless!.session))
    const ask = JSON.stringify({ seq: key?.seq, no_erase: false })
    await archivist.request(eraseMessageSubject('KEYS'), ask, { withinMs: 3000 })
  } finally {
    await archivist.close()
  }
  const { session: odd } = await world.api.create('resting', 'say one')
  await world.settled(odd.id)
  await noFrame(world, odd.id)
  const { session: parent } = await world.api.create(
    'leading',
    delegate({ agent: 'helping', instruction: 'shell sleep 5' }),
  )
  const child = await eventually(async () => (await childAt(world, parent.id)) || undefined, { withinMs: 30_000 })
  // Its first frame is another's than the one that asked for it.
  await eventually(async () => (await world.readLog(child)).length > 0, { withinMs: 30_000 })
  await noFrame(world, child)
  const unreadable = {
    ...{ gone: gone!.session, flipped: flipped!.session, swapped: swapped!.session, cut: cut!.session },
    ...{ keyless: keyless!.session, source: source!.session, fork: forked, ended: ended.session },
  }
  return { unreadable, quarantined: { odd: odd.id, child }, parent: parent.id, fine: fine! }
}

const keptSessions = (world: World, count: number): Promise<Kept[]> =>
  Promise.all(Array.from({ length: count }, () => keptSession(world, 'resting')))

async function endedSession(world: World, admin: Ask): Promise<Kept> {
  const kept = await keptSession(world, 'resting')
  await admin('POST', of(kept.session, '/end'))
  const at = await eventually(
    async () => {
      const said = (await world.readLog(kept.session)).flatMap(({ frame }) => archivedData(frame) ?? []).at(-1)
      return said?.object === kept.at.object ? undefined : said
    },
    { withinMs: 60_000, describe: () => `${kept.session} is archived once more` },
  )
  return { ...kept, at }
}

const noFrame = (world: World, session: string) =>
  jetstream(world.broker.nc).publish(sessionSubject(session, 'e', toLog), 'no frame')
