// Sessions at rest on three nats-servers with three copies: their frames leave the stream for the archive, on one stream of sessions and on
// four, and are read, gone on with and listed as before, also while the node that led their stream is away.
import { jetstreamManager } from '@nats-io/jetstream'
import { callService, findSessionStreams } from '@reins/broker'
import { archivistUser, type RebuildProgress, type SessionInfo, serviceSubject } from '@reins/contracts'
import { expect, onTestFinished, test } from 'vitest'
import { framesOf, rested } from '../harness/api-frames.ts'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'

const deadline = 420_000

/** Its last word is that it was archived. */
const lieInTheArchive = (world: World, sessions: readonly string[]): Promise<boolean> =>
  eventually(
    async () => {
      const all = await Promise.all(sessions.map((session) => framesOf(world, session)))
      return all.every((frames) => frames.at(-1)?.frame.events[0]?.type === 'session.archived')
    },
    { withinMs: 120_000, describe: () => 'all sessions at rest are archived' },
  )

/** And of what nobody but services said nothing else stands in its stream. */
async function areArchived(world: World, sessions: readonly string[]): Promise<void> {
  await lieInTheArchive(world, sessions)
  const { names } = await findSessionStreams(world.broker)
  const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
  const roles = 'etm'.split('')
  await eventually(
    async () => {
      const counts = await Promise.all(
        names.map(async (name) => {
          const { state } = await manager.streams.info(name, { subjects_filter: 'ses.>' })
          const said = Object.entries(state.subjects ?? {}).filter(([subject]) =>
            roles.includes(subject.split('.')[4] ?? ''),
          )
          return said.reduce((sum, [, count]) => sum + count, 0)
        }),
      )
      return counts.reduce((sum, count) => sum + count, 0) === sessions.length
    },
    { withinMs: 120_000, describe: () => 'of each session one frame of a service is left in the streams' },
  )
}

test.each(['1', '4'])(
  'on three nodes, number of streams: %s: sessions at rest leave them and read as before, also with a node less',
  async (count) => {
    const world = await World.open({ nodes: 3 })
    onTestFinished(() => world.close(), deadline)
    const environment = {
      ...{ REINS_ARCHIVE_AFTER: '1s', REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser) },
      REINS_SESSION_STREAMS: count,
    }
    await world.start('registry', { environment })
    await Promise.all([
      ...[0, 1].map(() => world.start('session-gateway')),
      ...(['tool-runner', 'executor'] as const).map((name) => world.start(name)),
      world.start('memory', { environment }),
    ])
    await world.agent('resting')
    const { names } = await findSessionStreams(world.broker)
    expect(names).toHaveLength(Number(count))
    const sessions = await Promise.all(
      Array.from({ length: 6 }, async (_, at) => (await world.api.create('resting', `!shell echo ${at}`)).session.id),
    )
    for (const session of sessions) await rested(world, session, 1)
    await areArchived(world, sessions)
    const before = new Map(await Promise.all(sessions.map(async (one) => [one, await framesOf(world, one)] as const)))

    // The node that leads their stream dies: they are read, and go on, and go to the archive again.
    const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
    const led = (await manager.streams.info(names.at(-1) ?? '')).cluster?.leader ?? ''
    const node = Number(led.replace('node-', ''))
    await world.servers.cluster?.kill(node)
    for (const session of sessions) {
      const key = { key: `again-${session}`, withinMs: 120_000, patienceMs: 60_000 }
      const { status } = await world.api.stubborn(
        'POST',
        `/v1/sessions/${session}/messages`,
        { content: 'say two' },
        key,
      )
      expect(status).toBe(202)
    }
    for (const session of sessions) await rested(world, session, 2)
    // What leaves the stream leaves it when every copy is there.
    await lieInTheArchive(world, sessions)
    await world.servers.cluster?.start(node, 'empty')
    await areArchived(world, sessions)
    for (const [session, frames] of before)
      expect((await framesOf(world, session)).slice(0, frames.length)).toEqual(frames)

    const rows = async () => {
      const { body } = await world.api.once<{ sessions: SessionInfo[] }>('GET', '/v1/sessions?limit=200')
      return body.sessions?.map(({ id, turns, status }) => `${id} ${turns} ${status}`).sort()
    }
    const listed = await eventually(async () => {
      const found = await rows()
      return found?.length === sessions.length && found.every((row) => row.endsWith('2 idle')) && found
    })
    const ask = (verb: string) => callService(world.broker, serviceSubject('memory', verb), {})
    await ask('rebuild')
    await eventually(async () => {
      const reply = await ask('rebuild.progress')
      return 'value' in reply && (reply.value as RebuildProgress).kind === 'done'
    })
    expect(await rows()).toEqual(listed)
  },
  deadline,
)
