// A product whose sessions go to the archive as soon as they are at rest, and what its stream holds of one then.
import { archivistUser, parseSessionSubject, sessionFilter } from '@reins/contracts'
import { eventually } from './eventually.ts'
import type { ServiceProcess } from './service-process.ts'
import { World } from './world.ts'

export interface ArchivingWorld {
  readonly world: World
  /** Of each memory that the caller starts. */
  readonly environment: Readonly<Record<string, string>>
  readonly executor: ServiceProcess
}

/** All but memory. Whoever opens it closes the world. */
export async function openArchivingWorld(agent: string): Promise<ArchivingWorld> {
  const world = await World.open()
  const environment = {
    REINS_ARCHIVE_AFTER: '1s',
    REINS_ARCHIVE_LOOK_EVERY: '2s',
    REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
  }
  // Who comes first makes the streams.
  await world.start('registry', { environment })
  const [executor] = await Promise.all([
    world.start('executor'),
    world.start('session-gateway'),
    world.start('tool-runner'),
  ])
  await world.agent(agent)
  return { world, environment, executor }
}

/** The roles of the frames that the stream itself holds, but for those of people. */
export async function rolesInStream(world: World, session: string): Promise<string> {
  const ask = JSON.stringify({ subjects_filter: sessionFilter(session) })
  const answer = await world.broker.request('$JS.API.STREAM.INFO.SES', ask, { withinMs: 5000 })
  if (answer.kind !== 'reply') return 'no answer'
  const { state } = JSON.parse(answer.msg.string()) as { state: { subjects?: Record<string, number> } }
  return Object.entries(state.subjects ?? {})
    .map(([subject, count]) => (parseSessionSubject(subject)?.role ?? '?').repeat(count))
    .join('')
    .replaceAll('g', '')
}

export const untilArchived = (world: World, session: string): Promise<unknown> =>
  eventually(async () => (await rolesInStream(world, session)) === 'm', {
    withinMs: 60_000,
    describe: () => `of what was not said by people in ${session}, only the last word of memory is left in the stream`,
  })
